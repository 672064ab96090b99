"""Mixed load with faults on one `outreach run`, for as long as you like: does it stay as it was, and is all right?

People join, answer a survey, register for a session and have themselves erased; staff announce, invite and export.
The installation is a process of its own; people, providers and staff are in this one, which is not measured.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from benchmarks import office
from benchmarks.crash import FAULTS, stamp
from benchmarks.life import KEY, Site, work
from bot import clock
from bot.app import App
from bot.broadcasts import rendering, service
from bot.broadcasts.models import Broadcast
from bot.contacts.models import Address, Contact, Purpose, State
from bot.db import Database
from bot.demo.cast import cast
from bot.demo.people import Life, Phrases
from bot.demo.stage import free_port
from bot.emulators.faults import Fault, Kind
from bot.emulators.limits import Limits
from bot.emulators.server import serve
from bot.emulators.world import World
from bot.events import service as events
from bot.exports import service as exports
from bot.exports.options import Options
from bot.messaging.models import OPEN, Handling, InboxMessage, OutboxMessage
from bot.settings import load
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.roles import Role
from bot.surveys import service as surveys
from bot.surveys.models import Survey

LIMITS = Limits(telegram_rate=1e4, telegram_burst=10**4, chat_rate=1e4, chat_burst=10**4, sender_rate=1e4)
INBOUND_FAULTS = (Kind.DUPLICATE_UPDATE, Kind.REORDER_UPDATES, Kind.DUPLICATE_INBOUND)
PULSE = 2.0  #: seconds between two looks at memory and latency
PATIENCE = 20.0


@dataclass(frozen=True)
class Whole(Site):
    """An installation in one process, with webhooks."""

    def settings(self) -> dict[str, str]:
        """Return the installation's settings."""
        return super().settings() | {
            "OUTREACH_PORT": self.public_url.rpartition(":")[2],
            "OUTREACH_TELEGRAM_MODE": "webhook",
            "OUTREACH_TELEGRAM_WEBHOOK_SECRET": "s" * 32,
            "OUTREACH_QUIET_FROM": "23",
            "OUTREACH_QUIET_UNTIL": "0",
            "OUTREACH_WEEKLY_CAP": "1000000",
            "OUTREACH_WHATSAPP_DAILY_PEOPLE": "0",
        }


