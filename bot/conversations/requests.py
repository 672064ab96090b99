"""What people ask of us outside the chat, by letter, e-mail or phone: to be found, given all we hold, and erased."""

import io
import zipfile
from collections.abc import Collection
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock, crypto
from bot.channels.base import SenderKey
from bot.contacts import numbers
from bot.contacts.models import Address, Contact, Reach, State
from bot.content import Content
from bot.content.languages import SOURCE
from bot.conversations import alike, mydata
from bot.events import certificates
from bot.messaging import outbox
from bot.messaging.eligibility import WINDOW
from bot.messaging.outbox import Message
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.roles import Permission, require

FOUND, GIVEN, ASKED = "member.found_by_number", "member.data_given", "member.erasure_asked"
#: How a request to be erased reached us.
WAYS = ("letter", "email", "phone", "visit", "office")


class NoNumber(Exception):
    """What was typed is no phone number with its country."""


class Gone(Exception):
    """The person is being erased, or is erased already."""


def find(db: Session, written: str, senders: Collection[SenderKey], by: StaffUser, reason: str) -> list[Contact]:
    """Return who has this phone number, in a chat or given in one, and write down who looked and why."""
    require(by, Permission.MEMBERS_IDENTITY)
    e164 = numbers.read_slowly(written).e164
    if not e164:
        raise NoNumber
    ids = {*_at(db, e164, senders), *alike.with_number(db, e164)}
    people = list(db.scalars(select(Contact).where(Contact.id.in_(ids)).order_by(Contact.id.desc())))
    for subject in [str(contact.id) for contact in people] or ["nobody"]:
        audit.record(db, by, FOUND, "contact", subject, {"reason": reason})
    return people


def _at(db: Session, e164: str, senders: Collection[SenderKey]) -> Collection[int]:
    keys = [(channel, sender, crypto.index(f"{channel}:{e164}")) for channel, sender in senders]
    same = (
        (Address.channel == channel) & (Address.sender == sender) & (Address.value_hash == hashed)
        for channel, sender, hashed in keys
    )
    return [id for one in same for id in db.scalars(select(Address.contact_id).where(one))]


def give(db: Session, content: Content, template: Path, contact: Contact, by: StaffUser, reason: str) -> bytes:
    """Return a zip of what MY DATA sends: the paper, every row, and the files that the person sent."""
    require(by, Permission.MEMBERS_IDENTITY)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in mydata.package(db, content, template, contact):
            archive.writestr(name, data)
    audit.record(db, by, GIVEN, "contact", contact.id, {"reason": reason})
    return packed.getvalue()


def erase(
    db: Session, content: Content, media_dir: Path, contact: Contact, by: StaffUser, way: str, windows: Collection[str]
) -> None:
    """Let a person be erased as by DELETE; members hear of it where free text may still go, so that none is unaware."""
    require(by, Permission.MEMBERS_ERASE)
    if contact.state in (State.LEAVING, State.ERASED):
        raise Gone
    outbox.cancel_waiting(db, contact.id, "erased")
    if address := _open(db, contact, windows):
        outbox.reply(db, contact, address, Message(content.catalogue.text("delete.done", contact.language or SOURCE)))
    contact.state = State.LEAVING
    mydata.forget(media_dir, contact.id)
    certificates.forget(db, contact.id, media_dir)
    db.flush()
    audit.record(db, by, ASKED, "contact", contact.id, {"way": way})


def _open(db: Session, contact: Contact, windows: Collection[str]) -> Address | None:
    """Return where a member wrote from last, if free text may go there now; who said STOP is left in peace."""
    if contact.state != State.MEMBER:
        return None
    rows = select(Address).where(Address.contact_id == contact.id, Address.reach == Reach.OPEN)
    address = db.scalars(rows.order_by(Address.last_inbound_at.desc().nulls_last(), Address.id).limit(1)).first()
    if address is None or address.channel not in windows:
        return address
    return address if address.last_inbound_at and address.last_inbound_at > clock.now() - WINDOW else None
