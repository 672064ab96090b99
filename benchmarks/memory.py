"""Freeze and begin to deliver broadcasts of very different sizes; memory must not grow, time only with the rows."""

import argparse
import asyncio
import json
import multiprocessing
import resource
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

import sqlalchemy as sa

from benchmarks import delivery, office, stub
from bot import crypto
from bot.db import Database
from bot.messaging.delivery import Delivery
from bot.messaging.models import OutboxMessage, Status

DELIVERED = 3000


def measure(url: str, base: str, result: Connection) -> None:
    """Freeze and deliver some in a process of its own, and send its peak and the seconds of freezing."""
    crypto.use(crypto.Keyring([b"b" * 32]))
    result.send(asyncio.run(_measure(Database(url), base)))


async def _measure(database: Database, base: str) -> dict[str, Any]:
    channel = delivery.telegram(base)
    began = time.perf_counter()
    office.freeze_broadcast(database, channel)
    frozen = time.perf_counter() - began
    await channel.start()
    sending = Delivery(database, channel, office.desk(channel), delivery.AT_ONCE)
    running = asyncio.create_task(sending.run())
    while await database.query(_sent) < DELIVERED:  # noqa: ASYNC110 - the database has no event to wait for
        await asyncio.sleep(0.2)
    sending.stop()
    await running
    await channel.close()
    return {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "freeze_seconds": frozen}


def _sent(db: Any) -> int:
    return int(db.scalar(sa.select(sa.func.count()).where(OutboxMessage.status == Status.SENT)))


def bare_insert(database: Database) -> float:
    """Return the seconds of copying as many rows by the barest INSERT ... SELECT into the same table."""
    statement = sa.text(
        "INSERT INTO outbox (contact_id, channel, sender, priority, kind, lane, status, attempts, created_at, "
        "status_at) SELECT id, channel, sender, 2, 'bare', 0, 'cancelled', 0, created_at, created_at FROM contact "
        "ORDER BY id"
    )
    began = time.perf_counter()
    with database.engine.begin() as connection:
        connection.execute(statement)
    return time.perf_counter() - began


def run(engine: str, size: int, base: str) -> dict[str, Any]:
    """Return the figures of one size."""
    context = multiprocessing.get_context("spawn")
    with office.database(engine) as database:
        office.add_members(database, "telegram", "700", size)
        ours, theirs = context.Pipe()
        url = database.engine.url.render_as_string(hide_password=False)
        process = context.Process(target=measure, args=(url, base, theirs))
        process.start()
        theirs.close()
        found: dict[str, Any] = ours.recv()
        process.join()
        return found | {"bare_seconds": bare_insert(database)}


def compare(engine: str, sizes: Sequence[int], base: str) -> dict[str, Any]:
    """Return what the larger size costs beside the smaller one."""
    small, large = (run(engine, size, base) for size in sizes)
    return {
        "peak_mb": [round(one["peak_mb"]) for one in (small, large)],
        "peak_ratio": round(large["peak_mb"] / small["peak_mb"], 3),
        "freeze_seconds": round(large["freeze_seconds"], 1),
        "freeze_ratio_to_bare_insert": round(large["freeze_seconds"] / large["bare_seconds"], 2),
    }


def main() -> None:
    """Print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs=2, default=(10_000, 1_000_000))
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), action="append")
    chosen = parser.parse_args()
    with stub.serving(0.01) as base:
        figures = {engine: compare(engine, chosen.sizes, base) for engine in chosen.engine or ("sqlite", "postgresql")}
    print(json.dumps({"bench": "memory", "engine": figures, "sizes": chosen.sizes}))


if __name__ == "__main__":
    main()
