"""What a message costs PostgreSQL, and how large rows become: what benchmarks/simulation.py reckons with."""

import argparse
import asyncio
import json
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks import delivery, filling, office, stub
from bot.channels.base import Channel
from bot.db import Database
from bot.messaging.delivery import Delivery
from bot.messaging.models import OutboxMessage, Status

#: Tables of which each row is about one member, and of which each is one message.
OF_MEMBER = ("contact", "address", "consent", "interest")
OF_MESSAGE = ("outbox",)


async def deliver(database: Database, channel: Channel, folder: Path) -> dict[str, float]:
    """Send a frozen broadcast and return what each message took of the database and of us."""
    with database.read() as db:
        total = int(db.scalar(sa.select(sa.func.count()).select_from(OutboxMessage)) or 0)
    await channel.start()
    before, ours, all_of_it = _counters(database), time.process_time(), filling.cpu(folder)
    sending = Delivery(database, channel, office.desk(channel), delivery.AT_ONCE)
    running = asyncio.create_task(sending.run())
    while await database.query(_sent) < total:  # noqa: ASYNC110 - the database has no event to wait for
        await asyncio.sleep(0.5)
    ours, all_of_it = time.process_time() - ours, filling.cpu(folder) - all_of_it
    sending.stop()
    await running
    await channel.close()
    after = _counters(database)
    return {
        "wal_bytes": (after["wal"] - before["wal"]) / total,
        "commits": (after["commits"] - before["commits"]) / total,
        "worker_cpu_ms": 1000 * ours / total,
        "database_cpu_ms": 1000 * (all_of_it - ours) / total,
    }


def _sent(db: Any) -> int:
    return int(db.scalar(sa.select(sa.func.count()).where(OutboxMessage.status == Status.SENT)))


def _counters(database: Database) -> dict[str, float]:
    statement = sa.text(
        "SELECT pg_current_wal_lsn() - '0/0', (SELECT xact_commit FROM pg_stat_database WHERE datname = "
        "current_database()), pg_stat_force_next_flush()"
    )
    with database.engine.connect() as connection:
        wal, commits, _ = connection.execute(statement).one()
    return {"wal": float(wal), "commits": float(commits)}


def sizes(database: Database) -> dict[str, float]:
    """Return the bytes of a member and of a message with all their indexes."""
    found = {}
    with database.engine.connect() as connection:
        for name, tables in {"member_bytes": OF_MEMBER, "message_bytes": OF_MESSAGE}.items():
            bytes = sum(connection.scalar(sa.text(f"SELECT pg_total_relation_size('{table}')")) for table in tables)
            rows = connection.scalar(sa.text(f"SELECT count(*) FROM {tables[0]}"))
            found[name] = bytes / rows
    return found


def main() -> None:
    """Print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=5000)
    given = parser.parse_args()
    with stub.serving(0.05) as base, filling.emptied() as (database, folder):
        channel = delivery.telegram(base)
        office.add_members(database, "telegram", channel.sender, given.messages)
        office.freeze_broadcast(database, channel)
        figures = asyncio.run(deliver(database, channel, folder))
    with filling.filled("postgresql", 100_000, 500_000) as (database, _):
        figures |= sizes(database)
    print(json.dumps({"bench": "costs", "engine": "postgresql", **{k: round(v, 3) for k, v in figures.items()}}))


if __name__ == "__main__":
    main()
