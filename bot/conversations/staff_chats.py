"""Chats of staff: linked by a code that works once; tests of broadcasts come there."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot import clock, crypto
from bot.broadcasts import rendering
from bot.broadcasts.models import KIND, Broadcast
from bot.contacts.models import Address, Contact
from bot.content import Content
from bot.content.console import CONSOLE_LANGUAGES
from bot.content.languages import LANGUAGES, SOURCE
from bot.conversations.models import StaffChat, StaffCode
from bot.conversations.talk import Talk
from bot.messaging import outbox
from bot.messaging.outbox import Message
from bot.sentences import Sentence, said
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.roles import Permission, require

#: How long a code waits to be written.
VALID = timedelta(minutes=15)
_CODE = re.compile(r"\s*(?:/start )?(staff-[a-z2-9]{12})\s*", re.IGNORECASE | re.ASCII)
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def offer(db: Session, user: StaffUser) -> str:
    """Return a code to write to the bot from one's own phone."""
    code = "STAFF-" + "".join(secrets.choice(_LETTERS) for _ in range(12)).upper()
    db.execute(delete(StaffCode).where(StaffCode.user_id == user.id))
    db.add(StaffCode(user_id=user.id, code_hash=crypto.index(code), expires_at=clock.now() + VALID))
    db.flush()
    return code


def take(talk: Talk) -> bool:
    """Link this chat to the member of staff whose code was written; False when the text is no code."""
    found = _CODE.fullmatch(talk.inbound.text) if talk.inbound.kind == "text" else None
    if found is None:
        return False
    mine = StaffCode.code_hash == crypto.index(found[1].upper())
    row = talk.db.scalars(select(StaffCode).where(mine).with_for_update()).one_or_none()
    user = talk.db.get(StaffUser, row.user_id) if row and row.expires_at > clock.now() else None
    if row is None or user is None or not user.active:
        reason = Sentence("This code does not work or is too old. Ask for a new one on your account page.")
        talk.send(Message(said(reason, talk.content.console[SOURCE].gettext)))
        return True
    talk.db.delete(row)
    talk.db.merge(StaffChat(address_id=talk.address.id, user_id=user.id, linked_at=clock.now()))
    linked = Sentence("This chat is linked to the console. Tests of broadcasts come here. STOP undoes it.")
    tell(talk.db, talk.content, user, talk.address, linked)
    talk.db.flush()
    audit.record(talk.db, user, "staff.chat_linked", "staff", user.id)
    return True


def tell(db: Session, content: Content, user: StaffUser, address: Address, text: str) -> None:
    """Write to a member of staff, in the language of their console."""
    language = user.language if user.language in CONSOLE_LANGUAGES else SOURCE
    send(db, address, Message(said(text, content.console[language].gettext)))


def send(db: Session, address: Address, message: Message) -> None:
    """Queue something for a chat of staff."""
    outbox.reply(db, db.get_one(Contact, address.contact_id), address, message)


def chats(db: Session, user: StaffUser) -> Sequence[Address]:
    """Return a user's linked chats."""
    mine = select(Address).join(StaffChat, StaffChat.address_id == Address.id).where(StaffChat.user_id == user.id)
    return db.scalars(mine.order_by(Address.id)).all()


def user_of(db: Session, address: Address) -> StaffUser | None:
    """Return whose chat this is, if it is one of staff who still work here."""
    linked = select(StaffUser).join(StaffChat, StaffChat.user_id == StaffUser.id)
    return db.scalars(linked.where(StaffChat.address_id == address.id, StaffUser.active)).one_or_none()


def unlink(db: Session, user: StaffUser) -> None:
    """Forget a user's chats."""
    db.execute(delete(StaffChat).where(StaffChat.user_id == user.id))
    audit.record(db, user, "staff.chat_unlinked", "staff", user.id)


def forget(talk: Talk) -> None:
    """A STOP counts for what staff get too."""
    talk.db.execute(delete(StaffChat).where(StaffChat.address_id == talk.address.id))


def send_test(db: Session, content: Content, broadcast: Broadcast, user: StaffUser) -> int:
    """Send a broadcast as it stands to the user's own chats, in each of its languages; return how many chats."""
    require(user, Permission.BROADCAST_VIEW)
    places = chats(db, user)
    for address in places:
        for language, message in previews(content, broadcast).items():
            heading = Sentence("Test of “%(title)s”, %(name)s:", title=broadcast.title, name=LANGUAGES[language].name)
            tell(db, content, user, address, heading)
            send(db, address, message)
    audit.record(db, user, "broadcast.tested", KIND, broadcast.id, {"chats": len(places)})
    return len(places)


def previews(content: Content, broadcast: Broadcast) -> Mapping[str, Message]:
    """Return what people would read by language, free of the template, which the person has no window for."""
    written = [code for code in LANGUAGES if code in broadcast.texts]
    return {code: replace(rendering.message(content, broadcast, code), template=None) for code in written}
