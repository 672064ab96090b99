"""Kill `outreach work` at random moments of a broadcast, with faults at both providers, and count what came of it.

Every recipient must end in exactly one state; nobody may get the message twice; in doubt is only what a killed process
was calling a provider for, or had no committed answer to; on WhatsApp the provider's list settles all of it.
"""

import argparse
import asyncio
import json
import math
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from sqlalchemy.orm import Session
from starlette.applications import Starlette

from benchmarks import office
from benchmarks.life import KEY, Site, channels, work
from bot import clock, migrations
from bot.contacts.models import Address, Contact
from bot.db import Database
from bot.emulators.faults import Fault, Kind
from bot.emulators.limits import Limits
from bot.emulators.server import hosting, serve
from bot.emulators.world import World
from bot.grouping import GroupCommit
from bot.messaging import begun, receipts, reconciling
from bot.messaging.models import INTERRUPTED, OPEN, OutboxMessage, Status, Worker
from bot.web import hooks
from bot.web.hooks import HookContext

#: One in fifty calls goes wrong after the provider has accepted it, one in fifty before; callbacks suffer as well.
FAULTS = (
    Fault(Kind.DROP_ANSWER, times=None, probability=0.01),
    Fault(Kind.HANG_THEN_DELIVER, times=None, probability=0.01),
    Fault(Kind.SERVER_ERROR, times=None, probability=0.01),
    Fault(Kind.TOO_MANY_REQUESTS, times=None, probability=0.0005),
    Fault(Kind.LOSE_STATUSES, times=None, probability=0.05),
    Fault(Kind.DUPLICATE_STATUSES, times=None, probability=0.05),
    Fault(Kind.REORDER_STATUSES, times=None, probability=0.05),
    Fault(Kind.EARLY_STATUSES, times=None, probability=0.05),
)


#: One life in so many ends before it has sent anything.
EARLY = 10


@dataclass
class Result:
    """What came of a run."""

    kills: int = 0
    lost: int = 0
    doubled: int = 0
    uncertain_max: int = 0  #: most that one kill left in doubt
    in_flight_max: int = 0  #: most that one killed process was calling for, or had no committed answer to
    unreconciled_whatsapp: int = 0
    beyond: int = 0  #: in doubt without having been called
    statuses: dict[str, int] = field(default_factory=dict)

    @property
    def is_bad(self) -> bool:
        return bool(self.lost or self.doubled or self.unreconciled_whatsapp or self.beyond)


