"""CPU of a page of 1,000 rows of 40 questions as OData, of the first comparison, and of one that finds nothing new."""

import argparse
import json
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from benchmarks.exporting import KEY, fill
from bot import crypto
from bot.db import Base, Database, import_models
from bot.feeds import following
from bot.feeds.reading import Reader
from bot.feeds.shapes import shapes
from bot.staff import service, tokens
from bot.staff.models import ApiToken, Role
from bot.web.odata import answering, query

T = TypeVar("T")


def cpu(work: Callable[[], T], times: int = 1) -> tuple[float, T]:
    """Return the milliseconds of CPU of the fastest of several times, and what it gave."""
    best, given = float("inf"), None
    for _ in range(times):
        began = time.process_time()
        given = work()
        best = min(best, time.process_time() - began)
    return round(best * 1000, 1), given  # type: ignore[return-value]


def grant(database: Database) -> int:
    """Return a token for feeds."""
    with database.begin() as db:
        user, _ = service.add(db, "bench@example.org", "Bench", Role.ADMINISTRATOR)
        user.password_hash = "x"
        return tokens.grant(db, user, user, "bench", ["feeds"], timedelta(days=1)).id


def measure(database: Database, token_id: int) -> dict[str, float]:
    """Return the figures."""

    def follow() -> None:
        with database.begin() as db:
            following.follow(db, db.get_one(ApiToken, token_id), "bench")

    def look() -> None:
        with database.read() as db:
            assert following.fresh(db, token_id, "bench")

    def page(options: list[tuple[str, str]]) -> bytes:
        with database.read() as db:
            shape = shapes(db)["bench"]
            feed = following.find(db, token_id, "bench")
            assert feed
            ask = answering.Ask("/odata/", query.read(shape.main, options), options, answering.Wishes())
            return answering.listed(Reader(db, feed, shape, shape.main), ask)

    figures = {"first_ms": cpu(follow)[0], "nothing_new_ms": cpu(look, 3)[0], "page_ms": cpu(lambda: page([]), 5)[0]}
    figures["filtered_page_ms"] = cpu(lambda: page([("$filter", "q0 in ('code1','code2')")]), 3)[0]
    tracemalloc.start()
    size = len(page([]))
    figures["page_peak_mb"] = round(tracemalloc.get_traced_memory()[1] / 2**20, 1)
    figures["page_mb"] = round(size / 2**20, 2)
    return figures


def main() -> None:
    """Fill a database, measure, print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--respondents", type=int, default=25_000)
    asked = parser.parse_args()
    crypto.use(crypto.Keyring([KEY]))
    with tempfile.TemporaryDirectory() as folder:
        import_models()
        database = Database(f"sqlite:///{Path(folder) / 'bench.db'}")
        Base.metadata.create_all(database.engine)
        fill(database, asked.respondents)
        figures = measure(database, grant(database))
        database.close()
    print(json.dumps({"bench": "feeds", "engine": "sqlite", "respondents": asked.respondents, **figures}))


if __name__ == "__main__":
    main()