@dataclass
class Soak:
    """The people, the staff, and what was measured."""

    app: App  #: of the same installation, in this process: staff's hands; it delivers nothing
    world: World
    process: BaseProcess
    folder: Path
    seconds: float
    seed: int
    began: float = field(default_factory=time.monotonic)
    memory: list[float] = field(default_factory=list)  #: MB, one a pulse
    waits: list[float] = field(default_factory=list)  #: seconds from a word to the answer, one a pulse
    done: Counter[str] = field(default_factory=Counter)

    async def run(self) -> None:
        """Put on the load until the time is over, then let everything come to rest."""
        await self.app.database.run(_furnish)
        work = [self._repeat(6, self._live), self._repeat(20, self._announce), self._repeat(45, self._export)]
        work += [self._repeat(120, self._hold_a_session), self._repeat(PULSE, self._measure)]
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one)
        self.world.faults.clear()
        async with asyncio.timeout(300):
            while await self.app.database.query(_due):  # noqa: ASYNC110 - a database calls nobody
                await asyncio.sleep(0.5)

    async def _repeat(self, every: float, do: Callable[[], Awaitable[None]]) -> None:
        async with asyncio.TaskGroup() as group:
            while time.monotonic() - self.began < self.seconds:
                group.create_task(self._count(do))
                await asyncio.sleep(every)

    async def _count(self, do: Callable[[], Awaitable[None]]) -> None:
        """Count what went well, and what did not: a fault may keep a person from getting further."""
        name = do.__name__.strip("_")
        try:
            await do()
            self.done[name] += 1
        except (TimeoutError, LookupError):
            self.done[f"{name} given up"] += 1

    async def _live(self) -> None:
        """Join, answer, and now and then leave."""
        number = self.done["begun"]
        self.done["begun"] += 1
        person = cast(number + 1, self.seed)[number]
        phone: Any
        if person.channel == "telegram":
            phone = self.world.telegram_phone(person.name, person.language)
        else:
            phone = self.world.whatsapp_phone(f"+2665{number:07d}", person.name, person.language)
        life = Life(person, phone, Phrases(self.app.content), random.Random(number))
        async with asyncio.timeout(self.seconds + 60):
            await life.register()
            await life.answer_survey(changes_language=False)
        if number % 5 == 0:
            await phone.send("DELETE")
            asked = await phone.wait_for(lambda message: bool(message.buttons), PATIENCE)
            await phone.tap(asked.buttons[0].id, asked)
            self.done["erasures asked"] += 1
        else:
            await asyncio.wait_for(life.answer_invitation(), max(1.0, self.seconds - (time.monotonic() - self.began)))

    async def _announce(self) -> None:
        await self.app.database.run(self._send, f"Word {self.done['announce']} of the desk in Maseru.")

    def _send(self, db: Session, text: str) -> None:
        content, policy = self.app.content, self.app.policy
        editor, approver = db.scalars(sa.select(StaffUser).order_by(StaffUser.id)).all()
        draft = service.Draft("Soak", Purpose.NEWS, {"en": text}, template="announcement")
        broadcast = service.draft(db, content, editor, draft)
        seen = rendering.content_hash(content, broadcast)
        service.approve(db, content, broadcast, approver, policy, seen=seen)
        service.send(db, content, broadcast, editor, policy)

    async def _export(self) -> None:
        target = self.folder / "exported" / str(self.done["export"])
        target.mkdir(parents=True)
        await self.app.database.run(lambda db: exports.run(db, _survey(db), Options(), target, "1"))

    async def _hold_a_session(self) -> None:
        await self.app.database.run(self._plan)

    def _plan(self, db: Session) -> None:
        starts = (clock.now() + timedelta(minutes=59)).replace(tzinfo=None)
        event = events.create(
            db, title={"en": "Saving well"}, starts_local=starts, zone="UTC", minutes=60, link="https://meet.example.org/1",
            created_by="1",
        )  # fmt: skip
        events.publish(db, event)
        events.invite(db, self.app.content, event, sa.select(Contact.id).where(Contact.state == State.MEMBER))

    async def _measure(self) -> None:
        """Look at the memory, and ask for help as somebody who is nobody's member."""
        self.memory.append(_megabytes(self.process))
        phone = self.world.telegram_phone("Curious")
        began = time.monotonic()
        await phone.send("HELP")
        await phone.next_message(PATIENCE)
        self.waits.append(time.monotonic() - began)


def _megabytes(process: BaseProcess) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1000


def _furnish(db: Session) -> None:
    for role in (Role.EDITOR, Role.APPROVER):
        db.add(StaffUser(email=role, email_hash=role, name=role, role=role, active=True, created_at=clock.now()))
    form = office.shipped("messages") / "surveys" / "diaspora_mapping.xlsx"
    surveys.publish(db, form.read_bytes(), form.name)


def _survey(db: Session) -> Survey:
    return db.scalars(sa.select(Survey)).one()


def _due(db: Session) -> int:
    row = OutboxMessage
    due = sa.or_(row.due_at <= clock.now(), row.status == "sending")
    return db.scalar(sa.select(sa.func.count()).where(row.status.in_(OPEN), due)) or 0


def wrong(db: Session, world: World) -> dict[str, int]:
    """Return how often each of the rules was broken."""
    inbox, outbox = InboxMessage, OutboxMessage
    parked = sa.select(sa.func.count()).select_from(inbox).where(inbox.handling == Handling.PARKED)
    left = sa.select(sa.func.count()).select_from(Address).join(Contact).where(Contact.state == State.ERASED)
    sums = sa.select(sa.func.count()).where(outbox.kind == "broadcast", outbox.ref == Broadcast.id).scalar_subquery()
    uneven = sa.select(sa.func.count()).select_from(Broadcast).where(Broadcast.audience_count != sums)
    broken = {name: db.scalar(count) or 0 for name, count in (("parked", parked), ("left", left), ("uneven", uneven))}
    doubled = [text for (_, text) in world.ledger.doubles() if text.startswith("Word ")]
    return broken | {"doubled": len(doubled), "audit": int(audit.verify(db) is not None)}


