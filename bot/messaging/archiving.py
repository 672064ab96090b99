"""Old messages leave the tables of every day for narrow ones without texts, some at a time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, exists, func, insert, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot.db import Base
from bot.messaging.models import (
    OPEN,
    ArchivedInbound,
    ArchivedOutbound,
    InboxMessage,
    OutboxMessage,
    ReceivedFile,
    Status,
)

#: Messages that are moved in one transaction: a fraction of a second, for which SQLite's other writers wait.
PART = 5000
#: Transactions that run side by side write ids out of the order of time, but no more than so many.
BESIDE = 10_000
#: Statuses after which nothing happens to a message any more.
_OVER = tuple(status for status in Status if status not in (*OPEN, Status.UNCERTAIN))


def first_since(
    db: Session, id: InstrumentedAttribute[int], time: InstrumentedAttribute[datetime], at: datetime
) -> int:
    """Return the id from which messages are of this time or later, but for the few that were written side by side.

    Ids grow with time: some twenty looks by id spare an index that every message would have to pay for.
    """
    low, high = 0, db.scalar(select(func.max(id))) or 0
    while low < high:
        middle = (low + high) // 2
        found = db.execute(select(id, time).where(id > middle).order_by(id).limit(1)).first()
        if found is None or found[1] >= at:
            high = middle
        else:
            low = found[0]
    return low


def recipients(db: Session, kind: str, ref: int) -> int:
    """Move some of the messages of one broadcast that is over; return how many."""
    of = OutboxMessage.kind == kind, OutboxMessage.ref == ref, OutboxMessage.status.in_(_OVER)
    return _move(db, select(OutboxMessage.id).where(*of), OutboxMessage, ArchivedOutbound)


def replies(db: Session, before: datetime) -> int:
    """Move some of the answers that were given before this time; return how many."""
    row = OutboxMessage
    end = first_since(db, row.id, row.created_at, before)
    for status in _OVER:  # each in the order of an index
        of = row.kind == "reply", row.ref.is_(None), row.status == status, row.id <= end, row.created_at < before
        moved = _move(db, select(row.id).where(*of).order_by(row.id), row, ArchivedOutbound)
        if moved:
            return moved
    return 0


def inbound(db: Session, before: datetime) -> int:
    """Move some of what was received before this time, but for what came with a file that is kept; return how many."""
    row = InboxMessage
    end = first_since(db, row.id, row.received_at, before)
    kept = exists().where(ReceivedFile.inbox_id == row.id)
    old = select(row.id).where(row.id <= end, row.received_at < before, row.contact_id.is_not(None), ~kept)
    return _move(db, old.order_by(row.id), row, ArchivedInbound)


def _move(db: Session, rows: Select[int], hot: type[Any], cold: type[Base]) -> int:
    # The last one stays: in a table that has been emptied SQLite gives the same numbers again.
    old = rows.where(hot.id < select(func.max(hot.id)).scalar_subquery())
    ids: Sequence[int] = db.scalars(old.limit(PART).with_for_update(skip_locked=True)).all()
    if ids:
        names = cold.__table__.c.keys()
        kept = select(*(hot.__table__.c[name] for name in names)).where(hot.id.in_(ids))
        db.execute(insert(cold).from_select(names, kept))
        db.execute(delete(hot).where(hot.id.in_(ids)).execution_options(synchronize_session=False))
    return len(ids)
