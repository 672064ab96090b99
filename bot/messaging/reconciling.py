"""Messages of unknown outcome, looked up at a provider that keeps a list."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol, runtime_checkable

import structlog
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from bot import clock
from bot.channels.base import Receipt
from bot.contacts.models import Address
from bot.db import Database
from bot.messaging import outbox, receipts
from bot.messaging.models import IS_IN_DOUBT, OutboxMessage, Status

log = structlog.get_logger(__name__)

#: How long a callback, which proves more and costs nothing, may take before we ask.
GRACE = timedelta(minutes=2)
#: How far the provider's clock and its whole seconds may be from ours.
SKEW = timedelta(seconds=30)
#: Messages that one run asks about.
BATCH = 50
#: Longer ones leave in parts, of which a list does not say how many there should be.
WHOLE = 1600
AMBIGUOUS = "ambiguous"


@runtime_checkable
class Lists(Protocol):
    """A channel whose provider tells what it has sent."""

    name: str
    sender: str

    async def sent_to(self, address: str, since: datetime) -> list[Receipt]:
        """Return what the provider says of our messages to an address, made since a time."""
        ...


class Doubt(NamedTuple):
    """A message of unknown outcome, and where it should have gone."""

    id: int
    address: str
    claimed_at: datetime
    is_whole: bool


async def reconcile(database: Database, channel: Lists, grace: timedelta = GRACE) -> int:
    """Ask about messages in doubt; return how many are settled. What stays unclear is left to staff."""
    doubts = await database.query(_doubts, channel.name, channel.sender, clock.now() - grace)
    settled = 0
    for doubt in doubts:
        try:
            found = await channel.sent_to(doubt.address, doubt.claimed_at - SKEW)
        except Exception as error:
            log.warning("the provider's list cannot be read", channel=channel.name, error=type(error).__name__)
            break
        settled += await database.run(_conclude, channel.name, doubt, found)
    return settled


def _doubts(db: Session, channel: str, sender: str, before: datetime) -> list[Doubt]:
    rows = db.execute(
        select(OutboxMessage.id, Address.value, OutboxMessage.claimed_at, OutboxMessage.body)
        .join(Address, Address.id == OutboxMessage.address_id)
        .where(IS_IN_DOUBT, OutboxMessage.status == Status.UNCERTAIN)
        .where(OutboxMessage.channel == channel, OutboxMessage.sender == sender)
        .where(OutboxMessage.status_at <= before, OutboxMessage.claimed_at.is_not(None))
        .where(or_(OutboxMessage.reason.is_(None), OutboxMessage.reason != AMBIGUOUS))
        .order_by(OutboxMessage.id)
        .limit(BATCH)
    )
    return [
        Doubt(id, address, at, body is None or (len(body["text"]) <= WHOLE and not body["media"]))
        for id, address, at, body in rows
    ]


def _conclude(db: Session, channel: str, doubt: Doubt, found: Sequence[Receipt]) -> bool:
    """One message to a person is with the provider at a time: the only one we do not know is the one in doubt."""
    row = db.scalars(select(OutboxMessage).where(OutboxMessage.id == doubt.id).with_for_update()).one_or_none()
    if row is None or row.status != Status.UNCERTAIN:
        return False  # a callback, or staff, was faster
    ids = [receipt.external_id for receipt in found]
    known = select(OutboxMessage.external_id).where(
        OutboxMessage.channel == channel, OutboxMessage.external_id.in_(ids), OutboxMessage.id != row.id
    )
    others = {*db.scalars(known), *(row.past_ids or "").split()}
    candidates = [receipt for receipt in found if receipt.external_id not in others]
    if not candidates:
        return bool(outbox.resend(db, [row.id]))  # it never arrived there
    if len(candidates) > 1 or not doubt.is_whole:
        row.reason = AMBIGUOUS
        return False
    return bool(receipts.apply_to(db, candidates[0], row))
