"""A sender's pace: evenly spaced places in time, given out by the one process that holds the sender's lease."""

import math
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot import clock
from bot.messaging.models import Sender

#: How far ahead places are given out: long enough to fill a batch, short enough to stay fair to a reply.
HORIZON = timedelta(seconds=0.25)
#: A little below the cap, so that messages that leave a few milliseconds late do not crowd with those after them.
SHARE = 0.99
#: How long a process keeps a sender to itself after its last claim; longer than two messages to one person are apart.
LEASE = timedelta(seconds=10)


def lock(db: Session, key: str) -> Sender:
    """Return the sender's row, locked: claims of two processes take turns."""
    row = db.scalars(select(Sender).where(Sender.key == key).with_for_update()).one_or_none()
    if row is None:
        row = Sender(key=key, next_at=clock.now())
        db.add(row)
        db.flush()
    return row


def lease(sender: Sender, worker: str, now: datetime) -> bool:
    """Take or keep the sender for this process; False while another has it."""
    if sender.leased_by != worker and sender.leased_until and sender.leased_until > now:
        return False
    if sender.leased_by != worker or sender.leased_until is None or sender.leased_until < now + LEASE / 2:
        sender.leased_by, sender.leased_until = worker, now + LEASE
    return True


def release(db: Session, workers: Sequence[str]) -> None:
    """Let others have the senders of processes that are gone."""
    given_up = update(Sender).where(Sender.leased_by.in_(workers)).values(leased_by=None, leased_until=None)
    db.execute(given_up.execution_options(synchronize_session=False))


def free_places(sender: Sender, rate: float, now: datetime) -> int:
    """Return how many messages may leave within the horizon."""
    if sender.paused_until and sender.paused_until > now:
        return 0
    ahead = (now + HORIZON - max(sender.next_at, now)).total_seconds()
    return math.floor(ahead * rate * SHARE) + 1 if ahead >= 0 else 0


def take(sender: Sender, rate: float, now: datetime, count: int) -> list[datetime]:
    """Take `count` places and return their times."""
    start = max(sender.next_at, now)
    step = timedelta(seconds=1 / (rate * SHARE))
    sender.next_at = start + step * count
    return [start + step * number for number in range(count)]


def pause(sender: Sender, until: datetime, reason: str) -> None:
    """Send nothing from this sender before `until`."""
    if sender.paused_until is None or sender.paused_until < until:
        sender.paused_until, sender.pause_reason = until, reason


class Gate:
    """Lets at most `rate` messages through in any second, also when the event loop was busy and many are late."""

    def __init__(self, rate: float) -> None:
        self._passed: deque[float] = deque(maxlen=max(1, math.floor(rate)))

    def wait(self, now: float) -> float:
        """Take the next place and return the seconds until it comes."""
        at = now
        if len(self._passed) == self._passed.maxlen:
            at = max(now, self._passed[0] + 1 / SHARE)
        self._passed.append(at)
        return at - now
