"""What members do with sessions: look at them and answer."""

import re
from dataclasses import replace

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts.models import Contact
from bot.content import Content
from bot.events import attendance, calendars, materials, places, series, wording
from bot.events.models import Answer, Event, EventStatus, Presence, Rsvp, Standing
from bot.events.wording import Reader
from bot.messaging import outbox
from bot.messaging.models import OutboxMessage
from bot.messaging.outbox import Message
from bot.webhooks import service as webhooks
from bot.webhooks.models import Kind

#: Rows of a list on WhatsApp.
_SHOWN = 10
_ID = re.compile(r"[0-9]{1,18}")  # what a column holds: buttons can be forged
_EAGERNESS = {None: 0, Answer.NO: 0, Answer.MAYBE: 1, Answer.YES: 2}


def press(db: Session, content: Content, contact: Contact, button: str) -> Message:
    """Answer a pressed button, "rsvp:<event id>:<yes|maybe|no|here|show>"; an unknown one gets the list."""
    event_id, _, choice = button.removeprefix("rsvp:").partition(":")
    if _ID.fullmatch(event_id) and choice in set(Answer):
        return rsvp(db, content, contact, int(event_id), Answer(choice))
    if _ID.fullmatch(event_id) and choice == "here" and (event := db.get(Event, int(event_id))):
        return attendance.check_in(db, content, contact, event, Presence.BUTTON)
    if _ID.fullmatch(event_id) and choice == "show":
        return show(db, content, contact, int(event_id))
    return upcoming(db, content, contact)


def rsvp(db: Session, content: Content, contact: Contact, event_id: int, answer: Answer) -> Message:
    """Take an answer and return the confirmation; a place that becomes free goes to the next at once."""
    event = places.lock(db, event_id)
    if event is None or not is_shown(db, event, contact):
        return upcoming(db, content, contact)
    row = db.get(Rsvp, (event.id, contact.id))
    refusal = _refusal(event, row, answer)
    if refusal:
        return wording.refused(content, event, Reader.of(contact, row), refusal)
    if answer != Answer.NO and event.requires_id and not attendance.was_at(db, contact, event.requires_id):
        return _first(db, content, contact, event, event.requires_id)
    if row is None or row.answer != answer:
        row = _write(db, event, contact, row, answer)
        places.fill(db, content, event, answering=contact.id)
        facts = {"session": event.id, "contact": contact.id, "answer": row.answer, "standing": row.standing}
        webhooks.emit(db, Kind.SESSION_ANSWERED, facts)
    said = wording.answered(content, event, Reader.of(contact, row), places.position(db, row))
    has_place = row.standing == Standing.CONFIRMED
    return replace(said, media=calendars.file(event, contact.id)) if has_place else said


def _first(db: Session, content: Content, contact: Contact, event: Event, topic_id: int) -> Message:
    """Lead to the session that must be taken first: its next run, where one is planned."""
    runs = db.scalars(select(Event).where(or_(Event.id == topic_id, Event.run_of == topic_id))).all()
    coming = sorted(filter(_is_coming, runs), key=lambda run: run.starts_at)
    first = coming[0] if coming else runs[0]
    return wording.required_first(content, event, first, Reader.of(contact), planned=bool(coming))


def withdraw(db: Session, content: Content, contact: Contact) -> int:
    """Give up every place of a contact who leaves; the next in turn get them. Return how many."""
    coming = (
        select(Rsvp.event_id)
        .join(Event, Event.id == Rsvp.event_id)
        .where(Rsvp.contact_id == contact.id, Rsvp.answer != Answer.NO, Event.status == EventStatus.OPEN)
    )
    events = list(db.scalars(coming.order_by(Rsvp.event_id)))
    for event_id in events:
        rsvp(db, content, contact, event_id, Answer.NO)
    return len(events)