class Play:
    """One broadcast under fire."""

    def __init__(self, site: Site, database: Database, world: World, seed: int) -> None:
        self.site, self.database, self.world = site, database, world
        self.random = random.Random(seed)
        self.result = Result()
        #: By the notes of those that were killed and not buried: which calls had begun without a committed outcome.
        self._in_flight: dict[str, frozenset[int]] = {}

    async def run(self, kills: int, seconds: float = math.inf) -> Result:
        """Kill so many processes, or for so long, let the last one finish, reconcile, and count."""
        end = time.monotonic() + seconds
        for fault in FAULTS:
            self.world.faults.add(Fault(fault.kind, None, None, fault.probability, fault.code, 1))
        while self.result.kills < kills and time.monotonic() < end:
            left = await self.database.query(_open)
            await self._live(self.random.randint(0, 2 * left // (kills - self.result.kills)))
        process = await self.start()
        await self.until_idle()
        self.world.faults.clear()
        await self._reconcile()
        process.kill()
        process.join()
        return await self._count()

    def _fork(self) -> BaseProcess:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["benchmarks.life"])
        process = context.Process(target=work, args=(self.site,), daemon=True)
        process.start()
        return process

    async def start(self) -> BaseProcess:
        """Start a process, wait until it sends, and see what it made of those that were killed before."""
        before = await self.database.query(_workers)
        process = self._fork()
        while not await self.database.query(_workers) - before:
            await asyncio.sleep(0.005)
            if not process.is_alive():  # it met a fault when it asked the providers whether they know us
                process = self._fork()
        for worker, in_flight in self._in_flight.items():
            in_doubt = await self.database.query(_interrupted, worker)
            self.result.uncertain_max = max(self.result.uncertain_max, len(in_doubt))
            self.result.beyond += len(in_doubt - in_flight)
        return process

    async def _live(self, messages: int) -> None:
        """Let a process send about so many messages, then kill it; now and then while it begins."""
        if self.random.randrange(EARLY) == 0:
            process = self._fork()
            await asyncio.sleep(self.random.uniform(0, 1))
        else:
            process = await self.start()
            await self.until_sent(self.world.ledger.texts.total() + messages)
            await asyncio.sleep(self.random.uniform(0, 0.03))
        self.result.kills += process.is_alive()
        process.kill()  # SIGKILL
        await asyncio.to_thread(process.join)
        with begun.of_the_dead(self.site.calls, keep=True) as notes:
            self._in_flight = dict(notes)
        self.result.in_flight_max = max([self.result.in_flight_max, *map(len, notes.values())])

    async def until_sent(self, goal: int) -> None:
        """Wait until so many messages have arrived, or for long enough: there may not be as many left."""
        end = asyncio.get_running_loop().time() + 5
        while self.world.ledger.texts.total() < goal and asyncio.get_running_loop().time() < end:  # noqa: ASYNC110
            await asyncio.sleep(0.002)

    async def until_idle(self) -> None:
        while await self.database.query(_open):  # noqa: ASYNC110 - the database has no event to wait for
            await asyncio.sleep(0.1)

    async def _reconcile(self) -> None:
        """Ask for what callbacks did not settle; what never arrived goes out again."""
        _, whatsapp = channels(self.site, self.database)
        await whatsapp.start()
        await asyncio.sleep(1)  # the last callbacks
        while await reconciling.reconcile(self.database, whatsapp, timedelta(0)):
            await self.until_idle()
            await asyncio.sleep(0.5)
        await whatsapp.close()

    async def _count(self) -> Result:
        result = self.result
        delivered = Counter({_address(phone): count for (phone, _), count in self.world.ledger.texts.items()})
        rows = await self.database.query(_ends)
        result.statuses = dict(Counter(status for _, _, status in rows))
        gone_out = {Status.SENT, Status.DELIVERED, Status.READ}
        missing = len(self.world.phones) - len(rows)
        never_seen = sum(1 for _, value, status in rows if status in gone_out and not delivered[value])
        result.lost = missing + never_seen + sum(1 for *_, status in rows if status in OPEN)
        result.doubled = sum(1 for count in delivered.values() if count > 1)
        result.unreconciled_whatsapp = sum(
            1 for channel, _, status in rows if channel == "whatsapp" and status == Status.UNCERTAIN
        )
        return result


def _address(phone: str) -> str:
    return phone.removeprefix("telegram:")


def _open(db: Session) -> int:
    return db.scalar(sa.select(sa.func.count()).where(OutboxMessage.status.in_(OPEN))) or 0


def _workers(db: Session) -> set[str]:
    return set(db.scalars(sa.select(Worker.name)))


def _interrupted(db: Session, worker: str) -> set[int]:
    rows = sa.select(OutboxMessage.id).where(
        OutboxMessage.claimed_by == worker,
        OutboxMessage.status == Status.UNCERTAIN,
        OutboxMessage.reason == INTERRUPTED,
    )
    return set(db.scalars(rows))


def _ends(db: Session) -> list[tuple[str, str, str]]:
    rows = db.execute(
        sa.select(OutboxMessage.channel, Address.value, OutboxMessage.status).join(
            Address, Address.contact_id == OutboxMessage.contact_id
        )
    )
    return [(channel, value, status) for channel, value, status in rows]


@asynccontextmanager
async def stage(
    database: Database, folder: Path, recipients: int, seed: int = 0, rate: int = 1000, patience: float = 1
) -> AsyncIterator[Play]:
    """Set up providers with phones, members, webhooks and a broadcast to all, at so many messages a second."""
    limits = Limits(telegram_rate=1000, telegram_burst=1000, chat_burst=10**6, sender_rate=1000, sender_burst=1000)
    world = World(limits=limits, seed=seed)
    world.twilio.pace_seconds = 0.005
    async with serve(world) as at:
        context = HookContext({}, _nothing, GroupCommit(database, receipts.apply).put)
        async with hosting(Starlette(routes=hooks.routes(context))) as url:
            site = Site(
                folder, database.engine.url.render_as_string(hide_password=False),
                at.telegram_api_base, at.twilio_api_base, url, world.accounts, rate, patience,
            )  # fmt: skip
            stamp(database)
            telegram, whatsapp = channels(site, database)
            context.senders["whatsapp"] = whatsapp  # type: ignore[index]
            add_phones(database, world, recipients, telegram.sender, whatsapp.sender)
            office.freeze_broadcast(database, telegram, whatsapp)
            yield Play(site, database, world, seed)


def stamp(database: Database) -> None:
    """Note that the tables are of this version: the command would refuse others."""
    config = migrations.config()
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.stamp(config, "head")


def noon() -> str:
    """Return a zone in which it is noon now: nobody is asleep there."""
    return f"Etc/GMT{clock.now().hour - 12:+d}"


async def _nothing(_: Any) -> None:
    return None


def add_phones(database: Database, world: World, count: int, *senders: str) -> None:
    """Give every member a phone: half have Telegram, half WhatsApp with an open window."""
    office.add_members(database, "telegram", senders[0], count)
    with database.begin() as db:
        db.execute(sa.update(Contact).values(zone=noon()))
        for address in db.scalars(sa.select(Address)).all():
            if address.id % 2:
                phone = world.telegram_phone()
                phone.started = True
                address.value = str(phone.id)
                continue
            phone = world.whatsapp_phone(f"+2665{address.id:07d}")
            phone._last_inbound[phone.sender] = clock.now()
            address.channel, address.sender, address.value = "whatsapp", senders[1], phone.key
            contact = db.get_one(Contact, address.contact_id)
            contact.channel, contact.sender = "whatsapp", senders[1]


async def run(engine: str, recipients: int, kills: int, seed: int, seconds: float = math.inf) -> Result:
    """Return what came of one engine's run."""
    with office.database(engine, KEY) as database, tempfile.TemporaryDirectory(prefix="outreach-bench-") as folder:
        async with stage(database, Path(folder), recipients, seed) as play:
            return await play.run(kills, seconds)


def main() -> None:
    """Print what came of each engine, then one line of JSON with the worst of both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=math.inf, help="of killing, on each engine, at most")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), action="append")
    chosen = parser.parse_args()
    results = {}
    for engine in chosen.engine or ("sqlite", "postgresql"):
        results[engine] = asyncio.run(run(engine, chosen.recipients, chosen.kills, chosen.seed, 60 * chosen.minutes))
        print(engine, results[engine])
    found = list(results.values())
    worst = {
        name: max(getattr(result, name) for result in found)
        for name in ("lost", "doubled", "uncertain_max", "in_flight_max", "unreconciled_whatsapp")
    }
    kills = min(result.kills for result in found)
    print(json.dumps({"bench": "crash", "engine": list(results), "kills": kills, **worst}))
    sys.exit(any(result.is_bad for result in found))


if __name__ == "__main__":
    main()
