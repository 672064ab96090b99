"""DELETE: asked once, confirmed in the chat, and then nothing names the person any more."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Column, Table, delete, select, update
from sqlalchemy.orm import Session

from bot.contacts.models import Contact, State
from bot.conversations import choices
from bot.conversations.talk import Talk
from bot.db import Base
from bot.messaging import forgetting, outbox
from bot.messaging.models import OPEN, OutboxMessage
from bot.staff import audit


def ask_delete(talk: Talk) -> None:
    """Ask once whether to erase; an open question waits behind it."""
    talk.say("delete.confirm", talk.button("delete:yes", "button.erase"), talk.button("delete:no", "button.keep"))
    talk.ask_aside("delete")


def take_delete(talk: Talk, said: str) -> None:
    """Erase on a clear yes; anything else keeps everything."""
    if not choices.agreement(talk, said, "button.erase", "button.keep"):
        talk.close()
        talk.say("delete.kept")
        return
    talk.close_all()
    outbox.cancel_unasked(talk.db, talk.contact.id, "erased")
    talk.say("delete.done")
    # The goodbye needs the address once more: `erase_leaving` does the rest when it is out.
    talk.contact.state = State.LEAVING


def press_delete(talk: Talk, said: str) -> None:
    """Take the button of the open question; a button of long ago only asks it again."""
    if talk.dialogue.step == "delete":
        take_delete(talk, said)
    else:
        ask_delete(talk)


def is_leaving(contact: Contact) -> bool:
    """Say whether somebody is being erased, so that nothing they send counts any more."""
    return contact.state == State.LEAVING


def erase_leaving(db: Session, limit: int = 50) -> int:
    """Erase everybody who asked for it and has nothing under way; return how many."""
    under_way = select(OutboxMessage.contact_id).where(OutboxMessage.status.in_(OPEN))
    leaving = db.scalars(
        select(Contact).where(Contact.state == State.LEAVING, Contact.id.not_in(under_way)).limit(limit)
    ).all()
    for contact in leaving:
        erase(db, contact)
    return len(leaving)


def erase(db: Session, contact: Contact) -> None:
    """Remove all that is known about a person; an empty row stays, so that the sums of past broadcasts still add up."""
    forgetting.note(db, contact)
    strip(db, contact)
    contact.state, contact.language = State.ERASED, None
    db.flush()
    audit.record(db, None, "contact.erased", "contact", contact.id)


def strip(db: Session, contact: Contact, keep: Collection[str] = ()) -> None:
    """Remove all rows about a person but those in the tables to `keep`, and the profile."""
    db.execute(
        update(OutboxMessage)
        .where(OutboxMessage.contact_id == contact.id)
        .values(body=None, address_id=None, external_id=None, past_ids=None)
        .execution_options(synchronize_session=False)
    )
    for table in reversed(Base.metadata.sorted_tables):
        for column in people_columns(table):
            if table.name not in {OutboxMessage.__tablename__, *keep}:
                db.execute(delete(table).where(column == contact.id))
    contact.origin = contact.link = contact.source = contact.joined_at = None
    contact.residence = contact.city = contact.zone = None
    contact.wants_matches = None
    db.flush()


def people_columns(table: Table) -> list[Column[Any]]:
    """Return the columns by which the rows of a table belong to contacts."""
    person = Contact.__table__.c.id
    return [column for column in table.c if any(key.column is person for key in column.foreign_keys)]
