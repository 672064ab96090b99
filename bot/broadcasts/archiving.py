"""Broadcasts of long ago: their results are kept as sums, and the messages leave the tables of every day."""

from datetime import timedelta

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from bot import clock
from bot.broadcasts import progress
from bot.broadcasts.models import KIND, Broadcast, BroadcastStatus
from bot.messaging import archiving
from bot.messaging.models import OPEN, OutboxMessage, Status
from bot.staff import audit

_MONTH = timedelta(days=30.5)


def archive(db: Session, months: int) -> int:
    """Move some of what is older than so many months (0: nothing is); return how many messages, 0 when all is done.

    Every part is complete by itself: whoever stops in between goes on at the next turn.
    """
    if not months:
        return 0
    before = clock.now() - months * _MONTH
    done = select(Broadcast).where(
        Broadcast.status.in_((BroadcastStatus.FINISHED, BroadcastStatus.CANCELLED)),
        Broadcast.sent_at < before,
        _has(),
        ~_has(*OPEN, Status.UNCERTAIN),
    )
    for broadcast in db.scalars(done.order_by(Broadcast.id)):
        if broadcast.summed_at is None:
            _sum_up(db, broadcast)
        moved = archiving.recipients(db, KIND, broadcast.id)
        if moved:
            return moved
    return archiving.replies(db, before) or archiving.inbound(db, before)


def _has(*status: Status) -> ColumnElement[bool]:
    rows = exists().where(OutboxMessage.kind == KIND, OutboxMessage.ref == Broadcast.id)
    return rows.where(OutboxMessage.status.in_(status)) if status else rows


def _sum_up(db: Session, broadcast: Broadcast) -> None:
    """From now on the results are these, whatever happens to the rows."""
    broadcast.sums = [[count, *keys] for count, *keys in progress.counted(db, broadcast)]
    broadcast.summed_at = clock.now()
    db.flush()
    audit.record(db, None, "broadcast.archived", KIND, broadcast.id, progress.statuses(db, broadcast))
