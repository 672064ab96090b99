"""What is ordered and made in the background: a row that says where it stands, and the one process that makes it.

A process claims a row for a short time and renews that while it works; of one that was killed another takes it up.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

import structlog
from sqlalchemy import JSON, ColumnElement, String, and_, or_, select, update
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Mapped, Session, mapped_column

from bot import clock
from bot.db import BigId, Database
from bot.sentences import Sentence

log = structlog.get_logger(__name__)

#: A process that says nothing for so long has lost its claim.
LEASE = timedelta(seconds=30)
RENEW = 1.0  #: seconds between two words of how far it is
#: Work that was cut off so often is not begun again: it may be what ends the processes.
MOST = 5


class State(StrEnum):
    """Where a piece of work stands."""

    ASKED = "asked"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    EXPIRED = "expired"  #: made, and its files are gone again
    CANCELLED = "cancelled"


OPEN = (State.ASKED, State.RUNNING)


class Ordered:
    """The columns of such a row."""

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    state: Mapped[State] = mapped_column(String(16), default=State.ASKED, server_default=State.ASKED)
    maker: Mapped[str | None] = mapped_column(String(64))  #: the process that has it
    leased_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    progress: Mapped[Any] = mapped_column(JSON, nullable=True)  #: part to how much of it is done
    problem: Mapped[Any] = mapped_column(JSON, nullable=True)  #: why it failed: a sentence's pattern and values
    finished_at: Mapped[datetime | None]

    @property
    def trouble(self) -> str:
        """Return why it failed, to be said in the reader's language."""
        if not self.problem:
            return ""
        pattern = str(self.problem["pattern"])
        return Sentence(pattern, **self.problem["values"])


W = TypeVar("W", bound=Ordered)
#: Notes what was made, in the transaction in which it is known to be still ours.
Finish = Callable[[Session, W], None]


class Stopped(Exception):
    """It was cancelled or taken over, or this process ends: whoever works stops here."""


class Again(Exception):
    """What was made does not hold any more: it must be made anew."""


class NotMade(Exception):
    """It cannot be made; the message carries the cure."""


@dataclass
class Hand:
    """What whoever works, in a thread of its own, tells and is told."""

    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    progress: dict[str, int] = field(default_factory=dict)
    total: int = 0  #: of how many, when that is known
    lost: bool = False

    def tell(self, part: str, done: int) -> None:
        """Say how far a part is; raise Stopped when nobody wants it any more."""
        self.progress = {**self.progress, part: done}
        if self.lost or self.stopping.is_set():
            raise Stopped


Make = Callable[[W, Hand], Awaitable[Finish[W]]]


def take(row: Ordered, worker: str) -> None:
    """Let a process have the row."""
    row.state, row.maker, row.leased_until = State.RUNNING, worker, clock.now() + LEASE
    row.attempts = (row.attempts or 0) + 1


def claim(db: Session, kind: type[W], worker: str) -> W | None:
    """Take what waits longest; what was cut off too often fails instead."""
    waiting = select(kind).where(_free(kind)).order_by(kind.id).limit(1).with_for_update(skip_locked=True)
    while row := db.scalars(waiting).one_or_none():
        if row.attempts < MOST:
            take(row, worker)
            db.flush()
            return row
        fail(row, Sentence("It was cut off %(count)s times: have the log and the machine looked at", count=MOST))
        db.flush()
    return None


def _free(kind: type[Ordered]) -> ColumnElement[bool]:
    over = and_(kind.state == State.RUNNING, kind.leased_until < clock.now())
    return or_(kind.state == State.ASKED, over)


def renew(db: Session, kind: type[Ordered], id: int, worker: str, progress: dict[str, int]) -> bool:
    """Say that we still work at it, and how far it is; return whether it is still ours."""
    ours = kind.id == id, kind.state == State.RUNNING, kind.maker == worker
    said = update(kind).where(*ours).values(leased_until=clock.now() + LEASE, progress=progress)
    done = db.execute(said.execution_options(synchronize_session=False))
    return bool(done.rowcount)  # type: ignore[attr-defined]


