"""The delivery loop of one sender. Each turn is one transaction: settle what came back, claim what may go next."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import update
from sqlalchemy.orm import Session

from bot import clock
from bot.channels.base import Channel, Misconfigured, Outbound, OutcomeUnknown, SendFailure, TryLater
from bot.db import Database
from bot.messaging import claims, made, pacing, settling, workers
from bot.messaging.begun import Notes
from bot.messaging.claims import Claimed, Desk
from bot.messaging.models import OutboxMessage, Priority, Status
from bot.messaging.pacing import Gate
from bot.messaging.settling import NotSent, Outcome

log = structlog.get_logger(__name__)

#: Real seconds between two looks at the outbox when nobody nudges.
IDLE = 0.5
#: The same while messages are under way: shorter than the horizon for which places are given out.
BUSY = 0.1
#: Real seconds that an outcome waits for others to share its commit.
LINGER = 0.01
#: A claim older than this is given back: others may take this process for dead, and its messages for uncertain.
STALE = workers.SILENT / 2
#: Seconds between two messages to one person; an answer may follow faster, a few at a time.
CHAT_INTERVAL = 1.0
REPLY_BURST = 5


def window(max_in_flight: int) -> int:
    """Return how many messages are claimed and not settled at most.

    More than may be with the provider, so that a call that ends need not wait for a commit before the next begins; with
    one at a time nothing is claimed ahead.
    """
    return 3 * max_in_flight - 2


def in_doubt(max_in_flight: int) -> int:
    """Return how many calls have begun without a committed outcome at most, which is what a crash leaves in doubt."""
    return 2 * max_in_flight - 1


class Delivery:
    """Sends what is due of one sender, never twice by itself."""

    def __init__(
        self, database: Database, channel: Channel, desk: Desk, max_in_flight: int, notes: Notes | None = None
    ) -> None:
        self._database, self._channel, self._desk, self._notes = database, channel, desk, notes
        self._window, self._places = window(max_in_flight), asyncio.Semaphore(max_in_flight)
        self._unsettled = asyncio.Semaphore(in_doubt(max_in_flight))
        self._work = asyncio.Event()
        self._calls: set[asyncio.Task[None]] = set()
        self._outcomes: list[Outcome] = []  #: that are not settled yet
        self._claimed: set[int] = set()  #: ids that are not settled
        self._rests_until = datetime.min.replace(tzinfo=UTC)
        self._pace = ChatPace()
        self._laid_out: dict[str, datetime] = {}  #: files that many get -> until when they lie there for certain
        self._gate, self._paid_gate = Gate(desk.rate), Gate(desk.paid_rate)
        self._stopping = self._failed = self._leaving = False

    @property
    def key(self) -> str:
        """Return the sender's key."""
        return self._desk.key

    def give_turn(self, *, is_ours: bool) -> None:
        """Say whether this process should send from the sender: what it has with the provider is waited for first."""
        if self._desk.turn.is_ours and not is_ours:
            self._leaving = True
        self._leaving = self._leaving and not is_ours
        self._desk.turn.give(is_ours=is_ours)

    def nudge(self) -> None:
        """Say that there may be something to send."""
        self._desk.ahead.forget()
        self._work.set()

    async def run(self) -> None:
        """Send until `stop`; what is with the provider by then is waited for and settled."""
        while True:
            self._work.clear()
            is_more_due = await self._turn()
            if self._stopping and not self._claimed:
                break
            if not is_more_due:
                await self._wait()
        with suppress(Exception):  # it lapses by itself soon
            await self._database.run(pacing.release, [self._desk.worker])

    def stop(self) -> None:
        """End `run` after the messages in flight."""
        self._stopping = True
        self.nudge()

    async def _turn(self) -> bool:
        """Settle and claim once; say whether there may be more to claim at once."""
        outcomes, self._outcomes = self._outcomes, []
        free = self._window - len(self._claimed) + len(outcomes)
        if (
            self._stopping or self._leaving or (self._failed and outcomes)
        ):  # a claim that fails must not keep outcomes unwritten
            free = 0
        try:
            if self._failed:  # its commit may have come through all the same
                await self._database.run(disown, self._desk, self._claimed)
            claimed = await self._database.run(take_turn, self._desk, outcomes, free)
            await self._leave(len(self._claimed) - len(outcomes))
        except Exception as error:  # a database that is away comes back; these outcomes exist nowhere else
            log.error("settling and claiming failed", sender=self._desk.key, error=type(error).__name__)
            self._failed = True
            self._desk.ahead.forget()
            self._outcomes[:0] = outcomes
            await asyncio.sleep(IDLE)
            return True
        self._failed = False
        settled = [outcome.id for outcome in outcomes]
        for _ in settled:
            self._unsettled.release()
        if self._notes:
            self._notes.end(settled)
        self._claimed.difference_update(settled)
        self._claimed.update(item.message.id for item in claimed)
        for item in claimed:
            call = asyncio.create_task(self._send(item))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
        return 0 < len(claimed) < free

    async def _leave(self, in_flight: int) -> None:
        """Let go of a sender that should be another's, when nothing of it is under way any more."""
        if self._leaving and not in_flight:
            await self._database.run(pacing.give_up, self._desk.key, self._desk.worker, clock.now())
            self._leaving = False

    async def _wait(self) -> None:
        """Wait for something to do; outcomes that come close together share a commit."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._work.wait(), BUSY if self._claimed else IDLE)
        if self._outcomes and len(self._outcomes) < len(self._claimed):
            await asyncio.sleep(LINGER)

    async def _send(self, item: Claimed) -> None:
        # The claim is committed and no database session is open here: a slow provider holds nothing but this task.
        await self._pace.wait(item)
        await self._unsettled.acquire()
        try:
            item = replace(item, message=await self._with_files(item.message))
        except Exception as error:  # nothing has left yet
            log.error("file not made", outbox_id=item.message.id, error=type(error).__name__)
            result: str | SendFailure = TryLater("file_not_made")
        else:
            async with self._places:
                result = await self._try(item)
        self._outcomes.append(Outcome(item.message.id, item.address_id, result))
        self._work.set()

    async def _with_files(self, message: Outbound) -> Outbound:
        """Have the files made that go with a message; the words go without one that cannot be made any more."""
        if message.template or not (message.media or message.album):
            return message
        media = message.media if message.media and await self._lies(message.media.reference) else None
        album = [one for one in message.album if await self._lies(one.reference)]
        return replace(message, media=media, album=tuple(album))

    async def _lies(self, reference: str) -> bool:
        """Tell whether a file lies where the channel finds it; one that many get is not looked for each time."""
        now = clock.now()
        if not made.is_made(reference) or self._laid_out.get(reference, now) > now:
            return True
        found = await self._database.query(self._desk.lay_out, reference)
        if found and made.is_lasting(reference):
            self._laid_out[reference] = now + made.LIFETIME / 2
        return found

    async def _try(self, item: Claimed) -> str | SendFailure:
        """Call the provider when the gate opens, unless there is reason not to any more."""
        gate = self._paid_gate if item.message.paid else self._gate
        seconds = gate.wait(clock.now().timestamp(), item.calls)
        if seconds > 0:
            await clock.sleep(seconds)
        now = clock.now()
        may_go = not self._stopping and now >= self._rests_until and now - item.claimed_at <= STALE
        result = await self._call(item) if may_go else NotSent()
        self._heed(result)
        return result

    def _heed(self, result: str | SendFailure) -> None:
        """Keep what is claimed already from running into the same wall; the sender's row keeps all the rest."""
        if isinstance(result, TryLater) and result.throttled:
            self._rests_until = clock.now() + timedelta(seconds=result.after or settling.THROTTLE_PAUSE)
        elif isinstance(result, Misconfigured) and result.sender:
            self._rests_until = clock.now() + settling.MISCONFIGURED_PAUSE

    async def _call(self, item: Claimed) -> str | SendFailure:
        if self._notes:
            self._notes.begin(item.message.id)
        try:
            return await self._channel.send(item.message)
        except SendFailure as failure:
            return failure
        except Exception as error:
            log.error("send ended in doubt", outbox_id=item.message.id, error=type(error).__name__)
            return OutcomeUnknown(type(error).__name__)


