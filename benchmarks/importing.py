"""A list of 100,000 rows, numbers checked and people looked up, beside `phonenumbers` alone on the same numbers.

The list is as offices have them: two thirds international in several spellings, a quarter national, the rest wrong or
twice. The target is for the dry run of the CSV; the same with `phonenumbers` for every row, the same list as XLSX, and
the import itself, to the commit with invitations queued, stand beside it. CPU seconds, with
those of the process that reads workbooks; of PostgreSQL only our side.
"""

import argparse
import csv
import gc
import json
import os
import random
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import phonenumbers
import sqlalchemy as sa
import xlsxwriter

from benchmarks import office
from bot.contacts import importing, numbers, sheets
from bot.contacts.models import Contact
from bot.conversations import inviting
from bot.db import Database

ENGINES = ("sqlite", "postgresql")
SENDER = "+26650000000"
REGION = "LS"
REGISTERED = 20_000  #: people who are there already
MOBILES = (("266", "5", 7), ("265", "99", 7), ("230", "57", 6), ("27", "82", 7), ("44", "7911", 6))
WRONG = ("", "n/a", "+230 251 2345", "+265 881 2345", "2.66501E+10", "50123456 / 58123456", "+266 22312345", "5012")


def write(folder: Path, count: int) -> list[str]:
    """Write the list as CSV and XLSX; return its numbers."""
    chance = random.Random(7)
    cells = [_cell(chance) for _ in range(count)]
    rows = [["Name", "City", "Phone", "Remarks"]]
    rows += [[f"Person {line}", "London", cell, "met at the high commission"] for line, cell in enumerate(cells)]
    with (folder / "list.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows(rows)
    with xlsxwriter.Workbook(folder / "list.xlsx", {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        for line, row in enumerate(rows):
            sheet.write_row(line, 0, row)
    return cells


def _cell(chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.05:
        return chance.choice(WRONG)
    if kind < 0.30:
        return f"5{chance.randrange(10**7):07d}"
    country, start, digits = chance.choice(MOBILES)
    rest = f"{chance.randrange(10**digits):0{digits}d}"
    return chance.choice(("+{}{}{}", "+{} {}{}", "+{} {} {}", "00{}{}{}")).format(country, start, rest)


def library(cells: list[str]) -> None:
    """Parse and validate every number with `phonenumbers` alone."""
    for cell in cells:
        try:
            phonenumbers.is_valid_number(phonenumbers.parse(cell, REGION))
        except phonenumbers.NumberParseException:
            continue


def look(database: Database, path: Path) -> dict[str, int]:
    """Read a list and judge every row: the dry run."""
    sheet = sheets.read(path, {})
    with database.read() as db:
        return importing.tally(importing.judge(db, sheet.rows, SENDER, REGION))


def take(database: Database, path: Path) -> int:
    """Import a list."""
    sheet = sheets.read(path, {})
    with database.begin() as db:
        verdicts = importing.judge(db, sheet.rows, SENDER, REGION)
        batch = importing.take(db, verdicts, SENDER, "bench", "0")
        return inviting.invite(db, batch) if batch else 0


def seconds(function: Callable[..., Any], *args: Any) -> float:
    """Return the CPU seconds of a call: what else the machine does must not count."""
    gc.collect()
    began = _used()
    function(*args)
    return _used() - began


def _used() -> float:
    """Return the CPU seconds of this process and those that it started and that ended."""
    return sum(os.times()[:4])


def run_engine(engine: str, folder: Path, cells: list[str], rounds: int) -> dict[str, Any]:
    """Return the figures of one engine."""
    runs: dict[str, list[float]] = {}
    with office.database(engine) as database:
        office.add_members(database, "whatsapp", SENDER, REGISTERED)
        _count_on(database)
        for _ in range(rounds):
            runs.setdefault("phonenumbers", []).append(seconds(library, cells))
            runs.setdefault("csv", []).append(seconds(look, database, folder / "list.csv"))
            quick, numbers.read = numbers.read, numbers.read_slowly
            runs.setdefault("csv_all_by_phonenumbers", []).append(seconds(look, database, folder / "list.csv"))
            numbers.read = quick
            runs.setdefault("xlsx", []).append(seconds(look, database, folder / "list.xlsx"))
        runs["imported"] = [seconds(take, database, folder / "list.csv")] * rounds
        with database.read() as db:
            people = db.scalar(sa.select(sa.func.count()).select_from(Contact)) or 0
        assert look(database, folder / "list.csv").get("new") is None, "a list that is run again adds nobody"
    return _figures(runs) | {"imported_people": people - REGISTERED}


def _count_on(database: Database) -> None:
    """Let PostgreSQL give ids after those that were written out."""
    if not database.is_sqlite:
        with database.engine.begin() as connection:
            for table in ("contact", "address"):
                connection.execute(sa.text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {REGISTERED})"))


def _figures(runs: dict[str, list[float]]) -> dict[str, Any]:
    def ratio(name: str) -> float:
        return round(statistics.median(a / b for a, b in zip(runs[name], runs["phonenumbers"], strict=True)), 2)

    return {"seconds": {name: round(statistics.median(found), 2) for name, found in runs.items()}} | {
        f"{name}_ratio_to_phonenumbers": ratio(name) for name in runs if name != "phonenumbers"
    }


def main() -> None:
    """Print the medians, then one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engine", choices=ENGINES, action="append")
    chosen = parser.parse_args()
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="outreach-bench-") as name:
        folder = Path(name)
        cells = write(folder, chosen.rows)
        quick = sum(numbers.read_quickly(cell, REGION) is not None for cell in cells) / len(cells)
        for engine in chosen.engine or ENGINES:
            figures[engine] = run_engine(engine, folder, cells, chosen.rounds)
    for engine, found in figures.items():
        for way, took in found["seconds"].items():
            print(f"{engine:11} {way:24} {took:6.2f} s")
    print(json.dumps({"bench": "import", "rows": chosen.rows, "quick_share": round(quick, 2), "engine": figures}))


if __name__ == "__main__":
    main()
