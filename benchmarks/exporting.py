"""Export 1,000,000 answers to each format, beside pandas and polars that hold everything in memory."""

import argparse
import json
import multiprocessing
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa

from benchmarks import office
from bot import clock, crypto
from bot.contacts.models import Contact
from bot.db import Database
from bot.exports import service
from bot.exports.models import Export
from bot.exports.options import Format, Options
from bot.surveys.models import Answer, Disposition, Run, Survey
from bot.surveys.publishing import form_of, publish

QUESTIONS = 40
ONES, MANIES, NUMBERS = 24, 10, 6
KEY = b"b" * 32
LONG = """SELECT m.respondent, a.name, a.value FROM export_member m JOIN answer a ON a.run_id = m.run_id
    WHERE m.export_id = 1 AND a.superseded_at IS NULL AND a.relevant ORDER BY m.respondent, a.id"""


def sheet() -> bytes:
    """Return a form of 40 questions: one choice, several, and numbers, in two languages."""
    kinds = [*["select_one c"] * ONES, *["select_multiple c"] * MANIES, *["decimal"] * NUMBERS]
    rows = [f"| | {kind} | q{number} | Question {number}? | Question {number} ? |" for number, kind in enumerate(kinds)]
    choices = [f"| | c | code{number} | Answer number {number} | Réponse n° {number} |" for number in range(10)]
    return "\n".join(
        [
            *("| survey |", "| | type | name | label::English (en) | label::Français (fr) |", *rows),
            *("| choices |", "| | list_name | name | label::English (en) | label::Français (fr) |", *choices),
            *("| settings |", "| | form_title | form_id | version |", "| | Bench | bench | 1 |"),
        ]
    ).encode()


def fill(database: Database, respondents: int) -> None:
    """Add the interviews, and note an export of all of them."""
    chance, now = random.Random(7), clock.now()
    with database.begin() as db:
        survey_id = publish(db, sheet(), "bench.md").id
    for start in range(1, respondents + 1, 5000):
        ids = range(start, min(start + 5000, respondents + 1))
        with database.engine.begin() as connection:
            connection.execute(
                sa.insert(Contact),
                [{"id": id, "channel": "telegram", "source": f"link{id % 9}", "created_at": now} for id in ids],
            )
            connection.execute(
                sa.insert(Run),
                [
                    {"id": id, "survey_id": survey_id, "contact_id": id, "disposition": Disposition.COMPLETED,
                     "language": "en", "channel": "telegram", "state": {}, "started_at": now - timedelta(days=id % 30),
                     "updated_at": now, "completed_at": now}
                    for id in ids
                ],
            )  # fmt: skip
            connection.execute(
                sa.insert(Answer),
                [
                    {"run_id": id, "path": f"/data/q{number}", "name": f"q{number}", "value": answer(chance, number),
                     "said": "x", "language": "en", "channel": "telegram", "at": now}
                    for id in ids
                    for number in range(QUESTIONS)
                ],
            )  # fmt: skip
    with database.begin() as db:
        service.begin(db, db.get_one(Survey, survey_id), Options(), "bench")


def answer(chance: random.Random, number: int) -> str:
    """Return an answer to a question."""
    if number < ONES:
        return f"code{chance.randrange(10)}"
    if number < ONES + MANIES:
        return " ".join(f"code{code}" for code in sorted(chance.sample(range(10), chance.randrange(1, 4))))
    return str(chance.randrange(1, 100_000) / 100)


def ours(kind: Format) -> Callable[[str, Path], None]:
    """Return what exports to one format as the console does."""

    def export(url: str, folder: Path) -> None:
        database = Database(url)
        with database.read() as db:
            begun = db.scalars(sa.select(Export)).one()
            begun.options = replace(Options.from_json(begun.options), formats=frozenset({kind})).as_json()
            form_of(db.get_one(Survey, begun.survey_id))
            service.write(db, begun, folder)

    return export


@contextmanager
def answers(url: str) -> Iterator[Iterable[tuple[str, str, str]]]:
    """Open the ordered rows as each database streams them best: respondent, name, value."""
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            yield connection.execute(LONG)
        return
    with psycopg.connect(url.replace("+psycopg", "")) as postgresql, postgresql.cursor("answers") as cursor:
        cursor.itersize = 20_000
        yield cursor.execute(LONG)


def streamed(url: str, folder: Path) -> None:
    """Merge the ordered rows into the plainest wide CSV: codes only, nothing said of what is missing."""
    import csv

    with answers(url) as found, (folder / "bare.csv").open("w", newline="") as file:
        out = csv.writer(file)
        line: dict[str, str] = {}
        names = [f"q{number}" for number in range(QUESTIONS)]
        last = ""
        for respondent, name, value in found:
            if respondent != last:
                if line:
                    out.writerow([last, *map(line.get, names)])
                line, last = {}, respondent
            line[name] = value
        out.writerow([last, *map(line.get, names)])


