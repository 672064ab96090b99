"""Open every page of the console with many members and messages there, and take the median seconds of each."""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from benchmarks import filling
from bot.db import Database
from bot.settings import shipped
from bot.staff import service
from bot.staff.models import Role
from bot.staff.roles import ROLES
from bot.web.console import PAGES, mount
from bot.web.console.counting import Counted
from bot.web.console.routes import Open
from tests.web.console_browser import Browser, build, context

TARGET = 0.3  #: seconds at the median
#: Answers that are files or streams.
NO_PAGES = (
    "/stream", ".csv", ".xlsx", "/withdrawn", "/files/", "/attachments/", "/poster", "}/file", "}/documents", "/{kind}",
    "/exports/{id:row}/{name}", "/sign-in/provider",
)  # fmt: skip


#: Pages with questions that make them work: searches, filters, audiences, a draft to everybody.
ASKED = (
    "/audience?origins=LS&residences=ZA",
    "/audience?not_answered=diaspora_mapping&replies=1:yes",
    "/audience?answered=diaspora_mapping&not_attended=1",
    "/audience?missed=1",
    "/members?state=member&origin=LS",
    "/members?before=100000",
    "/broadcasts/1/recipients?status=failed",
    f"/broadcasts/{filling.DRAFT}",
    f"/broadcasts/{filling.DRAFT}/people",
)


@dataclass(frozen=True, slots=True)
class Taken:
    """Medians of one page."""

    seconds: float
    cpu: float  #: seconds of the console and of the database's server, which other programs do not lengthen


async def measure(
    app: FastAPI, counted: dict[int, Counted], folder: Path, rounds: int
) -> tuple[dict[str, Taken], list[str]]:
    """Return what each page took, and the pages of which there was nothing to show."""
    taken: dict[str, Taken] = {}
    nothing: list[str] = []
    for role in (Role.ADMINISTRATOR, Role.PROTECTION):
        browser = await Browser(app).sign_in(role)
        for page in PAGES:
            allowed = isinstance(page.needs, Open) or page.needs in ROLES[role]
            if page.method != "GET" or page.path in taken or not allowed or any(part in page.path for part in NO_PAGES):
                continue
            path = address(page.path)
            taken[page.path], status = await _open(browser, counted, path, folder, rounds)
            if status == 404:
                nothing.append(page.path)
        if role == Role.ADMINISTRATOR:
            for path in ASKED:
                taken[path], _ = await _open(browser, counted, path, folder, rounds)
    return taken, nothing


def address(path: str) -> str:
    """Return the address of a page with something to show."""
    return path.replace("{id:row}", "1").replace("{name}", "announcement").replace("{link}", "x")


async def _open(
    browser: Browser, counted: dict[int, Counted], path: str, folder: Path, rounds: int
) -> tuple[Taken, int]:
    """Open a page as often as asked, after a first time; what it left to count beside it is counted by then."""
    seconds, cpu, status = [], [], 0
    await browser.open(path)
    await asyncio.gather(*(one.task for one in counted.values()))
    for _ in range(rounds):
        began, used = time.perf_counter(), filling.cpu(folder)
        status = (await browser.open(path)).status
        seconds.append(time.perf_counter() - began)
        cpu.append(filling.cpu(folder) - used)
        if status >= 500:
            raise SystemExit(f"{path} answered {status}")
    return Taken(statistics.median(seconds), statistics.median(cpu)), status


def run(engine: str, members: int, messages: int, rounds: int) -> dict[str, Any]:
    """Return the figures of one engine."""
    with filling.filled(engine, members, messages) as (database, kept), tempfile.TemporaryDirectory() as folder:
        app, counted = _app(database, Path(folder))
        taken, nothing = asyncio.run(measure(app, counted, kept, rounds))
    slow = {path: round(one.seconds, 3) for path, one in sorted(taken.items(), key=lambda one: -one[1].seconds)}
    dear = {path: round(one.cpu, 3) for path, one in sorted(taken.items(), key=lambda one: -one[1].cpu)}
    return {
        "pages": len(taken),
        "median": round(statistics.median(slow.values()), 3),
        "over": {path: seconds for path, seconds in slow.items() if seconds > TARGET},
        "over_cpu": {path: cpu for path, cpu in dear.items() if cpu > TARGET},
        "dearest": dict(list(dear.items())[:5]),
        "load": round(os.getloadavg()[0], 1),
        "slowest": dict(list(slow.items())[:5]),
        "nothing_there": nothing,
    }


def _app(database: Database, folder: Path) -> tuple[FastAPI, dict[int, Counted]]:
    """Return the console and what it counts beside its pages; its staff may be there already in a kept database."""
    with database.read() as db:
        is_kept = service.find(db, f"{Role.ADMINISTRATOR}@example.org") is not None
    if not is_kept:
        build(database, shipped("messages"), folder)
    app, made = FastAPI(), context(database, shipped("messages"), folder)
    mount(app, made)
    return app, made.counted


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
