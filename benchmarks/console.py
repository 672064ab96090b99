"""Open every page of the console with many members and messages there, and take the median seconds of each."""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI

from benchmarks import office
from bot import clock
from bot.contacts.models import Contact
from bot.conversations.models import Ticket
from bot.db import Database
from bot.messaging.models import OutboxMessage, Status
from bot.settings import shipped
from bot.staff.models import Role
from bot.staff.roles import ROLES
from bot.web.console import PAGES
from bot.web.console.routes import Open
from tests.web.console_browser import Browser, build

TARGET = 0.3  #: seconds at the median
COUNTRIES = ("ZA", "GB", "US", "FR", "AU", "CA", "BW", "DE", "IE", "NZ")
LANGUAGES = ("en", "fr", "st", "ny", "mfe")
#: Outcomes of the messages, of a hundred each.
STATUSES = ((70, Status.READ), (85, Status.DELIVERED), (95, Status.SENT), (99, Status.FAILED), (100, Status.SUPPRESSED))
#: Answers that are files or streams.
NO_PAGES = ("/stream", ".csv", ".xlsx", "/withdrawn", "/files/", "/attachments/")


def furnish(database: Database, members: int, messages: int) -> None:
    """Add members of several countries and languages, broadcasts to all of them, and threads."""
    office.add_members(database, "telegram", "700", members)
    with database.begin() as db:
        for number, country in enumerate(COUNTRIES):
            values = {"residence": country, "origin": ("LS", "MW", "MU")[number % 3], "source": f"code{number}"}
            db.execute(sa.update(Contact).where(Contact.id % len(COUNTRIES) == number).values(**values))
        for number, language in enumerate(LANGUAGES):
            db.execute(sa.update(Contact).where(Contact.id % len(LANGUAGES) == number).values(language=language))
        now = clock.now()
        threads = [
            {"contact_id": id, "kind": "human", "text": "Where can I vote?", "opened_at": now, "waiting_since": now}
            for id in range(1, min(members, 20_000))
        ]
        db.execute(sa.insert(Ticket), threads)
    for _ in range(max(1, messages // members)):
        office.freeze_broadcast(database)
    with database.begin() as db:
        share = OutboxMessage.id % 100
        status = sa.case(*((share < limit, status) for limit, status in STATUSES), else_=Status.SENT)
        db.execute(sa.update(OutboxMessage).values(status=status, sent_at=OutboxMessage.created_at))
        for ref in range(1, messages // members):  # the last one is of today, the others of the months before
            at = now - timedelta(days=30 * (messages // members - ref))
            db.execute(sa.update(OutboxMessage).where(OutboxMessage.ref == ref).values(created_at=at, sent_at=at))
        for day in range(100):
            at = now - timedelta(days=3 * day)
            db.execute(sa.update(Contact).where(Contact.id % 100 == day).values(joined_at=at))
    if not database.is_sqlite:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM ANALYZE"))


async def measure(app: FastAPI, rounds: int) -> dict[str, float]:
    """Return the median seconds of each page."""
    taken: dict[str, float] = {}
    for role in (Role.ADMINISTRATOR, Role.PROTECTION):
        browser = await Browser(app).sign_in(role)
        for page in PAGES:
            allowed = isinstance(page.needs, Open) or page.needs in ROLES[role]
            if page.method != "GET" or page.path in taken or not allowed or any(part in page.path for part in NO_PAGES):
                continue
            path = page.path.replace("{id:row}", "1").replace("{name}", "announcement").replace("{link}", "x")
            taken[page.path] = statistics.median([await _open(browser, path) for _ in range(rounds)])
    return taken


async def _open(browser: Browser, path: str) -> float:
    began = time.perf_counter()
    answer = await browser.open(path)
    if answer.status >= 500:
        raise SystemExit(f"{path} answered {answer.status}")
    return time.perf_counter() - began


def run(engine: str, members: int, messages: int, rounds: int) -> dict[str, Any]:
    """Return the figures of one engine."""
    with office.database(engine) as database, tempfile.TemporaryDirectory() as folder:
        furnish(database, members, messages)
        taken = asyncio.run(measure(build(database, shipped("messages"), Path(folder)), rounds))
    slow = {path: round(seconds, 3) for path, seconds in sorted(taken.items(), key=lambda one: -one[1])}
    return {
        "pages": len(taken),
        "median": round(statistics.median(taken.values()), 3),
        "over": {path: seconds for path, seconds in slow.items() if seconds > TARGET},
        "slowest": dict(list(slow.items())[:5]),
    }


def main() -> None:
    """Print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), action="append")
    parser.add_argument("--members", type=int, help="1,000,000 on PostgreSQL and 200,000 on SQLite unless given")
    parser.add_argument("--messages", type=int, help="five for each member unless given")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    figures: dict[str, Any] = {"bench": "console", "target_seconds": TARGET}
    for engine in given.engine or ("sqlite", "postgresql"):
        members = given.members or (200_000 if engine == "sqlite" else 1_000_000)
        figures[engine] = run(engine, members, given.messages or 5 * members, given.rounds) | {"members": members}
    print(json.dumps(figures))
    if any(figures[engine]["over"] for engine in given.engine or ("sqlite", "postgresql")):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
