"""Who was there: by the code that is said in the session, by the button at its start, or by staff."""

import re
import secrets
from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, exists, or_, select
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts.models import Contact
from bot.content import Content
from bot.content.normalise import normalise
from bot.events import wording
from bot.events.models import Attendance, Event, EventStatus, Presence, Rsvp
from bot.events.wording import Reader
from bot.messaging.outbox import Message

#: How long before the start, and after the end, people can check in themselves.
EARLY = timedelta(minutes=30)
LATE = timedelta(minutes=30)
#: Easy to say and to hear: two syllables and two digits.
_CONSONANTS, _VOWELS = "bdfklmnprst", "aeiou"
_CODE = re.compile(r"([a-z]{4}) ?([0-9]{2})")
_HELD = (EventStatus.OPEN, EventStatus.DONE)


def new_code(db: Session) -> str:
    """Return a code that no session has."""
    while True:
        syllables = "".join(secrets.choice(letters) for letters in (_CONSONANTS, _VOWELS) * 2)
        code = f"{syllables}{secrets.randbelow(90) + 10}".upper()
        if db.scalar(select(Event.id).where(Event.code == code)) is None:
            return code


def by_code(db: Session, content: Content, contact: Contact, text: str) -> Message | None:
    """Answer a typed code; None when the text is the code of no session that goes on."""
    said = _CODE.fullmatch(normalise(text))
    if said is None:
        return None
    event = db.scalars(select(Event).where(Event.code == "".join(said.groups()).upper())).one_or_none()
    if event is None or not _is_open(event):
        return None
    return check_in(db, content, contact, event, Presence.CODE)


def check_in(db: Session, content: Content, contact: Contact, event: Event, how: Presence) -> Message:
    """Note that a person is there, and return the answer; before and after its time nothing is noted."""
    reader, now = Reader.of(contact, db.get(Rsvp, (event.id, contact.id))), clock.now()
    if event.status not in _HELD:
        return wording.refused(content, event, reader, "session.cancelled")
    if now < event.starts_at - EARLY:
        return wording.too_early(content, event, reader, event.starts_at - EARLY)
    if now > event.ends_at + LATE:
        return wording.refused(content, event, reader, "session.checkin_late")
    _add(db, event, contact.id, how, "contact")
    return wording.checked_in(content, event, reader)


def mark(db: Session, event: Event, contact_ids: Collection[int], by: str) -> int:
    """Note for staff who was there; return how many are new."""
    if event.status not in _HELD or clock.now() < event.starts_at - EARLY:
        return 0
    known = select(Contact.id).where(Contact.id.in_(contact_ids), _takes_part(event))
    return sum(_add(db, event, contact_id, Presence.STAFF, by) for contact_id in db.scalars(known).all())


def unmark(db: Session, event: Event, contact_ids: Collection[int]) -> int:
    """Take back that people were there; return how many."""
    statement = delete(Attendance).where(Attendance.event_id == event.id, Attendance.contact_id.in_(contact_ids))
    return int(db.execute(statement).rowcount)  # type: ignore[attr-defined]


def was_at(db: Session, contact: Contact, topic_id: int) -> bool:
    """Tell whether a person was at any run of a session."""
    runs = select(Event.id).where(or_(Event.id == topic_id, Event.run_of == topic_id))
    return (
        db.scalar(select(exists().where(Attendance.contact_id == contact.id, Attendance.event_id.in_(runs)))) or False
    )


def _takes_part(event: Event) -> ColumnElement[bool]:
    return exists().where(Rsvp.event_id == event.id, Rsvp.contact_id == Contact.id)


def _is_open(event: Event) -> bool:
    return event.status in _HELD and event.starts_at - EARLY <= clock.now() <= event.ends_at + LATE


def _add(db: Session, event: Event, contact_id: int, how: Presence, by: str) -> bool:
    if db.get(Attendance, (event.id, contact_id)):
        return False
    db.add(Attendance(event_id=event.id, contact_id=contact_id, how=how, recorded_by=by, at=clock.now()))
    db.flush()
    return True
