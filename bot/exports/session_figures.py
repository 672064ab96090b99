"""Figures of a session that rest on answers to surveys: by sex, and what the test before and the one after show."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from bot.contacts.models import Contact
from bot.disclosure import releases
from bot.disclosure.suppression import THRESHOLD, Sum
from bot.events import turnout
from bot.events.models import Attendance, Event
from bot.events.turnout import Figures, Row
from bot.surveys.models import Answer, Disposition, Run, Survey

#: Questions that ask for it, and what their codes mean; any other code is "other".
_QUESTIONS = ("gender", "sex")
_SEXES = {"f": "female", "female": "female", "woman": "female", "m": "male", "male": "male", "man": "male"}
#: The calculation by which a test says how well somebody did.
SCORE = "score"
_CHANGES = ("rose", "same", "fell")
_CURRENT = (Answer.superseded_at.is_(None), Answer.relevant)


def figures(db: Session, event: Event, least: int = THRESHOLD) -> Figures:
    """Publish how many were invited and came, in all and by group and code, small numbers hidden."""
    groups = turnout.counted(db, event) | {"sex": _by_sex(db, event)}
    return turnout.publish(db, event, groups, least)


def _by_sex(db: Session, event: Event) -> dict[str, Row]:
    rows: dict[str, Row] = {}
    for code, row in turnout.by_code(db, event, _said()).items():
        sex = _SEXES.get(code.lower(), "other") if code else ""
        known = rows.setdefault(sex, dict.fromkeys(row, 0))
        rows[sex] = {name: known[name] + count for name, count in row.items()}
    return rows


def _said() -> ColumnElement[str | None]:
    """Return what a contact answered last; somebody who did not want to say has said nothing."""
    answers = select(Answer.value).join(Run, Run.id == Answer.run_id).where(Run.contact_id == Contact.id, *_CURRENT)
    said = answers.where(Answer.name.in_(_QUESTIONS), Answer.missing.is_(None), Answer.value.is_not(None))
    return said.order_by(Answer.id.desc()).limit(1).correlate(Contact).scalar_subquery()


@dataclass(frozen=True, slots=True)
class Compared:
    """What two tests show of those who were there and took both; None: too few to tell."""

    people: int | None
    before: float | None  #: mean score
    after: float | None
    changes: Mapping[str, int | None]  #: how many rose, stayed, fell


def compare(db: Session, event: Event, least: int = THRESHOLD) -> Compared | None:
    """Publish what the tests before and after show; None for a session that has not both."""
    if event.pretest_form is None or event.posttest_form is None:
        return None
    tests = {"pretest": event.pretest_form, "posttest": event.posttest_form}
    before, after = (_scores(db, event, form, f"{test}:{event.id}") for test, form in tests.items())
    both = sorted(before.keys() & after.keys())
    if not both:
        return Compared(0, None, None, {})
    changes = dict.fromkeys(_CHANGES, 0)
    for one in both:
        changes["same" if before[one] == after[one] else "rose" if after[one] > before[one] else "fell"] += 1
    took = dict.fromkeys(("people", "before", "after"), len(both))
    sums = [Sum(parts, "people") for parts in (_CHANGES, ("before",), ("after",))]
    means = {
        test: sum(scores[one] for one in both) / len(both) for test, scores in (("before", before), ("after", after))
    }
    made = releases.publish(db, f"tests {event.id}", took | changes, sums, least, means, least)
    people, first, last = made.figures["people"], made.medians.get("before"), made.medians.get("after")
    return Compared(people, first, last, {} if people is None else {name: made.figures[name] for name in _CHANGES})


def _scores(db: Session, event: Event, form_id: str, occasion: str) -> dict[int, float]:
    """Return the score of each person who was there, of the test they completed on this occasion."""
    there = select(Attendance.contact_id).where(Attendance.event_id == event.id)
    rows = (
        select(Run.contact_id, Answer.value, Answer.private)
        .join(Run, Run.id == Answer.run_id)
        .join(Survey, Survey.id == Run.survey_id)
        .where(Survey.form_id == form_id, Answer.name == SCORE, Run.disposition == Disposition.COMPLETED, *_CURRENT)
        .where(Run.contact_id.in_(there), Run.occasion == occasion)
        .order_by(Run.completed_at, Run.id)
    )
    return {one: score for one, value, private in db.execute(rows) if (score := _number(value or private)) is not None}


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if isfinite(number) else None