def take_turn(db: Session, desk: Desk, outcomes: list[Outcome], free: int) -> list[Claimed]:
    """Settle what came back, then claim for the places that are free."""
    if outcomes:
        settling.settle(db, desk.key, outcomes)
    return claims.claim(db, desk, free) if free > 0 else []


def disown(db: Session, desk: Desk, known: Collection[int]) -> int:
    """Give back claims that this process does not know of, so that it never called; return how many."""
    pacing.lock(db, desk.key)  # a claim that is still under way has it
    row = OutboxMessage
    ours = update(row).where(row.status == Status.SENDING, row.channel == desk.channel, row.sender == desk.sender)
    return workers.give_back(db, ours.where(row.claimed_by == desk.worker, row.id.not_in(known)))


class ChatPace:
    """Spaces the messages to one person; needs no table, since one process at a time sends from a sender."""

    def __init__(self) -> None:
        self._next: dict[int, float] = {}

    async def wait(self, item: Claimed) -> None:
        """Sleep until this message may leave."""
        now = clock.now().timestamp()
        burst = REPLY_BURST * CHAT_INTERVAL if item.priority == Priority.REPLY else 0.0
        known = self._next.get(item.address_id, 0.0)
        paced = known if now < known <= now + pacing.SET_BACK.total_seconds() else now
        at = max(item.at.timestamp(), paced - burst)
        self._next[item.address_id] = max(paced, at) + CHAT_INTERVAL
        if len(self._next) > 100_000:
            self._next = {key: value for key, value in self._next.items() if value > now}
        if at > now:
            await clock.sleep(at - now)
