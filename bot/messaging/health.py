"""How delivery stands, read from the database whenever somebody asks."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.messaging.models import (
    IS_IN_DOUBT,
    IS_WAITING,
    Handling,
    InboxMessage,
    OutboxMessage,
    Priority,
    Sender,
    Worker,
)

_SENDER = OutboxMessage.channel, OutboxMessage.sender


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits for one sender in one order of service."""

    channel: str
    sender: str
    priority: Priority
    waiting: int  #: due now or later
    oldest_due: datetime  #: in the past: it is late


@dataclass(frozen=True, slots=True)
class Health:
    """How delivery stands at one moment."""

    queues: list[Queue]
    in_doubt: dict[str, int]  #: channel -> messages of unknown outcome, or with a provider now
    parked: int  #: inbound messages whose handling raised
    senders: list[Sender]
    worker_seen: datetime | None  #: when a process that sends was last heard of


def read(db: Session) -> Health:
    """Read how delivery stands; every count is on an index that holds only such rows."""
    queues = (
        select(*_SENDER, OutboxMessage.priority, func.count(), func.min(OutboxMessage.due_at))
        .where(IS_WAITING)
        .group_by(*_SENDER, OutboxMessage.priority)
        .order_by(*_SENDER, OutboxMessage.priority)
    )
    rows = db.execute(queues)
    doubts = select(OutboxMessage.channel, func.count()).where(IS_IN_DOUBT).group_by(OutboxMessage.channel)
    parked = select(func.count()).select_from(InboxMessage).where(InboxMessage.handling == Handling.PARKED)
    return Health(
        queues=[Queue(name, sender, Priority(rank), count, due) for name, sender, rank, count, due in rows if due],
        in_doubt=dict(db.execute(doubts).all()),
        parked=db.scalar(parked) or 0,
        senders=list(db.scalars(select(Sender).order_by(Sender.key))),
        worker_seen=db.scalar(select(func.max(Worker.seen_at))),
    )
