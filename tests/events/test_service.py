"""What staff are told when they ask for something that cannot be."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot import clock
from bot.contacts.models import Contact
from bot.content import Content
from bot.db import Database
from bot.events import replies, service
from bot.events.models import Answer, EventStatus

from .conftest import member, session, waiting, wall

SATURDAY = wall("2026-03-28 11:00")
DRAFT: dict[str, Any] = {"title": {"en": "Saving well"}, "starts_local": SATURDAY, "zone": "Africa/Maseru"}
DRAFT |= {"minutes": 60, "created_by": "1"}


@pytest.fixture(autouse=True)
def _frozen(frozen: datetime) -> None:
    """Stop the clock at noon in Maseru on 4 March."""


@pytest.mark.parametrize(
    ("changes", "cure"),
    [
        ({"zone": "Maseru"}, "write one such as Africa/Maseru"),
        ({"zone": "../etc"}, "is not a time zone"),
        ({"zone": "Europe/London", "starts_local": wall("2026-03-29 01:30")}, "choose another hour"),
        ({"starts_local": datetime(2026, 3, 28, tzinfo=UTC)}, "without an offset"),
        ({"capacity": 0}, "leave the capacity empty"),
        ({"minutes": 0}, "at least 1"),
    ],
)
def test_a_session_that_cannot_be_is_refused_with_the_cure(
    database: Database, changes: dict[str, Any], cure: str
) -> None:
    with database.begin() as db, pytest.raises(service.NotPossible, match=cure):
        service.create(db, **(DRAFT | changes))


def test_an_hour_that_comes_twice_is_the_first_one(database: Database) -> None:
    with database.begin() as db:
        event = service.create(db, **(DRAFT | {"zone": "Europe/London", "starts_local": wall("2026-10-25 01:30")}))
        assert event.starts_at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "cure"),
    [
        ({"title": {}}, "Write a title"),
        ({"starts_local": wall("2026-03-04 11:59")}, "choose a later time"),
        ({"register_by": datetime(2026, 3, 1, tzinfo=UTC)}, "choose a later time"),
    ],
)
def test_a_draft_that_is_not_ready_is_not_published(database: Database, changes: dict[str, Any], cure: str) -> None:
    with database.begin() as db:
        event = service.create(db, **(DRAFT | changes))
        with pytest.raises(service.NotPossible, match=cure):
            service.publish(db, event)


def test_a_draft_is_neither_listed_nor_answered_nor_announced(database: Database, content: Content) -> None:
    with database.begin() as db:
        event = service.create(db, **DRAFT)
        person = member(db)
        with pytest.raises(service.NotPossible, match="Publish"):
            service.invite(db, content, event, [person.id])
        assert replies.rsvp(db, content, person, event.id, Answer.YES).text.startswith("There is no session")
        assert service.move(db, content, event, SATURDAY + timedelta(days=1)) == 0
        assert service.cancel(db, content, event) == 0
        assert waiting(db, "notice") == []


def test_an_open_session_is_published_once_and_not_moved_into_the_past(database: Database, content: Content) -> None:
    with database.begin() as db:
        event = session(db, SATURDAY)
        assert event.status == EventStatus.OPEN
        with pytest.raises(service.NotPossible, match="draft"):
            service.publish(db, event)
        with pytest.raises(service.NotPossible, match="choose a later time"):
            service.move(db, content, event, wall("2026-03-01 11:00"))
        clock.move_to(event.starts_at)
        with pytest.raises(service.NotPossible, match="choose a later time"):
            service.invite(db, content, event, [])


def test_an_audience_may_be_a_select(database: Database, content: Content) -> None:
    with database.begin() as db:
        event = session(db, SATURDAY)
        member(db, "Indian/Mauritius"), member(db, "Europe/London"), member(db, None)
        audience = select(Contact.id).where(Contact.zone == "Indian/Mauritius")
        assert service.invite(db, content, event, audience) == 1
        assert service.invite(db, content, event, select(Contact.id)) == 2


def test_a_single_coming_session_is_described_at_once(database: Database, content: Content) -> None:
    with database.begin() as db:
        event = session(db, SATURDAY, place="Library, Maseru", description={"en": "How to put money aside."})
        shown = replies.upcoming(db, content, member(db, None))
        assert shown.text == (
            "Saving well\n"
            "When: Saturday 28 March 2026, 11:00 (Maseru time, UTC+2)\n"
            "Where: Library, Maseru\n"
            "\n"
            "How to put money aside.\n"
            "\n"
            "Will you come?"
        )
        assert [button.id for button in shown.buttons] == [f"rsvp:{event.id}:{answer}" for answer in Answer]
