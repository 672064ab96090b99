"""What a provider says later about a message: it moves a status forward only."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.channels.base import Receipt
from bot.messaging import settling
from bot.messaging.models import OutboxMessage, Status

#: From which statuses a receipt may move a message on. A row we gave up on may still turn out to be delivered.
MAY_MOVE = {
    Status.SENT: (Status.SENDING, Status.UNCERTAIN),
    Status.DELIVERED: (Status.SENDING, Status.UNCERTAIN, Status.SENT, Status.FAILED),
    Status.READ: (Status.SENDING, Status.UNCERTAIN, Status.SENT, Status.FAILED, Status.DELIVERED),
    Status.FAILED: (Status.SENDING, Status.UNCERTAIN, Status.SENT),
}


def apply(db: Session, receipt: Receipt) -> bool:
    """Apply one receipt; False when it says nothing new or speaks of a message we do not know."""
    row = _find(db, receipt)
    if row is None or row.channel != receipt.channel:
        return False
    if row.external_id and row.external_id != receipt.external_id:
        return False
    row.external_id = receipt.external_id
    if row.status not in MAY_MOVE[Status(receipt.status)]:
        return False
    if receipt.failure is not None:
        settling.fail(db, f"{receipt.channel}:{receipt.sender}", row, receipt.failure)
        return True
    row.status, row.reason, row.status_at = Status(receipt.status), None, clock.now()
    row.sent_at = row.sent_at or row.status_at
    return True


def _find(db: Session, receipt: Receipt) -> OutboxMessage | None:
    """Find by our own id, which may be known before our commit of the external one."""
    statement = select(OutboxMessage).with_for_update()
    if receipt.outbox_id is not None:
        return db.scalars(statement.where(OutboxMessage.id == receipt.outbox_id)).one_or_none()
    return db.scalars(
        statement.where(OutboxMessage.channel == receipt.channel, OutboxMessage.external_id == receipt.external_id)
    ).one_or_none()
