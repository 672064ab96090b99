"""One person with two chats: a one-time code from one, written in the other, makes them one history."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import Column, Table, UniqueConstraint, delete, literal, select, tuple_, update
from sqlalchemy.orm import Session

from bot import clock, crypto
from bot.contacts.models import Address, Contact, State
from bot.conversations import rights
from bot.conversations.talk import Talk
from bot.db import Base
from bot.messaging import outbox
from bot.messaging.outbox import Message
from bot.staff import audit

#: A code counts for at least this long, and less than twice as long.
VALID = timedelta(minutes=10)
_CODE = re.compile(r"\s*link[ -]?(\d{1,12})[ -]([0-9a-f]{8})\s*", re.IGNORECASE | re.ASCII)
_PROFILE = ("language", "origin", "residence", "city", "zone", "source")


def offer(talk: Talk) -> None:
    """Give the code to write in the other chat."""
    code = f"LINK-{talk.contact.id}-{_code(talk.contact.id, _period())}"
    talk.say("link_chat.code", code=code, minutes=int(VALID.total_seconds() // 60))


def _period() -> int:
    return int(clock.now().timestamp() // VALID.total_seconds())


def _code(contact_id: int, period: int) -> str:
    """Return what only we can work out: nothing needs to be kept until the code is used."""
    return crypto.index(f"link:{contact_id}:{period}")[:8].upper()


def take(talk: Talk) -> bool:
    """Join this chat to the one whose code was written; False when the text is no code at all."""
    found = _CODE.fullmatch(talk.inbound.text) if talk.inbound.kind == "text" else None
    if found is None:
        return False
    other = talk.db.get(Contact, int(found[1]), with_for_update=True)
    if other is None or not _fits(talk, other, found[2].upper()):
        talk.say("link_chat.wrong")
        return True
    merge(talk.db, talk.contact, other)
    language = other.language or talk.language
    channel = talk.content.catalogue.text(f"channel.{other.channel}", language)
    text = talk.content.catalogue.text("link_chat.done", language, channel=channel)
    outbox.reply(talk.db, other, talk.address.id, talk.address.channel, Message(text))
    return True


def _fits(talk: Talk, other: Contact, code: str) -> bool:
    """Say whether the code is good, and joins two chats on different channels that may be one person's."""
    here = select(Address.id).where(Address.contact_id == other.id, Address.channel == talk.address.channel)
    return (
        code in (_code(other.id, _period()), _code(other.id, _period() - 1))
        and other.state == State.MEMBER
        and talk.contact.state in (State.NEW, State.MEMBER)
        and talk.db.scalar(here.limit(1)) is None
    )


def merge(db: Session, gone: Contact, into: Contact) -> None:
    """Give all of one contact to another and remove it; where both have the same thing, the one merged into wins."""
    outbox.cancel_unasked(db, gone.id, "linked")
    db.flush()
    for table in Base.metadata.sorted_tables:
        if rights.is_about_people(table):
            _hand_over(db, table, gone.id, into.id)
    for name in _PROFILE:
        setattr(into, name, getattr(into, name) or getattr(gone, name))
    db.execute(delete(Contact).where(Contact.id == gone.id).execution_options(synchronize_session=False))
    db.flush()
    audit.record(db, None, "contact.linked", "contact", into.id, {"merged": gone.id})


def _hand_over(db: Session, table: Table, gone: int, into: int) -> None:
    theirs, one = table.c.contact_id == gone, literal(1)
    for others in _keys(table):
        held = select(one, *others).where(table.c.contact_id == into)
        db.execute(delete(table).where(theirs, tuple_(one, *others).in_(held)))
    db.execute(update(table).where(theirs).values(contact_id=into))


def _keys(table: Table) -> Iterator[list[Column[Any]]]:
    """Yield the other columns of every key of which the contact is a part."""
    keys = [table.primary_key, *(one for one in table.constraints if isinstance(one, UniqueConstraint))]
    for key in keys:
        if "contact_id" in key.columns:
            yield [column for column in key.columns if column.name != "contact_id"]