def fail(row: Ordered, why: str) -> None:
    """Note why it did not work out."""
    pattern = why.pattern if isinstance(why, Sentence) else why.replace("%", "%%")
    values = {name: value if isinstance(value, int | float) else str(value) for name, value in _values(why).items()}
    row.state, row.problem, row.finished_at = State.FAILED, {"pattern": pattern, "values": values}, clock.now()


def _values(why: str) -> dict[str, object]:
    return why.values if isinstance(why, Sentence) else {}


def cancel(row: Ordered) -> bool:
    """Stop it; False when it is over already."""
    if row.state not in OPEN:
        return False
    row.state, row.finished_at = State.CANCELLED, clock.now()
    return True


async def work(
    database: Database, kind: type[W], worker: str, make: Make[W], stopping: asyncio.Event | None = None
) -> int:
    """Make what waits, one after the other; return how many became ready."""
    done, stop = 0, stopping or asyncio.Event()
    while not stop.is_set() and await database.query(_waits, kind):
        row = await database.run(claim, kind, worker)
        if row is None:  # another process was faster
            break
        done += await make_one(database, row, worker, make, Hand(stop))
    return done


def _waits(db: Session, kind: type[Ordered]) -> bool:
    return db.scalar(select(kind.id).where(_free(kind)).limit(1)) is not None


async def make_one(database: Database, row: W, worker: str, make: Make[W], hand: Hand) -> bool:
    """Make what this process has taken; whatever goes wrong is said in the row. Return whether it became ready."""
    keeper = asyncio.create_task(_keep(database, type(row), row.id, worker, hand))
    try:
        finish = await make(row, hand)
        return await database.run(_settle, row, worker, finish, hand.progress)
    except (Stopped, Again) as reason:
        await database.run(_give_back, row, worker, isinstance(reason, Stopped))
    except asyncio.CancelledError:
        hand.lost = True
        raise
    except (OperationalError, InterfaceError) as error:  # the database is away: whoever has it next takes this up
        log.warning("work was interrupted", kind=type(row).__name__, id=row.id, error=type(error).__name__)
    except Exception as error:
        log.error("work failed", kind=type(row).__name__, id=row.id, error=type(error).__name__)
        log.debug("why it failed", kind=type(row).__name__, id=row.id, exc_info=True)
        await database.run(_fail, row, worker, _why(error))
    finally:
        keeper.cancel()
    return False


async def _keep(database: Database, kind: type[Ordered], id: int, worker: str, hand: Hand) -> None:
    while not hand.lost:
        await asyncio.sleep(RENEW)
        try:
            hand.lost = not await database.run(renew, kind, id, worker, hand.progress)
        except Exception as error:  # the lease tells, when the database is back
            log.warning("progress was not noted", id=id, error=type(error).__name__)


def _ours(db: Session, row: W, worker: str) -> W | None:
    found = db.get(type(row), row.id, with_for_update=True)
    return found if found and (found.state, found.maker) == (State.RUNNING, worker) else None


def _settle(db: Session, row: W, worker: str, finish: Finish[W], progress: dict[str, int]) -> bool:
    found = _ours(db, row, worker)
    if found is None:
        return False
    found.state, found.progress, found.leased_until, found.finished_at = State.READY, progress, None, clock.now()
    finish(db, found)
    return True


def _give_back(db: Session, row: Ordered, worker: str, stopped: bool) -> None:
    if found := _ours(db, row, worker):
        found.state, found.leased_until, found.attempts = State.ASKED, None, found.attempts - stopped


def _fail(db: Session, row: Ordered, worker: str, why: str) -> None:
    if found := _ours(db, row, worker):
        fail(found, why)


def _why(error: Exception) -> str:
    """Return what the page says of an error."""
    if isinstance(error, OSError):
        reason = error.strerror or type(error).__name__
        return Sentence(
            "The files could not be written (%(reason)s): have the disk looked at, then order it again", reason=reason
        )
    if isinstance(error, NotMade):
        return str(error) if not error.args else error.args[0]
    return Sentence("It stopped at something unforeseen (%(error)s), which the log tells", error=type(error).__name__)
