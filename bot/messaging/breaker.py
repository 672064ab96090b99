"""The circuit breaker: a broadcast that fails by its own fault, or whose outcomes stay unknown, pauses itself."""

from collections import Counter

from sqlalchemy import select, union_all
from sqlalchemy.orm import Session

from bot.messaging import outbox
from bot.messaging.models import INTERRUPTED, RESTORED, OutboxMessage, Status

#: Begins the reason of a message that failed because of what it says.
CONTENT = "content"
#: Begins the reason of a message that was refused for what the provider made of it, or in words that we do not know.
SUSPECT = "suspect"
#: Kind of the messages that staff can release again.
BROADCAST = "broadcast"
#: How many of the latest ends are looked at, how many of them must be bad, and which share.
LAST, LEAST, SHARE = 50, 5, 0.2

_GOOD = (Status.SENT, Status.DELIVERED, Status.READ)


def look(db: Session, row: OutboxMessage) -> bool:
    """Pause the broadcast of a message that has just failed, if too many of the latest did; say whether."""
    if row.kind != BROADCAST or row.ref is None:
        return False
    ends = _latest_ends(db, row.ref)
    bad = ends["content"] + ends["suspect"] + ends["uncertain"]
    nobody_got_it = ends["content"] > 0 and not ends["good"]
    if not nobody_got_it and (bad < LEAST or bad <= SHARE * ends.total()):
        return False
    outbox.pause(db, row.kind, row.ref, f"paused {row.reason}")
    return True


def _latest_ends(db: Session, ref: int) -> Counter[str]:
    per_status = [
        select(OutboxMessage.id, OutboxMessage.status, OutboxMessage.reason)
        .where(OutboxMessage.kind == BROADCAST, OutboxMessage.ref == ref, OutboxMessage.status == status)
        .order_by(OutboxMessage.id.desc())
        .limit(LAST)
        .subquery()
        for status in (*_GOOD, Status.FAILED, Status.UNCERTAIN)
    ]
    rows = [tuple(row) for row in db.execute(union_all(*(select(part) for part in per_status)))]
    rows.sort(key=lambda row: row[0], reverse=True)
    return Counter(_sort(status, reason) for _, status, reason in rows[:LAST])


def _sort(status: str, reason: str | None) -> str:
    if status in _GOOD:
        return "good"
    if status == Status.UNCERTAIN:  # a process of ours died, or a backup came back: not the broadcast's fault
        return "ours" if reason in (INTERRUPTED, RESTORED) else "uncertain"
    first, _, code = (reason or "").partition(" ")
    return first if code and first in (CONTENT, SUSPECT) else "person"