def _pandas(kind: Format) -> Callable[[str, Path], None]:
    def export(url: str, folder: Path) -> None:
        import pandas as pd
        import pyreadstat

        with answers(url) as found:
            long = pd.DataFrame.from_records(found, columns=["respondent", "name", "value"])
        wide = long.pivot(index="respondent", columns="name", values="value")
        wide = wide.reset_index()
        for number in range(ONES, ONES + MANIES):
            given = wide[f"q{number}"].str.get_dummies(" ")
            wide = pd.concat([wide, given.rename(columns=lambda code, n=number: f"q{n}_{code}")], axis=1)
        for number in range(ONES + MANIES, QUESTIONS):
            wide[f"q{number}"] = wide[f"q{number}"].astype(float)
        target = folder / f"x.{kind}"
        {
            Format.CSV: lambda: wide.to_csv(target, index=False),
            Format.XLSX: lambda: wide.to_excel(target, index=False, engine="xlsxwriter"),
            Format.PARQUET: lambda: wide.to_parquet(target),
            Format.JSON: lambda: wide.to_json(target, orient="records", lines=True),
            Format.SPSS: lambda: pyreadstat.write_sav(wide, str(target)),
            Format.STATA: lambda: pyreadstat.write_dta(wide, str(target)),
        }[kind]()

    return export


def _polars(kind: Format) -> Callable[[str, Path], None]:
    def export(url: str, folder: Path) -> None:
        import polars as pl
        import pyreadstat

        with answers(url) as found:
            rows = list(found)
        long = pl.DataFrame(rows, schema=["respondent", "name", "value"], orient="row")
        wide = long.pivot(on="name", index="respondent", values="value")
        marks = [
            pl.col(f"q{number}")
            .str.split(" ")
            .list.contains(f"code{code}")
            .cast(pl.Int8)
            .alias(f"q{number}_code{code}")
            for number in range(ONES, ONES + MANIES)
            for code in range(10)
        ]
        numbers = [pl.col(f"q{number}").cast(pl.Float64) for number in range(ONES + MANIES, QUESTIONS)]
        wide = wide.with_columns(*marks, *numbers)
        target = folder / f"x.{kind}"
        {
            Format.CSV: lambda: wide.write_csv(target),
            Format.XLSX: lambda: wide.write_excel(target),
            Format.PARQUET: lambda: wide.write_parquet(target),
            Format.JSON: lambda: wide.write_ndjson(target),
            Format.SPSS: lambda: pyreadstat.write_sav(wide, str(target)),
            Format.STATA: lambda: pyreadstat.write_dta(wide, str(target)),
        }[kind]()

    return export


def ways(kinds: list[Format]) -> Iterator[tuple[str, Callable[[str, Path], None]]]:
    """Yield what is measured, by name."""
    yield "streamed csv", streamed
    for kind in kinds:
        yield f"ours {kind}", ours(kind)
        if kind not in {Format.LONG, Format.XML, Format.FLOIP}:  # which neither writes
            yield f"pandas {kind}", _pandas(kind)
            yield f"polars {kind}", _polars(kind)


def measure(url: str, name: str, kinds: list[Format], result: Any) -> None:
    """Run one way in this process; send CPU seconds and the peak over the interpreter with its imports.

    Of PostgreSQL the CPU is of our side only.
    """
    crypto.use(crypto.Keyring([KEY]))
    work = dict(ways(kinds))[name]
    before = peak_mb()
    with tempfile.TemporaryDirectory(prefix="outreach-bench-") as folder:
        began, wall = time.process_time(), time.perf_counter()
        work(url, Path(folder))
        taken = {"cpu": time.process_time() - began, "seconds": time.perf_counter() - wall}
    result.send({name: round(value, 2) for name, value in taken.items()} | {"peak_mb": round(peak_mb() - before)})


def peak_mb() -> float:
    """Return the most memory that this process has had; getrusage would count what its parent had."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    """Print a line of JSON for each engine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--respondents", type=int, default=25_000)
    parser.add_argument("--formats", nargs="+", type=Format, default=list(Format))
    parser.add_argument("--engines", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    names = [name for name, _ in ways(chosen.formats)]
    for engine in chosen.engines:
        with office.database(engine, KEY) as database:
            fill(database, chosen.respondents)
            url = database.engine.url.render_as_string(hide_password=False)
            rounds = [{name: apart(url, name, chosen.formats) for name in names} for _ in range(chosen.rounds)]
        found = {name: middle([each[name] for each in rounds]) for name in names}
        answered = chosen.respondents * QUESTIONS
        print(json.dumps({"bench": "export", "engine": engine, "answers": answered, **found}))


def apart(url: str, name: str, kinds: list[Format]) -> dict[str, float]:
    """Measure one way in a process of its own."""
    context = multiprocessing.get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=measure, args=(url, name, kinds, sending))
    process.start()
    sending.close()
    found: dict[str, float] = receiving.recv()
    process.join()
    return found


def middle(found: list[dict[str, float]]) -> dict[str, float]:
    """Return the median of each figure."""
    return {figure: round(statistics.median(each[figure] for each in found), 2) for figure in found[0]}


if __name__ == "__main__":
    main()