def _refusal(event: Event, row: Rsvp | None, answer: Answer) -> str | None:
    """Return the key that says why the answer does not count; after the deadline one may only step back."""
    if event.status == EventStatus.CANCELLED:
        return "session.cancelled"
    if event.status == EventStatus.DONE or event.starts_at <= clock.now():
        return "session.past"
    said = Answer(row.answer) if row else None
    if event.closes_at <= clock.now() and _EAGERNESS[answer] > _EAGERNESS[said]:
        return "session.closed"
    return None


def _write(db: Session, event: Event, contact: Contact, row: Rsvp | None, answer: Answer) -> Rsvp:
    """Note a changed answer: a yes waits in turn until `places.fill`, what it makes void is cancelled."""
    _cancel_void(db, event, contact, row, answer)
    if row is None:
        row = Rsvp(event_id=event.id, contact_id=contact.id)
        db.add(row)
    row.answer, row.at, row.since = answer, clock.now(), clock.now()
    row.standing, row.turn = Standing.NONE, None
    if answer == Answer.YES:
        event.turns += 1
        row.standing, row.turn = Standing.WAITING, event.turns
    db.flush()
    return row


def _cancel_void(db: Session, event: Event, contact: Contact, row: Rsvp | None, answer: Answer) -> None:
    version = f"{event.id}:{event.sequence}"
    keys = [f"invitation:{version}:{contact.id}"]
    if row:
        keys.append(places.promotion_key(event, row))
    if answer == Answer.NO:
        keys.append(f"moved:{version}:{contact.id}")
        keys += [f"reminder:{version}:{offset}:{contact.id}" for offset in event.reminders]
    outbox.cancel_once(db, keys, "answered")


def show(db: Session, content: Content, contact: Contact, event_id: int) -> Message:
    """Describe one session, with buttons to answer."""
    event = db.get(Event, event_id)
    if event is None or not _is_coming(event) or not _is_for(db, event, contact):
        return upcoming(db, content, contact)
    return _details(db, content, event, Reader.of(contact, db.get(Rsvp, (event.id, contact.id))))


def _details(db: Session, content: Content, event: Event, reader: Reader) -> Message:
    return wording.details(
        content, event, reader, part=series.part(db, event), documents=materials.there_are(db, event)
    )


def is_shown(db: Session, event: Event, contact: Contact) -> bool:
    """Tell whether a person may see what belongs to a session."""
    return event.status != EventStatus.DRAFT and _is_for(db, event, contact)


def upcoming(db: Session, content: Content, contact: Contact) -> Message:
    """List the coming sessions, the next first; a single one is described at once."""
    offered = select(Event).where(Event.status == EventStatus.OPEN, or_(~Event.by_invitation, _invited(contact)))
    events = filter(_is_coming, db.scalars(offered))
    coming = sorted(events, key=lambda event: event.starts_at)[:_SHOWN]
    answers = {
        row.event_id: row
        for row in db.scalars(
            select(Rsvp).where(Rsvp.contact_id == contact.id, Rsvp.event_id.in_([event.id for event in coming]))
        )
    }
    items = [(event, Reader.of(contact, answers.get(event.id))) for event in coming]
    if not items:
        return wording.nothing_planned(content, Reader.of(contact).language)
    return _details(db, content, *items[0]) if len(items) == 1 else wording.listing(content, items)


def _invited(contact: Contact) -> ColumnElement[bool]:
    """Return the condition that a contact was invited to a session, or has answered."""
    return exists().where(
        OutboxMessage.kind == "invitation", OutboxMessage.ref == Event.id, OutboxMessage.contact_id == contact.id
    ) | exists().where(Rsvp.event_id == Event.id, Rsvp.contact_id == contact.id)


def _is_for(db: Session, event: Event, contact: Contact) -> bool:
    if not event.by_invitation:
        return True
    return db.scalar(select(Event.id).where(Event.id == event.id, _invited(contact))) is not None


def _is_coming(event: Event) -> bool:
    return event.status == EventStatus.OPEN and event.starts_at > clock.now()
