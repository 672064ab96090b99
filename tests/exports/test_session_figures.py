"""Figures of a session from answers to surveys: nobody is found in a small number, and only scores are compared."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts.models import Contact
from bot.content import Content
from bot.db import Database
from bot.events import attendance
from bot.events.models import Event
from bot.exports import session_figures
from bot.surveys.models import Answer, Disposition, Missing, Run, Status, Survey
from tests.events.conftest import member, session, wall


@pytest.fixture(autouse=True)
def _frozen(frozen: datetime) -> None:
    """Stop the clock at noon in Maseru on 4 March."""


def _survey(db: Session, form_id: str, version: str = "1") -> Survey:
    survey = Survey(
        form_id=form_id, version=version, title=form_id, sha256=f"{form_id}{version}", filename="f.xlsx", file=b"",
        xform="", status=Status.OPEN, created_at=clock.now(),
    )  # fmt: skip
    db.add(survey)
    db.flush()
    return survey


def answered(
    db: Session, survey: Survey, person: Contact, name: str, value: str, *, private: bool = False, refused: bool = False
) -> None:
    run = Run(
        survey_id=survey.id, contact_id=person.id, disposition=Disposition.COMPLETED, language="en", channel="telegram",
        occasion={"before": "pretest:1", "after": "posttest:1"}.get(survey.form_id, ""),
        state={}, started_at=clock.now(), updated_at=clock.now(), completed_at=clock.now(),
    )  # fmt: skip
    db.add(run)
    db.flush()
    db.add(
        Answer(
            run_id=run.id, path=f"/data/{name}", name=name, value=None if private else value,
            private=value if private else None, said="", missing=Missing.REFUSED if refused else None, language="en",
            channel="telegram", at=clock.now(),
        )
    )  # fmt: skip
    db.flush()


def _held(db: Session, messages_dir: Path, count: int) -> tuple[Event, list[Contact]]:
    event = session(db, wall("2026-03-28 11:00"), pretest_form="before", posttest_form="after")
    content = Content.load(messages_dir)
    people = [member(db) for _ in range(count)]
    clock.move_to(event.starts_at)
    for person in people:
        attendance.check_in(db, content, person, event, attendance.Presence.BUTTON)
    return event, people


def test_the_scores_of_who_was_there_and_took_both_are_compared(database: Database, messages_dir: Path) -> None:
    with database.begin() as db:
        event, people = _held(db, messages_dir, 17)
        before, after = _survey(db, "before"), _survey(db, "after")
        newer = _survey(db, "after", "2")
        for number, person in enumerate(people):
            answered(db, before, person, "score", "4")
            answered(db, after, person, "score", str((6, 4, 3)[number % 3]), private=number % 2 == 0)
        stranger = member(db)
        answered(db, before, stranger, "score", "0")
        answered(db, after, stranger, "score", "100")
        clock.advance(timedelta(days=1))
        answered(db, newer, people[0], "score", "2")  # the test taken last counts
        answered(db, newer, people[1], "score", "no number")
        found = session_figures.compare(db, event, 5)
        assert found is not None
        assert (found.people, found.before) == (17, 4.0)
        assert found.changes == {"rose": 5, "same": 6, "fell": 6}
        assert found.after == pytest.approx((5 * 6 + 6 * 4 + 5 * 3 + 2) / 17)


@pytest.mark.parametrize(("count", "people", "mean"), [(0, 0, None), (4, None, None), (5, 5, 5.0)])
def test_few_are_hidden(
    database: Database, messages_dir: Path, count: int, people: int | None, mean: float | None
) -> None:
    with database.begin() as db:
        event, there = _held(db, messages_dir, count)
        before, after = _survey(db, "before"), _survey(db, "after")
        for person in there:
            answered(db, before, person, "score", "4")
            answered(db, after, person, "score", "5")
        found = session_figures.compare(db, event, 5)
        assert found is not None
        assert (found.people, found.after) == (people, mean)
        assert found.changes == ({"rose": 5, "same": 0, "fell": 0} if count == 5 else {})
        event.posttest_form = None
        assert session_figures.compare(db, event, 5) is None


def test_one_who_differs_is_in_no_number(database: Database, messages_dir: Path) -> None:
    with database.begin() as db:
        event, people = _held(db, messages_dir, 8)
        before, after = _survey(db, "before"), _survey(db, "after")
        for number, person in enumerate(people):
            answered(db, before, person, "score", "4")
            answered(db, after, person, "score", "5" if number else "1")
        found = session_figures.compare(db, event, 5)
        assert found is not None
        assert found.changes == {"rose": None, "same": 0, "fell": None}


def test_sex_is_what_people_said_last_and_not_what_they_would_not_say(database: Database, messages_dir: Path) -> None:
    with database.begin() as db:
        event, people = _held(db, messages_dir, 21)
        mapping, newer = _survey(db, "mapping"), _survey(db, "mapping", "2")
        for number, person in enumerate(people[:20]):
            answered(db, mapping, person, "gender", ("f", "m")[number % 2], refused=number >= 15)
        answered(db, newer, people[0], "sex", "male")
        rows = session_figures.figures(db, event, 5).groups["sex"]
        assert {code: row["came"] for code, row in rows.items()} == {"": 6, "female": 7, "male": 8}
