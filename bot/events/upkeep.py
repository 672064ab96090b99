"""What jobs do for sessions: each asks what is due now, and may run as often as it likes."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from bot import clock
from bot.content import Content
from bot.events import places, wording
from bot.events.models import Answer, Event, EventStatus, Rsvp, Standing
from bot.events.notices import announce, people
from bot.messaging.models import Priority

_DAY = timedelta(days=1)


def queue_due_reminders(db: Session, content: Content, now: datetime) -> int:
    """Queue the reminders that are due; return how many. Who answered after one was due does not get it."""
    return sum(_remind(db, content, event, now) for event in _open(db) if due(event, now))


def _remind(db: Session, content: Content, event: Event, now: datetime) -> int:
    places.lock(db, event.id)
    found = due(event, now)  # again: it may just have been moved
    if found is None:
        return 0
    offset, due_at = found
    return announce(
        db,
        content,
        event,
        people(event).where(
            or_(Rsvp.standing == Standing.CONFIRMED, Rsvp.answer == Answer.MAYBE), Rsvp.since <= due_at
        ),
        wording.reminder,
        kind="reminder",
        once=f"reminder:{event.id}:{event.sequence}:{offset}",
        priority=Priority.REMINDER,
        due_at=due_at,
        expires_at=deadline(event, offset),
    )


def due(event: Event, now: datetime) -> tuple[int, datetime] | None:
    """Return the reminder (minutes before the start) that is due, and since when: the last one only.

    One that was due before the last change is left out: people were told of the change instead.
    """
    if event.status != EventStatus.OPEN:
        return None
    for offset in sorted(event.reminders):
        due_at = event.starts_at - timedelta(minutes=offset)
        if due_at <= now:
            told = event.changed_at is not None and event.changed_at > due_at
            return None if told or now >= deadline(event, offset) else (offset, due_at)
    return None


def deadline(event: Event, offset: int) -> datetime:
    """Return when a reminder is no longer worth sending: at the start, an early one a day before it."""
    early = timedelta(minutes=offset) > _DAY
    return event.starts_at - _DAY if early else event.starts_at


def fill_places(db: Session, content: Content) -> int:
    """Give away places that became free without an answer, as when somebody is erased; return how many."""
    given = 0
    for event in _open(db):
        places.lock(db, event.id)
        given += places.fill(db, content, event)
    return given


def finish(db: Session) -> int:
    """Mark the sessions that are over; return how many."""
    over = [event for event in _open(db) if event.ends_at <= clock.now()]
    for event in over:
        event.status = EventStatus.DONE
    db.flush()
    return len(over)


def _open(db: Session) -> Iterator[Event]:
    yield from db.scalars(select(Event).where(Event.status == EventStatus.OPEN).order_by(Event.id)).all()
