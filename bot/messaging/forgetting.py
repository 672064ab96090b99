"""The providers' copies of an erased person's messages: asked to delete them, again and again, then shown to staff."""

from collections.abc import Mapping
from datetime import timedelta

import structlog
from sqlalchemy import Select, func, or_, select, union_all
from sqlalchemy.orm import Session

from bot import clock
from bot.channels.base import Channel, SenderKey
from bot.contacts.models import Address, Contact
from bot.db import Database
from bot.messaging.models import ArchivedInbound, ArchivedOutbound, InboxMessage, OutboxMessage, ProviderCopy
from bot.staff import audit
from bot.staff.models import StaffUser

log = structlog.get_logger(__name__)

#: A provider that was away is asked this often, each time after twice as long: two days in all.
ATTEMPTS = 12
_FIRST_WAIT = timedelta(minutes=1)
_AT_ONCE = 20


def note(db: Session, contact: Contact) -> None:
    """Write down what each provider keeps of a person whose rows are about to go."""
    for address in db.scalars(select(Address).where(Address.contact_id == contact.id)).all():
        sent = union_all(*(_sent(row, address) for row in (OutboxMessage, ArchivedOutbound)))
        received = union_all(*(_received(row, address) for row in (InboxMessage, ArchivedInbound)))
        now = clock.now()
        copy = ProviderCopy(
            channel=address.channel, sender=address.sender, address=address.value, due_at=now, created_at=now
        )
        copy.sent = [id for ids in db.execute(sent) for text in ids for id in (text or "").split()]
        copy.received = list(db.scalars(received))
        if copy.sent or copy.received:
            db.add(copy)
    db.flush()


def _sent(row: type[OutboxMessage | ArchivedOutbound], address: Address) -> Select[str | None, str | None]:
    known = or_(row.external_id.is_not(None), row.past_ids.is_not(None))
    return select(row.external_id, row.past_ids).where(
        row.contact_id == address.contact_id, row.address_id == address.id, known
    )


def _received(row: type[InboxMessage | ArchivedInbound], address: Address) -> Select[str]:
    here = row.channel == address.channel, row.sender == address.sender
    return select(row.external_id).where(row.contact_id == address.contact_id, *here)


async def forget(database: Database, senders: Mapping[SenderKey, Channel]) -> int:
    """Ask the providers to delete what is due; return how many messages they deleted."""
    done = 0
    for copy in await database.query(_due):
        channel = senders.get((copy.channel, copy.sender))
        left = [*copy.sent, *copy.received]
        if channel is not None and copy.address is not None:
            try:
                left = await channel.forget(copy.address, copy.sent, copy.received)
            except Exception as error:  # asked again: no failure may end the erasures of others
                log.error("copies not deleted", copy_id=copy.id, error=type(error).__name__)
        done += await database.run(_settle, copy.id, set(left))
    return done


def _due(db: Session) -> list[ProviderCopy]:
    due = select(ProviderCopy).where(ProviderCopy.due_at <= clock.now()).order_by(ProviderCopy.due_at).limit(_AT_ONCE)
    found = list(db.scalars(due))
    db.expunge_all()
    return found


def _settle(db: Session, id: int, left: set[str]) -> int:
    copy = db.get(ProviderCopy, id)
    if copy is None:
        return 0
    before = len(copy.sent) + len(copy.received)
    copy.sent = [one for one in copy.sent if one in left]
    copy.received = [one for one in copy.received if one in left]
    after = len(copy.sent) + len(copy.received)
    copy.attempts += 1
    if after == 0:
        db.delete(copy)
    elif copy.attempts >= ATTEMPTS:
        copy.address, copy.due_at = None, None
    else:
        copy.due_at = clock.now() + _FIRST_WAIT * 2 ** (copy.attempts - 1)
    db.flush()
    if after == 0 or copy.due_at is None:
        action = "copies.deleted" if after == 0 else "copies.left"
        audit.record(db, None, action, "provider_copy", id, {"channel": copy.channel, "left": after})
    return before - after


def left(db: Session) -> list[ProviderCopy]:
    """Return what the providers would not delete, for staff to delete by hand."""
    return list(db.scalars(select(ProviderCopy).where(ProviderCopy.due_at.is_(None)).order_by(ProviderCopy.id)))


def count_left(db: Session) -> int:
    """Return how many of these there are."""
    return db.scalar(select(func.count()).select_from(ProviderCopy).where(ProviderCopy.due_at.is_(None))) or 0


def close(db: Session, copy: ProviderCopy, by: StaffUser) -> None:
    """Note that staff deleted the messages at the provider."""
    db.delete(copy)
    db.flush()
    audit.record(db, by, "copies.deleted", "provider_copy", copy.id, {"channel": copy.channel, "by_hand": True})
