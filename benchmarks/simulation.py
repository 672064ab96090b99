"""How an installation does at sizes that nobody here can run: a day's broadcast to everybody, second by second.

It reckons with costs that were measured (benchmarks/measured.toml) and with what we assume of people (ASSUMED), and
checks itself against runs that were measured as a whole.
"""

import argparse
import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

MEASURED = Path(__file__).parent / "measured.toml"
MB, GB = 1e6, 1e9


@dataclass(frozen=True, slots=True)
class Costs:
    """What one message takes."""

    worker_cpu_ms: float
    database_cpu_ms: float  #: for one that leaves
    web_cpu_ms: float  #: for one that comes in
    database_inbound_cpu_ms: float
    receipt_cpu_ms: float
    commits: float
    wal_bytes: float
    message_bytes: float
    member_bytes: float


@dataclass(frozen=True, slots=True)
class Assumed:
    """What people do; these are guesses, larger than what we expect."""

    receipts: float = 1.0  #: for each message: WhatsApp tells twice, Telegram never
    replies: float = 0.3  #: of those who get a broadcast, how many write or press something
    reply_seconds: float = 1200  #: the mean time until they do
    broadcasts_a_week: float = 2
    other_messages: float = 60  #: to one member in a year: replies, reminders, questions of a survey
    settles: float = 10  #: commits a second of a sender that is kept to its pace, since fewer messages share one
    larger: float = 2  #: rows of years with ids of providers and room of changed rows, beside freshly filled ones


@dataclass(frozen=True, slots=True)
class Size:
    """An installation."""

    members: int
    senders: int
    rate: float  #: messages a second of each


@dataclass(frozen=True, slots=True)
class Machines:
    """What each size is held against."""

    database_cores: float = 8
    commits: float = 2000  #: a second, on a disk that keeps what it was told
    wal_mb: float = 100  #: a second
    database_gb: float = 2000


@dataclass(frozen=True, slots=True)
class Course:
    """How the broadcast went."""

    hours: float  #: until it had left
    out: float  #: messages a second
    inbound_peak: float  #: messages a second
    worker_cores: float
    web_cores: float
    database_cores: float
    commits: float  #: a second
    wal_mb: float  #: a second
    database_gb: float
    growth_gb: float  #: a year


ASSUMED = Assumed()
#: From a country's first year to more than the diasporas of all three countries together.
SIZES = (
    Size(50_000, 2, 30),
    Size(200_000, 2, 55),
    Size(1_000_000, 4, 55),
    Size(10_000_000, 4, 55),
    Size(10_000_000, 20, 80),
    Size(10_000_000, 100, 80),
)


def costs(file: Path = MEASURED) -> Costs:
    """Read what was measured."""
    found = tomllib.loads(file.read_text("utf-8"))
    return Costs(**{name: found[name]["value"] for name in Costs.__dataclass_fields__})


def run(size: Size, cost: Costs, assumed: Assumed = ASSUMED) -> Course:
    """Send to everybody, a second at a time, while people answer."""
    out = size.senders * size.rate
    left, asked, seconds, peak = float(size.members), 0.0, 0, 0.0
    while left > 0:
        sent = min(left, out)
        left -= sent
        asked += sent * assumed.replies
        came = asked / assumed.reply_seconds
        asked -= came
        peak = max(peak, came)
        seconds += 1
    receipts = out * assumed.receipts
    database = out * cost.database_cpu_ms + peak * cost.database_inbound_cpu_ms + receipts * cost.receipt_cpu_ms
    yearly = size.members * (assumed.broadcasts_a_week * 52 + assumed.other_messages) * assumed.larger
    members = size.members * cost.member_bytes * assumed.larger
    return Course(
        hours=seconds / 3600,
        out=out,
        inbound_peak=peak,
        worker_cores=out * cost.worker_cpu_ms / 1000,
        web_cores=(peak * cost.web_cpu_ms + receipts * cost.receipt_cpu_ms) / 1000,
        database_cores=database / 1000,
        commits=max(out * cost.commits, size.senders * assumed.settles) + peak + receipts / 10,  # they come in lots
        wal_mb=(out + peak + receipts) * cost.wal_bytes / MB,
        database_gb=(members + yearly * cost.message_bytes) / GB,
        growth_gb=yearly * cost.message_bytes / GB,
    )


def loads(course: Course, machines: Machines = Machines()) -> dict[str, float]:
    """Return how much of each limit is used; 1 is all of it. A day is what a broadcast may take."""
    return {
        "the providers' caps": course.hours / 24,
        "the database's processors": course.database_cores / machines.database_cores,
        "commits": course.commits / machines.commits,
        "the log of the database": course.wal_mb / machines.wal_mb,
        "the disk after a year": course.database_gb / machines.database_gb,
    }


def paced(cost: Costs, rate: float, at_once: int = 64, latency: float = 0.05) -> float:
    """Return messages a second of one sender: what its cap, the calls at once or one processor let through."""
    busy = cost.worker_cpu_ms / 1000
    return min(rate, 1 / busy, at_once / (latency + busy))


def checks(cost: Costs, file: Path = MEASURED) -> Iterable[tuple[str, float, float]]:
    """Yield what the model says of runs that were measured as a whole, and what was measured."""
    for name, run in tomllib.loads(file.read_text("utf-8"))["whole"].items():
        yield name, paced(cost, run["rate"]), run["value"]


def table(courses: Iterable[tuple[Size, Course]]) -> str:
    """Return the paper's table."""
    head = (
        "members", "senders", "a second", "hours", "people answer, a second", "worker cores", "web cores",
        "database cores", "commits/s", "log MB/s", "GB a year", "first to be full",
    )  # fmt: skip
    lines = [head, ("---",) * len(head)]
    for size, one in courses:
        used = loads(one)
        first = max(used, key=used.__getitem__)
        lines.append((
            f"{size.members:,}", f"{size.senders}", f"{one.out:,.0f}", f"{one.hours:.1f}", f"{one.inbound_peak:,.0f}",
            f"{one.worker_cores:.2f}", f"{one.web_cores:.2f}", f"{one.database_cores:.2f}", f"{one.commits:,.0f}",
            f"{one.wal_mb:.1f}", f"{one.growth_gb:,.1f}", f"{first}, {used[first]:.0%}",
        ))  # fmt: skip
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Print the table, the checks, and one line of JSON."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    cost = costs()
    print(table((size, run(size, cost)) for size in SIZES))
    figures = {name: {"model": round(model, 1), "measured": measured} for name, model, measured in checks(cost)}
    print(json.dumps({"bench": "simulation", "engine": "postgresql", "checks": figures}))


if __name__ == "__main__":
    main()
