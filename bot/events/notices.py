"""Queue the same news for many people in few statements, each in their own words and local time."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Select, String, cast, exists, insert, literal, select
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts.models import Contact, Purpose
from bot.content import Content
from bot.events import calendars
from bot.events.models import Answer, Event, Rsvp, Standing
from bot.events.wording import Reader, Wording
from bot.messaging.models import OutboxMessage, Priority, Status
from bot.messaging.outbox import Message

People = Select[int, str, str, str | None, str | None, Answer, Standing]  #: answer and standing None: not answered


def people(event: Event) -> People:
    """Select contacts with what they answered to this session; narrow it with `where`."""
    return select(
        Contact.id, Contact.channel, Contact.sender, Contact.language, Contact.zone, Rsvp.answer, Rsvp.standing
    ).join_from(Contact, Rsvp, (Rsvp.contact_id == Contact.id) & (Rsvp.event_id == event.id), isouter=True)


def announce(
    db: Session,
    content: Content,
    event: Event,
    to: People,
    wording: Wording,
    *,
    kind: str,
    once: str,
    priority: Priority,
    expires_at: datetime,
    due_at: datetime | None = None,
    calendar: bool = False,
) -> int:
    """Queue one message for each person who has not had it (`once` and the contact's id); return how many.

    With `calendar`, who has a place gets the session's calendar file along.

    The session must be locked: two of these at a time would not see each other's rows.
    """
    key = literal(f"{once}:", String) + cast(Contact.id, String)
    found = db.execute(to.where(~exists().where(OutboxMessage.once == key)).order_by(Contact.id)).all()
    now = clock.now()
    common = {
        "priority": priority,
        "purpose": Purpose.SESSIONS,
        "kind": kind,
        "ref": event.id,
        "status": Status.QUEUED,
        "due_at": due_at or now,
        "expires_at": expires_at,
        "attempts": 0,
        "created_at": now,
        "status_at": now,
    }
    bodies: dict[Reader, Message] = {}
    rows = []
    for contact_id, channel, sender, *known in found:
        reader = Reader.read(*known)
        if reader not in bodies:
            bodies[reader] = wording(content, event, reader)
        body = bodies[reader]
        if calendar and reader.standing == Standing.CONFIRMED:
            body = replace(body, media=calendars.file(event, contact_id))
        to_whom = {"contact_id": contact_id, "channel": channel, "sender": sender}
        rows.append(common | to_whom | {"once": f"{once}:{contact_id}", "body": body.to_json()})
    if rows:
        db.execute(insert(OutboxMessage), rows)
    return len(rows)
