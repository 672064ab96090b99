"""Who is in a report: the interviews with a form, each person once, with the answers that its figures need."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.contacts import links
from bot.contacts.models import Contact
from bot.exports import response
from bot.exports import service as exports
from bot.exports.cases import day_of, stream
from bot.exports.options import Options
from bot.surveys.models import Answer, Disposition, Run, Survey

#: How an interview stands, as a report tells it.
COMPLETE, PARTIAL, LEFT, INVITED, DECLINED = "complete", "partial", "left", "invited", "declined"
_STANDING = {
    Disposition.COMPLETED: COMPLETE,
    Disposition.INVITED: INVITED,
    Disposition.REFUSED: DECLINED,
    Disposition.INELIGIBLE: DECLINED,
    Disposition.QUOTA_FULL: DECLINED,
}


@dataclass(frozen=True, slots=True)
class Person:
    """One interview: codes by question, and nothing that names anybody."""

    answers: Mapping[str, tuple[str, ...]]  #: what was answered; skipped and refused questions are not in it
    standing: str
    source: str
    outcome: str = response.COMPLETE  #: a group of AAPOR's
    chain: str = "0"  #: over how many members' links they came, as far as these are known


@dataclass(frozen=True, slots=True)
class People:
    """All interviews with a form, and the days between which they were held (ISO; empty without any)."""

    interviews: tuple[Person, ...]
    first: str
    last: str


def gather(db: Session, survey: Survey, questions: Collection[str], many: Collection[str]) -> People:
    """Return everybody's answers to these questions, of which `many` take several choices, in all versions."""
    chosen = exports.interviews(survey, Options(all_versions=True)).subquery()
    found = (
        select(
            *(Run.id, Run.contact_id, Run.disposition, Contact.source, Answer.name, Answer.value),
            day_of(db, Run.started_at).label("day"),
        )
        .join(chosen, chosen.c.id == Run.id)
        .join(Contact, Contact.id == Run.contact_id)
        .outerjoin(
            Answer,
            (Answer.run_id == Run.id)
            & Answer.name.in_(questions)
            & Answer.superseded_at.is_(None)
            & Answer.relevant
            & Answer.missing.is_(None)
            & (func.coalesce(Answer.value, "") != ""),
        )
        .where(chosen.c.occasion == "")
        .order_by(Run.id)
    )
    kind_of, chain_of = links.kinds(db), response.chains(db)
    interviews: list[Person] = []
    days: list[str] = []
    known: dict[str, tuple[str, ...]] = {}
    for _, rows in groupby(stream(db, found), key=itemgetter(0)):
        answers: dict[str, tuple[str, ...]] = {}
        for row in rows:
            if row.name is not None:
                codes = known.setdefault(row.value, tuple(row.value.split()))
                answers[row.name] = codes if row.name in many else (row.value,)
        standing = _STANDING.get(row.disposition) or (PARTIAL if answers else LEFT)
        outcome = response.group_of(Disposition(row.disposition), bool(answers))
        interviews.append(Person(answers, standing, kind_of(row.source), outcome, chain_of(row.contact_id)))
        days.append(row.day)
    return People(tuple(interviews), min(days, default=""), max(days, default=""))
