"""Kill the sending process at random moments of a broadcast, with faults at both providers, and count what came of it.

Every recipient must end in exactly one state; nobody may get the message twice; what a killed process had with a
provider is uncertain, never more than it may have in flight; on WhatsApp the provider's list settles all of it.
"""

import argparse
import asyncio
import json
import multiprocessing
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.process import BaseProcess
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.applications import Starlette

from benchmarks import office
from benchmarks.life import AT_ONCE, KEY, Site, channels, work
from bot import clock
from bot.contacts.models import Address, Contact
from bot.db import Database
from bot.emulators.faults import Fault, Kind
from bot.emulators.limits import Limits
from bot.emulators.server import hosting, serve
from bot.emulators.world import World
from bot.grouping import GroupCommit
from bot.messaging import receipts, reconciling
from bot.messaging.delivery import window
from bot.messaging.models import OPEN, OutboxMessage, Status
from bot.web import hooks
from bot.web.hooks import HookContext

#: Most messages that are claimed at a time: with the provider, and half as many ahead; for each of two senders.
WINDOW = 2 * window(AT_ONCE)
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


@dataclass
class Result:
    """What came of a run."""

    kills: int = 0
    lost: int = 0
    doubled: int = 0
    uncertain_max: int = 0  #: most that one kill left in doubt
    in_flight_max: int = WINDOW
    unreconciled_whatsapp: int = 0
    statuses: dict[str, int] = field(default_factory=dict)


class Play:
    """One broadcast under fire."""

    def __init__(self, site: Site, database: Database, world: World, seed: int) -> None:
        self.site, self.database, self.world = site, database, world
        self.random = random.Random(seed)
        self.result = Result()
        self._lives = 0

    async def run(self, kills: int) -> Result:
        """Kill so many processes, let the last one finish, reconcile, and count."""
        for fault in FAULTS:
            self.world.faults.add(Fault(fault.kind, None, None, fault.probability, fault.code, 1))
        for number in range(kills):
            left = await self.database.query(_open)
            await self._live(self.random.randint(0, 2 * left // (kills - number)))
        process = self._start()
        await self._until_idle()
        self.world.faults.clear()
        await self._reconcile()
        process.kill()
        process.join()
        return await self._count()

    def _start(self) -> BaseProcess:
        self._lives += 1
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["benchmarks.life"])
        process = context.Process(target=work, args=(self.site, f"life-{self._lives}"), daemon=True)
        process.start()
        return process

    async def _live(self, messages: int) -> None:
        """Let a process send about so many messages, then kill it."""
        process = self._start()
        goal = self.world.ledger.texts.total() + messages
        end = asyncio.get_running_loop().time() + 5
        while self.world.ledger.texts.total() < goal and asyncio.get_running_loop().time() < end:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        await asyncio.sleep(self.random.uniform(0, 0.03))
        process.kill()  # SIGKILL
        await asyncio.to_thread(process.join)
        in_doubt = await self.database.query(_sending)
        self.result.kills += 1
        self.result.uncertain_max = max(self.result.uncertain_max, in_doubt)

    async def _until_idle(self) -> None:
        while await self.database.query(_open):  # noqa: ASYNC110 - the database has no event to wait for
            await asyncio.sleep(0.1)

    async def _reconcile(self) -> None:
        """Ask for what callbacks did not settle; what never arrived goes out again."""
        _, whatsapp = channels(self.site, self.database)
        await whatsapp.start()
        await asyncio.sleep(1)  # the last callbacks
        while await reconciling.reconcile(self.database, whatsapp, timedelta(0)):
            await self._until_idle()
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


def _sending(db: Session) -> int:
    return db.scalar(sa.select(sa.func.count()).where(OutboxMessage.status == Status.SENDING)) or 0


def _ends(db: Session) -> list[tuple[str, str, str]]:
    rows = db.execute(
        sa.select(OutboxMessage.channel, Address.value, OutboxMessage.status).join(
            Address, Address.contact_id == OutboxMessage.contact_id
        )
    )
    return [(channel, value, status) for channel, value, status in rows]


@asynccontextmanager
async def stage(database: Database, recipients: int, seed: int = 0) -> AsyncIterator[Play]:
    """Set up providers with phones, members, webhooks and a broadcast to all."""
    limits = Limits(telegram_rate=1000, telegram_burst=1000, chat_burst=10**6, sender_rate=1000, sender_burst=1000)
    world = World(limits=limits, seed=seed)
    world.twilio.pace_seconds = 0.005
    async with serve(world) as at:
        context = HookContext({}, _nothing, GroupCommit(database, receipts.apply).put)
        async with hosting(Starlette(routes=hooks.routes(context))) as url:
            site = Site(
                database.engine.url.render_as_string(hide_password=False),
                at.telegram_api_base, at.twilio_api_base, url, world.accounts,
            )  # fmt: skip
            telegram, whatsapp = channels(site, database)
            context.channels["whatsapp"] = whatsapp  # type: ignore[index]
            add_phones(database, world, recipients, telegram.sender, whatsapp.sender)
            office.freeze_broadcast(database, telegram, whatsapp)
            yield Play(site, database, world, seed)


async def _nothing(_: Any) -> None:
    return None


def add_phones(database: Database, world: World, count: int, *senders: str) -> None:
    """Give every member a phone: half have Telegram, half WhatsApp with an open window."""
    office.add_members(database, "telegram", senders[0], count)
    with database.begin() as db:
        for address in db.scalars(sa.select(Address)).all():
            if address.id % 2:
                phone = world.telegram_phone()
                phone.started = True
                address.value = str(phone.id)
                continue
            phone = world.whatsapp_phone(f"+2665{address.id:07d}")
            phone._last_inbound[phone.sender] = clock.now()
            address.channel, address.sender, address.value = "whatsapp", senders[1], phone.key
            db.get_one(Contact, address.contact_id).channel = "whatsapp"


async def run(engine: str, recipients: int, kills: int, seed: int) -> Result:
    """Return what came of one engine's run."""
    with office.database(engine, KEY) as database:
        async with stage(database, recipients, seed) as play:
            return await play.run(kills)


def main() -> None:
    """Print what came of each engine, then one line of JSON with the worst of both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), action="append")
    chosen = parser.parse_args()
    results = {}
    for engine in chosen.engine or ("sqlite", "postgresql"):
        results[engine] = asyncio.run(run(engine, chosen.recipients, chosen.kills, chosen.seed))
        print(engine, results[engine])
    found = list(results.values())
    worst = {
        name: max(getattr(result, name) for result in found)
        for name in ("lost", "doubled", "uncertain_max", "in_flight_max", "unreconciled_whatsapp")
    }
    kills = min(result.kills for result in found)
    print(json.dumps({"bench": "crash", "engine": list(results), "kills": kills, **worst}))


if __name__ == "__main__":
    main()
