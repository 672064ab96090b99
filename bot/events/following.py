"""What comes at the start and after the end: check-in, thanks with questions, and a word to who was missed."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, String, cast, exists, literal, select
from sqlalchemy.orm import Session

from bot.contacts.models import Contact
from bot.content import Content
from bot.events import places, wording
from bot.events.models import Attendance, Event, EventStatus, Rsvp, Standing
from bot.events.notices import People, announce, people
from bot.messaging.models import OutboxMessage, Priority

#: How long the message at the start is worth sending.
STARTING = timedelta(minutes=30)
#: After this long nobody is asked any more how it was.
LASTS = timedelta(days=3)
#: Staff have until then to note who was there, before anybody is told that they were missed.
MISSED_AFTER = timedelta(hours=24)
#: How far back sessions are looked at: the longest one, and all that follows it, lie well within.
_LOOKED_AT = timedelta(days=60)


def queue_starts(db: Session, content: Content, now: datetime) -> int:
    """Queue the message of the start, with the check-in button, to those who have a place; return how many."""
    return sum(_start(db, content, event) for event in _held(db, now) if _starts(event, now))


def _starts(event: Event, now: datetime) -> bool:
    return event.status == EventStatus.OPEN and event.starts_at <= now < _too_late(event)


def _too_late(event: Event) -> datetime:
    return min(event.starts_at + STARTING, event.ends_at)


def _start(db: Session, content: Content, event: Event) -> int:
    places.lock(db, event.id)
    return announce(
        db,
        content,
        event,
        people(event).where(Rsvp.standing == Standing.CONFIRMED, ~_was_there(event)),
        wording.starting,
        kind="start",
        once=f"start:{event.id}:{event.sequence}",
        priority=Priority.REMINDER,
        due_at=event.starts_at,
        expires_at=_too_late(event),
    )


def queue_follow_ups(db: Session, content: Content, now: datetime) -> int:
    """Queue what follows a session, once to each person; return how many."""
    return sum(_thank(db, content, event, now) + _miss(db, content, event, now) for event in _held(db, now))


def _thank(db: Session, content: Content, event: Event, now: datetime) -> int:
    due = event.ends_at + timedelta(minutes=event.follow_up)
    if not due <= now < due + LASTS:
        return 0
    places.lock(db, event.id)
    if _was_noted(db, event):
        return _thank_who_came(db, content, event, due)
    if event.feedback_form is None:
        return 0
    confirmed = people(event).where(Rsvp.standing == Standing.CONFIRMED)
    return _follow(db, content, event, confirmed, wording.how_was_it, due)


def _thank_who_came(db: Session, content: Content, event: Event, due: datetime) -> int:
    """Thank who was there; who had been asked already how it was only hears of what else there is."""
    asked = exists().where(
        OutboxMessage.once == literal(f"{wording.how_was_it.__name__}:{event.id}:", String) + cast(Contact.id, String)
    )
    came = people(event).where(_was_there(event))
    thanked = _follow(db, content, event, came.where(~asked), wording.thanks, due)
    if event.certificate or event.posttest_form:
        thanked += _follow(db, content, event, came.where(asked), wording.noted, due)
    return thanked


def _miss(db: Session, content: Content, event: Event, now: datetime) -> int:
    due = event.ends_at + MISSED_AFTER
    if not due <= now < due + LASTS or not _was_noted(db, event):
        return 0
    places.lock(db, event.id)
    missed = people(event).where(Rsvp.standing == Standing.CONFIRMED, ~_was_there(event))
    return _follow(db, content, event, missed, wording.missed, due)


def _follow(db: Session, content: Content, event: Event, to: People, text: wording.Wording, due: datetime) -> int:
    return announce(
        db,
        content,
        event,
        to,
        text,
        kind="followup",
        once=f"{text.__name__}:{event.id}",
        priority=Priority.REMINDER,
        due_at=due,
        expires_at=due + LASTS,
    )


def _was_there(event: Event) -> ColumnElement[bool]:
    return exists().where(Attendance.event_id == event.id, Attendance.contact_id == Contact.id)


def _was_noted(db: Session, event: Event) -> bool:
    return db.scalar(select(exists().where(Attendance.event_id == event.id))) or False


def _held(db: Session, now: datetime) -> Iterator[Event]:
    """Yield sessions that were not called off and are not long over."""
    statement = select(Event).where(
        Event.status.in_((EventStatus.OPEN, EventStatus.DONE)),
        Event.starts_local > (now - _LOOKED_AT).replace(tzinfo=None),
    )
    yield from db.scalars(statement.order_by(Event.id)).all()
