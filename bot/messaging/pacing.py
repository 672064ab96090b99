"""The pace of a sender: evenly spaced places in time, shared by all processes through one row."""

import math
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.messaging.models import Sender

#: How far ahead places are given out: long enough to fill a batch, short enough to stay fair to a reply.
HORIZON = timedelta(seconds=0.25)


def lock(db: Session, key: str) -> Sender:
    """Return the sender's row, locked: claims of two processes take turns."""
    row = db.scalars(select(Sender).where(Sender.key == key).with_for_update()).one_or_none()
    if row is None:
        row = Sender(key=key, next_at=clock.now())
        db.add(row)
        db.flush()
    return row


def free_places(sender: Sender, rate: float, now: datetime) -> int:
    """Return how many messages may leave within the horizon."""
    if sender.paused_until and sender.paused_until > now:
        return 0
    start = max(sender.next_at, now)
    return max(0, math.floor((now + HORIZON - start).total_seconds() * rate) + 1) if start <= now + HORIZON else 0


def take(sender: Sender, rate: float, now: datetime, count: int) -> list[datetime]:
    """Take `count` places and return their times."""
    start = max(sender.next_at, now)
    step = timedelta(seconds=1 / rate)
    sender.next_at = start + step * count
    return [start + step * number for number in range(count)]


def pause(sender: Sender, until: datetime, reason: str) -> None:
    """Send nothing from this sender before `until`."""
    if sender.paused_until is None or sender.paused_until < until:
        sender.paused_until, sender.pause_reason = until, reason
