"""Processes that send: which of them live, and what becomes of the messages that a dead one had claimed."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import structlog
from sqlalchemy import Update, and_, delete, or_, select, update
from sqlalchemy.orm import Session

from bot import clock
from bot.db import Database
from bot.messaging import begun, pacing, sharing
from bot.messaging.begun import Notes
from bot.messaging.models import INTERRUPTED, OutboxMessage, Sender, Status, Worker

log = structlog.get_logger(__name__)

#: Which process should send from each sender, by its key.
Owners = dict[str, str]

#: A process unseen for this long leaves its claims in doubt.
SILENT = timedelta(seconds=15)


async def start(database: Database, worker: str, folder: Path, serves: Sequence[str] = ()) -> Owners:
    """Say that this process begins, see to what dead ones left, and return which process should have each sender."""
    found = await watch(database, worker, folder, serves)
    if database.is_sqlite:  # a file has one process: every other name in it is of the past
        await database.run(lambda db: doubt(db, _others(db, worker)))
        found = dict.fromkeys(serves, worker)
    return found


async def watch(database: Database, worker: str, folder: Path, serves: Sequence[str] = ()) -> Owners:
    """Say that this process lives, and see to what dead ones left; called every few seconds. Returns as `start`."""
    with begun.of_the_dead(folder) as dead:
        if dead:
            # The database may still be at a claim of theirs, which has their sender's row: with that lock it is over.
            await database.run(_take_senders, list(dead))
            freed = await database.run(bury, dead)
            log.warning("a process has died", workers=len(dead), freed=freed)
    return await database.run(heartbeat, worker, serves)


async def end(database: Database, worker: str, notes: Notes) -> None:
    """Leave nothing claimed behind; a database that is away learns it from the notes, when the next process begins."""
    await database.run(bury, {worker: notes.calls})
    notes.close()


def heartbeat(db: Session, worker: str, serves: Sequence[str] = ()) -> Owners:
    """Say that this process lives; put the claims of silent ones in doubt."""
    now = clock.now()
    row = db.get(Worker, worker)
    if row is None:
        db.add(Worker(name=worker, seen_at=now, serves=list(serves)))
    else:
        row.seen_at, row.serves = now, list(serves)
    db.flush()
    silent = select(Worker.name).where(Worker.seen_at < now - SILENT, Worker.name != worker)
    doubt(db, list(db.scalars(silent)))
    serving: dict[str, list[str]] = dict(db.execute(select(Worker.name, Worker.serves)).all())
    return sharing.owners(serving)


def bury(db: Session, dead: Mapping[str, Collection[int]]) -> int:
    """Give back what dead processes had claimed and not begun to send, the rest is in doubt; return how many went back.

    `dead` maps each to the messages whose calls began. What silence has put in doubt meanwhile goes back as well.
    """
    row, freed = OutboxMessage, 0
    interrupted = and_(row.status == Status.UNCERTAIN, row.reason == INTERRUPTED)
    for worker, calls in dead.items():
        claims = update(row).where(row.claimed_by == worker, or_(row.status == Status.SENDING, interrupted))
        freed += give_back(db, claims.where(row.id.not_in(calls)))
    doubt(db, list(dead))
    return freed


def give_back(db: Session, claims: Update) -> int:
    """Let claims be as if they had not been made; return how many."""
    now = clock.now()
    given = claims.values(
        status=Status.QUEUED,
        reason=None,
        claimed_by=None,
        attempts=OutboxMessage.attempts - 1,
        due_at=now,
        status_at=now,
    )
    return int(db.execute(given.execution_options(synchronize_session=False)).rowcount)  # type: ignore[attr-defined]


def doubt(db: Session, workers: Collection[str]) -> int:
    """Mark what dead processes had with a provider as uncertain: nobody knows whether it went out."""
    if not workers:
        return 0
    marked = db.execute(
        update(OutboxMessage)
        .where(OutboxMessage.status == Status.SENDING, OutboxMessage.claimed_by.in_(workers))
        .values(status=Status.UNCERTAIN, reason=INTERRUPTED, status_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    pacing.release(db, workers)
    db.execute(delete(Worker).where(Worker.name.in_(workers)))
    return int(marked.rowcount)  # type: ignore[attr-defined]


def _take_senders(db: Session, workers: Collection[str]) -> None:
    db.execute(select(Sender.key).order_by(Sender.key).with_for_update())
    pacing.release(db, workers)


def _others(db: Session, worker: str) -> list[str]:
    return list(db.scalars(select(Worker.name).where(Worker.name != worker)))