def growth(figures: Sequence[float]) -> float:
    """Return the last quarter's median by the second's: the first is the start."""
    quarter = len(figures) // 4
    return round(statistics.median(figures[-quarter:]) / statistics.median(figures[quarter : 2 * quarter]), 2)


def log_lines(folder: Path) -> dict[str, int]:
    """Return how often each error was logged; what is no line of ours is an exception that nobody caught."""
    found: Counter[str] = Counter()
    for line in (folder / "work.log").read_text().splitlines():
        with suppress(ValueError):
            found[json.loads(line).get("event", "?")] += 1
            continue
        found["uncaught"] += "Traceback" in line
    return {name: count for name, count in found.items() if count}


async def run(engine: str, seconds: float, seed: int) -> dict[str, Any]:
    """Return the figures."""
    with office.database(engine, KEY) as database, tempfile.TemporaryDirectory(prefix="outreach-soak-") as name:
        stamp(database)
        world, port = World(limits=LIMITS, seed=seed), free_port(0)
        async with serve(world) as at:
            url = f"http://127.0.0.1:{port}"
            address = database.engine.url.render_as_string(hide_password=False)
            site = Whole(Path(name), address, at.telegram_api_base, at.twilio_api_base, url, world.accounts)
            world.twilio.inbound_url = f"{url}/hooks/whatsapp#rc=3&rp=all"
            app = App(load(_env_file=None, **_small(site.settings())))
            process = multiprocessing.get_context("forkserver").Process(target=work, args=(site, "run"), daemon=True)
            process.start()
            await _until_up(url)
            for fault in (*FAULTS, *(Fault(kind, times=None, probability=0.02) for kind in INBOUND_FAULTS)):
                world.faults.add(Fault(fault.kind, None, None, fault.probability, fault.code, 1))
            soak = Soak(app, world, process, Path(name), seconds, seed)
            try:
                await soak.run()
                broken = await database.query(wrong, world)
            finally:
                os.kill(process.pid or 0, signal.SIGTERM)
                await asyncio.to_thread(process.join, 20)
                app.close()
            return _figures(soak, database, broken)


def _figures(soak: Soak, database: Database, broken: dict[str, int]) -> dict[str, Any]:
    return {
        "memory_mb": [round(soak.memory[0]), round(max(soak.memory)), round(soak.memory[-1])],
        "memory_growth": growth(soak.memory),
        "answer_ms": round(statistics.median(soak.waits) * 1000),
        "answer_growth": growth(soak.waits),
        "messages": sum(office.counts(database).values()),
        "statuses": office.counts(database),
        "done": dict(soak.done),
        "logged": log_lines(soak.folder),
        "broken": broken,
    }


def _small(settings: dict[str, str]) -> dict[str, str]:
    return {name.removeprefix("OUTREACH_").lower(): value for name, value in settings.items()}


async def _until_up(url: str) -> None:
    import httpx

    async with asyncio.timeout(60), httpx.AsyncClient() as client:
        while True:
            with suppress(httpx.HTTPError):
                if (await client.get(f"{url}/readyz")).status_code == 200:
                    return
            await asyncio.sleep(0.2)


def main() -> None:
    """Print one line of JSON; fail when anything grew, was logged as unhandled, or is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="postgresql")
    chosen = parser.parse_args()
    found = asyncio.run(run(chosen.engine, chosen.minutes * 60, chosen.seed))
    print(json.dumps({"bench": "soak", "engine": chosen.engine, "minutes": chosen.minutes, **found}))
    unhandled = found["logged"].keys() & {"uncaught", "job failed", "inbound message parked"}
    grew = found["memory_growth"] > 1.1 or found["answer_growth"] > 1.5
    sys.exit(bool(grew or unhandled or any(found["broken"].values())))


if __name__ == "__main__":
    main()
