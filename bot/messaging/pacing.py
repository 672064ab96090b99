"""A sender's pace: evenly spaced places in time, given out by the one process that holds the sender's lease."""

import math
from collections import deque
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from typing import NamedTuple

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from bot import clock
from bot.messaging.models import Sender

#: How far ahead places are given out: long enough to fill a batch, short enough to stay fair to a reply.
HORIZON = timedelta(seconds=0.25)
#: A little below the cap, so that messages that leave a few milliseconds late do not crowd with those after them.
SHARE = 0.99
#: How long a process keeps a sender to itself after its last claim: for longer than what it claimed may still leave,
#: and than two messages to one person are apart; not for long, since nobody sends from a dead one's for that time.
LEASE = timedelta(seconds=8)
#: How long a sender rests between two processes: neither knows when the other last wrote to a person.
REST = timedelta(seconds=1)
#: Further ahead no place was ever given: the clock of the machine has been set back, and nobody waits for it.
SET_BACK = timedelta(minutes=5)


class Lease(NamedTuple):
    """What the process that may send from a sender knows of its pace."""

    leased_by: str | None
    leased_until: datetime | None
    next_at: datetime
    next_paid_at: datetime | None
    paused_until: datetime | None


def lock(db: Session, key: str) -> Sender:
    """Return the sender's row, locked: two processes take turns."""
    found = select(Sender).where(Sender.key == key).with_for_update()
    row = db.scalars(found).one_or_none()
    if row is None:  # several processes may be the first at once
        insert = postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert
        db.execute(insert(Sender).values(key=key, next_at=clock.now()).on_conflict_do_nothing())
        row = db.scalars(found).one()
    return row


# Statements of the hot path are built once: building costs more than running them.
_READ = select(*(getattr(Sender, name) for name in Lease._fields)).where(Sender.key == bindparam("sender"))
_READ = _READ.with_for_update()
_NOTE = update(Sender).where(Sender.key == bindparam("sender"))
_NOTE = _NOTE.values(**{name: bindparam(name) for name in Lease._fields if name != "paused_until"})


def lease(db: Session, key: str, worker: str, now: datetime) -> Lease | None:
    """Return the sender's pace, its row locked, if this process has or can have it; None while another has it."""
    row = db.connection().execute(_READ, {"sender": key}).one_or_none()
    if row is None:
        lock(db, key)
        row = db.connection().execute(_READ, {"sender": key}).one()
    found = Lease._make(row)
    if found.leased_by != worker and found.leased_until and found.leased_until > now:
        return None
    paid = found.next_paid_at
    return found._replace(next_at=_sane(found.next_at, now), next_paid_at=paid and _sane(paid, now))


def is_held(db: Session, key: str, worker: str, now: datetime) -> bool:
    """Tell whether another process has the sender; locks nothing, so that who only looks keeps nobody waiting."""
    others = Sender.leased_by != worker, Sender.leased_until > now
    return db.scalar(select(Sender.key).where(Sender.key == key, *others)) is not None


def _sane(at: datetime, now: datetime) -> datetime:
    return at if at <= now + SET_BACK else now


def note(db: Session, key: str, worker: str, pace: Lease, now: datetime) -> None:
    """Write down the pace, and that the sender stays with this process."""
    values = pace._asdict() | {"sender": key, "leased_by": worker, "leased_until": now + LEASE}
    del values["paused_until"]
    db.connection().execute(_NOTE, values)


def release(db: Session, workers: Collection[str]) -> None:
    """Let others have the senders of processes that are gone."""
    given_up = update(Sender).where(Sender.leased_by.in_(workers)).values(leased_by=None, leased_until=None)
    db.execute(given_up.execution_options(synchronize_session=False))


def give_up(db: Session, key: str, worker: str, now: datetime) -> None:
    """Let the process whose turn it is have a sender: after a second, so that its pace holds over the change."""
    ours = update(Sender).where(Sender.key == key, Sender.leased_by == worker)
    db.execute(ours.values(leased_by=None, leased_until=now + REST).execution_options(synchronize_session=False))


def free_places(next_at: datetime, rate: float, now: datetime) -> int:
    """Return how many messages may leave within the horizon."""
    ahead = (now + HORIZON - max(next_at, now)).total_seconds()
    return math.floor(ahead * rate * SHARE) + 1 if ahead >= 0 else 0


def take(next_at: datetime, rate: float, now: datetime, counts: Sequence[int]) -> tuple[list[datetime], datetime]:
    """Return when each message begins that takes so many places, and when the place after them is."""
    start = max(next_at, now)
    step = timedelta(seconds=1 / (rate * SHARE))
    before = list(accumulate(counts, initial=0))
    return [start + step * number for number in before[:-1]], start + step * before[-1]


def pause(sender: Sender, until: datetime, reason: str) -> None:
    """Send nothing from this sender before `until`."""
    if sender.paused_until is None or sender.paused_until < until:
        sender.paused_until, sender.pause_reason = until, reason


class Gate:
    """Lets at most `rate` messages through in any second, also when the event loop was busy and many are late."""

    def __init__(self, rate: float) -> None:
        self._passed: deque[float] = deque(maxlen=max(1, math.floor(rate)))

    def wait(self, now: float, count: int = 1) -> float:
        """Take the next places and return the seconds until all of them have come."""
        at = now
        if self._passed and self._passed[-1] > now + SET_BACK.total_seconds():
            self._passed.clear()
        for _ in range(count):
            if len(self._passed) == self._passed.maxlen:
                at = max(now, self._passed[0] + 1 / SHARE)
            self._passed.append(at)
        return at - now
