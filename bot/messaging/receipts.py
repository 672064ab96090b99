"""What a provider says later about a message: it moves a status forward only."""

from collections.abc import Iterable, Sequence

from sqlalchemy import or_, select, tuple_
from sqlalchemy.orm import Session

from bot import clock
from bot.channels.base import Receipt
from bot.messaging import settling
from bot.messaging.models import WAITING, OutboxMessage, Status

_IN_DOUBT = (Status.SENDING, Status.UNCERTAIN)
ARRIVED = (Status.DELIVERED, Status.READ)
#: From which statuses a receipt may move a message on. A row we gave up on may still turn out to be delivered, and
#: one that staff queued again may have gone out the first time.
MAY_MOVE = {
    Status.SENT: (*_IN_DOUBT, *WAITING),
    Status.DELIVERED: (*_IN_DOUBT, *WAITING, Status.SENT, Status.FAILED),
    Status.READ: (*_IN_DOUBT, *WAITING, Status.SENT, Status.FAILED, Status.DELIVERED),
    Status.FAILED: (*_IN_DOUBT, Status.SENT),
}


def apply(db: Session, receipts: Sequence[Receipt]) -> int:
    """Apply receipts in the order they came; return how many said something new of a message we know."""
    rows = _find(db, receipts)
    return sum(apply_to(db, receipt, row) for receipt, row in zip(receipts, rows, strict=True) if row is not None)


def apply_to(db: Session, receipt: Receipt, row: OutboxMessage) -> bool:
    """Apply one receipt to its message; say whether it told something new."""
    if row.channel != receipt.channel or (row.external_id and row.external_id != receipt.external_id):
        return False
    if receipt.external_id in (row.past_ids or "").split() and receipt.status not in ARRIVED:
        return False  # of an attempt that is known to have failed; another may be under way
    row.external_id = receipt.external_id
    if row.status not in MAY_MOVE[Status(receipt.status)]:
        return False
    if receipt.failure is not None:
        settling.fail(db, f"{row.channel}:{row.sender}", row, receipt.failure)
        return True
    row.status, row.reason, row.status_at, row.claimed_by = Status(receipt.status), None, clock.now(), None
    row.sent_at = row.sent_at or row.status_at
    return True


def _find(db: Session, receipts: Sequence[Receipt]) -> list[OutboxMessage | None]:
    """Find by our own id, which may be known before our commit of the external one."""
    ids = {receipt.outbox_id for receipt in receipts if receipt.outbox_id is not None}
    names = {(receipt.channel, receipt.external_id) for receipt in receipts if receipt.outbox_id is None}
    found: Iterable[OutboxMessage] = db.scalars(
        select(OutboxMessage)
        .where(
            or_(
                OutboxMessage.id.in_(ids),
                tuple_(OutboxMessage.channel, OutboxMessage.external_id).in_(names),
            )
        )
        .order_by(OutboxMessage.id)  # always in the same order, so that two processes cannot lock each other out
        .with_for_update()
    )
    by_id = {row.id: row for row in found}
    by_name = {(row.channel, row.external_id): row for row in by_id.values()}
    return [
        by_id.get(receipt.outbox_id)
        if receipt.outbox_id is not None
        else by_name.get((receipt.channel, receipt.external_id))
        for receipt in receipts
    ]
