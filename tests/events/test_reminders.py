"""Reminders: at the right instant, once, never late, not for who joined after."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert, select

from bot import clock
from bot.contacts.models import Contact, State
from bot.content import Content
from bot.db import Database
from bot.events import replies, service, upkeep
from bot.events.models import Answer, Rsvp, Standing
from bot.messaging.models import OutboxMessage, Priority

from .conftest import deliver, member, session, wall

START = datetime(2026, 3, 28, 9, 0, tzinfo=UTC)
SATURDAY = wall("2026-03-28 11:00")  # in Maseru


@pytest.fixture(autouse=True)
def _frozen(frozen: datetime) -> None:
    """Stop the clock at noon in Maseru on 4 March."""


def test_a_reminder_is_queued_at_its_instant_and_once(database: Database, content: Content) -> None:
    with database.begin() as db:
        planned = session(db, SATURDAY)
        replies.rsvp(db, content, member(db), planned.id, Answer.YES)
        for before in (timedelta(days=7), timedelta(hours=24), timedelta(hours=1)):
            clock.move_to(START - before - timedelta(seconds=1))
            assert upkeep.queue_due_reminders(db, content, clock.now()) == 0
            clock.advance(timedelta(seconds=1))
            assert upkeep.queue_due_reminders(db, content, clock.now()) == 1
            assert upkeep.queue_due_reminders(db, content, clock.now()) == 0
        rows = db.scalars(select(OutboxMessage).order_by(OutboxMessage.id)).all()
        assert [(row.due_at, row.expires_at) for row in rows] == [
            (START - timedelta(days=7), START - timedelta(days=1)),
            (START - timedelta(days=1), START),
            (START - timedelta(hours=1), START),
        ]
        assert {(row.kind, row.ref, row.purpose, row.priority) for row in rows} == {
            ("reminder", planned.id, "sessions", Priority.REMINDER)
        }


def test_the_link_is_for_those_confirmed_and_maybe_is_asked_again(database: Database, content: Content) -> None:
    with database.begin() as db:
        planned = session(db, SATURDAY, capacity=1, link="https://meet.example/abc")
        for answer in (Answer.YES, Answer.MAYBE, Answer.YES, Answer.NO):
            replies.rsvp(db, content, member(db), planned.id, answer)
        clock.move_to(START - timedelta(hours=1))
        assert upkeep.queue_due_reminders(db, content, clock.now()) == 2
        (_, _, confirmed), (_, _, maybe) = deliver(db, "reminder")
        assert "https://meet.example/abc" in confirmed.text
        assert confirmed.template == "session_reminder"
        assert "https://" not in maybe.text
        assert [button.id for button in maybe.buttons] == [f"rsvp:{planned.id}:yes", f"rsvp:{planned.id}:no"]


def test_a_late_joiner_gets_only_what_is_still_due(database: Database, content: Content) -> None:
    with database.begin() as db:
        planned = session(db, SATURDAY, capacity=1)
        early, late = member(db), member(db)
        replies.rsvp(db, content, early, planned.id, Answer.YES)
        replies.rsvp(db, content, late, planned.id, Answer.YES)
        clock.move_to(START - timedelta(hours=23))
        replies.rsvp(db, content, early, planned.id, Answer.NO)  # the other one has a place from now on
        assert upkeep.queue_due_reminders(db, content, clock.now()) == 0
        clock.move_to(START - timedelta(hours=1))
        assert upkeep.queue_due_reminders(db, content, clock.now()) == 1
        assert [contact_id for contact_id, _, _ in deliver(db, "reminder")] == [late.id]


def test_a_job_that_stood_still_sends_the_last_reminder_only_and_none_after_the_start(
    database: Database, content: Content
) -> None:
    with database.begin() as db:
        planned = session(db, SATURDAY)
        replies.rsvp(db, content, member(db), planned.id, Answer.YES)
        clock.move_to(START - timedelta(minutes=30))
        assert upkeep.queue_due_reminders(db, content, clock.now()) == 1
        assert [once.split(":")[3] for _, once, _ in deliver(db, "reminder")] == ["60"]


@pytest.mark.parametrize(
    ("offset", "too_late"), [(60, START), (24 * 60, START), (7 * 24 * 60, START - timedelta(days=1))]
)
def test_a_reminder_that_missed_its_deadline_is_not_queued(
    database: Database, content: Content, offset: int, too_late: datetime
) -> None:
    with database.begin() as db:
        planned = session(db, SATURDAY, reminders=[offset])
        replies.rsvp(db, content, member(db), planned.id, Answer.YES)
        clock.move_to(too_late)
        assert upkeep.queue_due_reminders(db, content, clock.now()) == 0
        clock.advance(timedelta(seconds=-1))
        assert upkeep.queue_due_reminders(db, content, clock.now()) == 1


def test_what_was_queued_for_the_old_time_is_void_after_a_move(database: Database, content: Content) -> None:
    with database.begin() as db:
        planned = session(db, SATURDAY)
        replies.rsvp(db, content, member(db), planned.id, Answer.YES)
        clock.move_to(START - timedelta(hours=24))
        upkeep.queue_due_reminders(db, content, clock.now())
        service.move(db, content, planned, SATURDAY + timedelta(hours=2))
        assert deliver(db, "reminder") == []
        clock.advance(timedelta(hours=2))
        assert upkeep.queue_due_reminders(db, content, clock.now()) == 1
        service.move(db, content, planned, SATURDAY)  # nearer again: its day before is over, the news does instead
        assert deliver(db, "reminder") == []
        assert upkeep.queue_due_reminders(db, content, clock.now()) == 0
        assert [message.variables["when"][:31] for _, _, message in deliver(db, "notice")] == [
            "Saturday 28 March 2026, 11:00 ("
        ]


def test_a_move_that_changes_nothing_tells_nobody(database: Database, content: Content) -> None:
    with database.begin() as db:
        planned = session(db, SATURDAY, place="Library")
        replies.rsvp(db, content, member(db), planned.id, Answer.YES)
        assert service.move(db, content, planned, SATURDAY, place="Library") == 0
        assert planned.sequence == 0
        assert service.move(db, content, planned, place="Town hall") == 1
        [(_, _, message)] = deliver(db, "notice")
        assert "Where: Town hall" in message.text
        assert planned.sequence == 1


@pytest.mark.parametrize("hours", [-1, 1])
def test_news_of_a_move_comes_before_the_old_time_and_the_new(database: Database, content: Content, hours: int) -> None:
    with database.begin() as db:
        planned = session(db, SATURDAY)
        replies.rsvp(db, content, member(db), planned.id, Answer.YES)
        service.move(db, content, planned, SATURDAY + timedelta(hours=hours))
        news = db.scalars(select(OutboxMessage).where(OutboxMessage.kind == "notice")).one()
        assert news.expires_at == START + timedelta(hours=min(hours, 0))


def test_ten_thousand_reminders_take_few_statements(database: Database, content: Content) -> None:
    zones = ["Africa/Johannesburg", "Europe/London", "America/Toronto", "Australia/Sydney"]
    with database.begin() as db:
        planned = session(db, SATURDAY)
        common = {"state": State.MEMBER, "channel": "whatsapp", "created_at": clock.now()}
        people = [
            common | {"zone": zones[number % 4], "language": ["en", "fr"][number % 2]} for number in range(10_000)
        ]
        db.execute(insert(Contact), people)
        said = {"event_id": planned.id, "answer": Answer.YES, "standing": Standing.CONFIRMED}
        times = {"at": clock.now(), "since": clock.now()}
        db.execute(
            insert(Rsvp), [said | times | {"contact_id": contact_id} for contact_id in db.scalars(select(Contact.id))]
        )
        clock.move_to(START - timedelta(hours=24))
        statements = Statements(database.engine)
        assert upkeep.queue_due_reminders(db, content, clock.now()) == 10_000
        assert statements.count <= 25  # PostgreSQL splits the INSERT into pages
        assert upkeep.queue_due_reminders(db, content, clock.now()) == 0


class Statements:
    """Counts what is sent to the database."""

    def __init__(self, engine: Engine) -> None:
        self.count = 0
        event.listen(engine, "before_cursor_execute", self._seen)

    def _seen(self, *_: Any) -> None:
        self.count += 1
