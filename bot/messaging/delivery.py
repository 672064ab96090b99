"""The delivery loop of one sender: claim, commit, send, settle in groups."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import structlog
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from bot import clock
from bot.channels.base import Channel, Misconfigured, OutcomeUnknown, SendFailure, TryLater
from bot.db import Database
from bot.messaging import claims, pacing, settling
from bot.messaging.claims import Claimed, Desk
from bot.messaging.models import INTERRUPTED, OutboxMessage, Priority, Status, Worker
from bot.messaging.pacing import Gate
from bot.messaging.settling import NotSent, Outcome

log = structlog.get_logger(__name__)

#: Real seconds between two looks at the outbox when nobody nudges.
IDLE = 0.5
#: The same while messages are under way: shorter than the horizon for which places are given out.
BUSY = 0.1
#: Messages that are claimed together while there are that many.
BATCH = 24
#: Real seconds that an outcome waits for others to share its commit.
LINGER = 0.005
#: A process unseen for this long leaves its claims in doubt.
SILENT = timedelta(seconds=15)
#: A claim older than this is given back: others may take this process for dead, and its messages for uncertain.
STALE = SILENT / 2
#: Seconds between two messages to one person; an answer may follow faster, a few at a time.
CHAT_INTERVAL = 1.0
REPLY_BURST = 5


def window(max_in_flight: int) -> int:
    """Return how many messages are claimed and not settled at most: what a crash leaves in doubt."""
    return 2 * max_in_flight - 1


class Delivery:
    """Sends what is due of one sender, never twice by itself."""

    def __init__(self, database: Database, channel: Channel, desk: Desk, max_in_flight: int) -> None:
        self._database, self._channel, self._desk, self._max = database, channel, desk, max_in_flight
        self._work = asyncio.Event()
        self._in_flight: set[asyncio.Task[None]] = set()
        self._rests_until = clock.now()
        self._claimed = 0  #: and not settled: what a crash of this process leaves in doubt
        self._calls = asyncio.Semaphore(max_in_flight)
        self._outcomes: asyncio.Queue[Outcome] = asyncio.Queue()
        self._pace, self._gate = ChatPace(), Gate(desk.rate)
        self._stopping = False

    def nudge(self) -> None:
        """Say that there may be something to send."""
        self._work.set()

    async def run(self) -> None:
        """Send until `stop`; what is with the provider by then is waited for and settled."""
        settler = asyncio.create_task(self._settle_for_ever())
        try:
            while not self._stopping:
                await self._turn()
        finally:
            if self._in_flight:
                await asyncio.wait(self._in_flight)
            await self._outcomes.join()
            settler.cancel()
            with suppress(asyncio.CancelledError):
                await settler
            with suppress(Exception):  # it lapses by itself soon
                await self._database.run(pacing.release, [self._desk.worker])

    def stop(self) -> None:
        """End `run` after the messages in flight."""
        self._stopping = True
        self.nudge()

    async def _turn(self) -> None:
        self._work.clear()
        # More are claimed than may be with the provider, so that a call that ends need not wait for the next claim;
        # many at a time, since a claim of twenty messages costs little more than one of a single message.
        free = window(self._max) - self._claimed
        claimed = await self._claim(free) if free >= min(BATCH, self._max) else []
        self._claimed += len(claimed)
        for item in claimed:
            task = asyncio.create_task(self._send(item))
            self._in_flight.add(task)
            task.add_done_callback(self._in_flight.discard)
        if not claimed:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._work.wait(), BUSY if self._in_flight else IDLE)

    async def _claim(self, free: int) -> list[Claimed]:
        try:
            return await self._database.run(claims.claim, self._desk, free)
        except Exception as error:  # a database that is away comes back; the loop must still be there
            log.error("claiming failed", sender=self._desk.channel, error=type(error).__name__)
            await asyncio.sleep(IDLE)
            return []

    async def _send(self, item: Claimed) -> None:
        # The claim is committed and no database session is open here: a slow provider holds nothing but this task.
        await self._pace.wait(item)
        async with self._calls:
            await self._pass_gate()
            now = clock.now()
            may_go = now >= self._rests_until and now - item.claimed_at <= STALE
            result = await self._call(item) if may_go else NotSent()
            self._heed(result)
        self._outcomes.put_nowait(Outcome(item.message.id, item.address_id, result))

    def _heed(self, result: str | SendFailure) -> None:
        """Keep what is claimed already from running into the same wall; the sender's row keeps all the rest."""
        if isinstance(result, TryLater) and result.throttled:
            self._rests_until = clock.now() + timedelta(seconds=result.after or settling.THROTTLE_PAUSE)
        elif isinstance(result, Misconfigured) and result.sender:
            self._rests_until = clock.now() + settling.MISCONFIGURED_PAUSE

    async def _call(self, item: Claimed) -> str | SendFailure:
        try:
            return await self._channel.send(item.message)
        except SendFailure as failure:
            return failure
        except Exception as error:
            log.error("send ended in doubt", outbox_id=item.message.id, error=type(error).__name__)
            return OutcomeUnknown(type(error).__name__)

    async def _pass_gate(self) -> None:
        seconds = self._gate.wait(clock.now().timestamp())
        if seconds > 0:
            await clock.sleep(seconds)

    async def _settle_for_ever(self) -> None:
        while True:
            group = [await self._outcomes.get()]
            await asyncio.sleep(LINGER)
            while not self._outcomes.empty():
                group.append(self._outcomes.get_nowait())
            await self._settle(group)
            self._claimed -= len(group)
            for _ in group:
                self._outcomes.task_done()
            self.nudge()

    async def _settle(self, group: list[Outcome]) -> None:
        while True:
            try:
                await self._database.run(settling.settle, self._desk.key, group)
                return
            except Exception as error:  # these outcomes exist nowhere else: keep them until they are written
                log.error("settling failed", sender=self._desk.channel, error=type(error).__name__)
                await asyncio.sleep(IDLE)


