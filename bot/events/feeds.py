"""The address at which a member's calendar reads their sessions: not to be guessed; a new one revokes the old."""

import secrets

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock, crypto
from bot.contacts.models import Contact, State
from bot.events.models import CalendarFeed


def path(db: Session, contact: Contact) -> str:
    """Return the path of a member's feed, made on first use."""
    row = db.get(CalendarFeed, contact.id)
    if row is None:
        token = secrets.token_urlsafe(24)
        now = clock.now()
        row = CalendarFeed(contact_id=contact.id, token=token, token_hash=crypto.index(token), created_at=now)
        db.add(row)
        db.flush()
    return f"/calendar/{row.token}.ics"


def revoke(db: Session, contact: Contact) -> bool:
    """Close the feed; return whether there was one."""
    row = db.get(CalendarFeed, contact.id)
    if row is None:
        return False
    db.delete(row)
    db.flush()
    return True


def whose(db: Session, token: str) -> Contact | None:
    """Return the member whose feed has this token; somebody who left has none."""
    statement = (
        select(Contact)
        .join(CalendarFeed, CalendarFeed.contact_id == Contact.id)
        .where(CalendarFeed.token_hash == crypto.index(token), Contact.state == State.MEMBER)
    )
    return db.scalars(statement).one_or_none()
