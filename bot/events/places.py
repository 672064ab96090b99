"""Who gets a place: first come, first served, never more than there are."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Row, func, or_, select
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts.models import Contact, Purpose, State
from bot.content import Content
from bot.db import take_turn_for_places
from bot.events import calendars, wording
from bot.events.models import Event, EventStatus, Rsvp, Standing
from bot.events.wording import Reader
from bot.messaging import outbox
from bot.messaging.models import Priority


def lock(db: Session, event_id: int) -> Event | None:
    """Return the session as it is now, locked: whoever changes places or time takes turns."""
    take_turn_for_places(db)
    statement = select(Event).where(Event.id == event_id).with_for_update(key_share=True)
    return db.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def confirmed(db: Session, event: Event) -> int:
    """Return how many places are taken."""
    statement = select(func.count()).where(Rsvp.event_id == event.id, Rsvp.standing == Standing.CONFIRMED)
    return db.scalar(statement) or 0


def position(db: Session, rsvp: Rsvp) -> int | None:
    """Return the place on the waiting list, 1 for the next; None for who is not on it."""
    if rsvp.standing != Standing.WAITING:
        return None
    ahead = select(func.count()).where(
        Rsvp.event_id == rsvp.event_id, Rsvp.standing == Standing.WAITING, Rsvp.turn <= rsvp.turn
    )
    return db.scalar(ahead)


def fill(db: Session, content: Content, event: Event, answering: int | None = None) -> int:
    """Give free places of a locked session to those who wait, and tell them; return how many.

    `answering` is the contact who is being answered anyway.
    """
    now = clock.now()
    if event.status != EventStatus.OPEN or event.starts_at <= now:
        return 0
    chosen = next_in_turn(db, event, event.capacity, answering)
    for rsvp, contact in chosen:
        rsvp.standing, rsvp.since = Standing.CONFIRMED, now
        if contact.id != answering:
            _tell(db, content, event, rsvp, contact)
    db.flush()
    return len(chosen)


def next_in_turn(
    db: Session, event: Event, capacity: int | None, answering: int | None = None
) -> Sequence[Row[Rsvp, Contact]]:
    """Return those who wait and would get a place if there were so many, the first one first."""
    # Somebody who said STOP cannot be told, and would hold a place without knowing.
    within_reach = or_(Contact.state == State.MEMBER, Contact.id == answering)
    statement = (
        select(Rsvp, Contact)
        .join(Contact, Contact.id == Rsvp.contact_id)
        .where(Rsvp.event_id == event.id, Rsvp.standing == Standing.WAITING, within_reach)
        .order_by(Rsvp.turn)
    )
    if capacity is not None:
        statement = statement.limit(max(0, capacity - confirmed(db, event)))
    return db.execute(statement).all()


def _tell(db: Session, content: Content, event: Event, rsvp: Rsvp, contact: Contact) -> None:
    news = wording.promoted(content, event, Reader.of(contact, rsvp))
    outbox.queue(
        db,
        contact,
        replace(news, media=calendars.file(event, contact.id)),
        kind="notice",
        priority=Priority.REMINDER,
        purpose=Purpose.SESSIONS,
        once=promotion_key(event, rsvp),
        ref=event.id,
        expires_at=event.starts_at,
    )


def promotion_key(event: Event, rsvp: Rsvp) -> str:
    """Return the `once` key of the news of a place: a turn gets a place once."""
    return f"promoted:{event.id}:{rsvp.turn}"