class ChatPace:
    """Spaces the messages to one person; needs no table, since one process at a time sends from a sender."""

    def __init__(self) -> None:
        self._next: dict[int, float] = {}

    async def wait(self, item: Claimed) -> None:
        """Sleep until this message may leave."""
        now = clock.now().timestamp()
        burst = REPLY_BURST * CHAT_INTERVAL if item.priority == Priority.REPLY else 0.0
        paced = max(self._next.get(item.address_id, 0.0), now)
        at = max(item.at.timestamp(), paced - burst)
        self._next[item.address_id] = max(paced, at) + CHAT_INTERVAL
        if len(self._next) > 100_000:
            self._next = {key: value for key, value in self._next.items() if value > now}
        if at > now:
            await clock.sleep(at - now)


def heartbeat(db: Session, worker: str) -> None:
    """Say that this process lives; put the claims of silent ones in doubt."""
    now = clock.now()
    row = db.get(Worker, worker)
    if row is None:
        db.add(Worker(name=worker, seen_at=now))
    else:
        row.seen_at = now
    db.flush()
    silent = select(Worker.name).where(Worker.seen_at < now - SILENT, Worker.name != worker)
    doubt(db, list(db.scalars(silent)))


def doubt(db: Session, workers: list[str]) -> int:
    """Mark what dead processes had with a provider as uncertain: nobody knows whether it went out."""
    if not workers:
        return 0
    marked = db.execute(
        update(OutboxMessage)
        .where(OutboxMessage.status == Status.SENDING, OutboxMessage.claimed_by.in_(workers))
        .values(status=Status.UNCERTAIN, reason=INTERRUPTED, claimed_by=None, status_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    pacing.release(db, workers)
    db.execute(delete(Worker).where(Worker.name.in_(workers)))
    return int(marked.rowcount)  # type: ignore[attr-defined]


def others(db: Session, worker: str) -> list[str]:
    """Return the names of all other processes: dead ones, when the caller knows that it is alone."""
    return list(db.scalars(select(Worker.name).where(Worker.name != worker)))
