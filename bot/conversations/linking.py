"""One person with two chats: a one-time code from one, written in the other, makes them one history."""

import re
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select

from bot import clock, crypto
from bot.contacts.models import Address, Contact, State
from bot.conversations import chats, merging
from bot.conversations.models import Dialogue
from bot.conversations.talk import Talk

#: A code counts for at least this long, and less than twice as long.
VALID = timedelta(minutes=10)
_CODE = re.compile(r"\s*link[ -]?(\d{1,12})[ -]([0-9a-f]{8})\s*", re.IGNORECASE | re.ASCII)


def offer(talk: Talk) -> None:
    """Give the code to write in the other chat."""
    talk.say("link_chat.code", code=code(talk.contact), minutes=int(VALID.total_seconds() // 60))


def code(contact: Contact) -> str:
    """Return what to write in the other chat, within `VALID`."""
    return f"LINK-{contact.id}-{_code(contact.id, _period())}"


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
    other.language = other.language or talk.language
    merging.merge(talk.db, talk.contact, other, None)
    joined = replace(talk, contact=other, dialogue=talk.db.get(Dialogue, other.id) or talk.dialogue)
    joined.dialogue.updated_at = clock.now()
    joined.say("link_chat.done")
    chats.ask_preferred(joined)
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
