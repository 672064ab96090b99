"""A database in which every table has rows, with all that could read differently on the other engine."""

import random
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import JSON, Boolean, Column, Date, DateTime, Engine, Integer, LargeBinary, Numeric, String, insert
from sqlalchemy.engine import Connection

from bot.crypto import EncryptedBytes, EncryptedJSON, EncryptedText
from bot.db import Base, Database, UTCDateTime, open_engine
from tests.cli.conftest import outreach
from tests.conftest import _administer, _psycopg

__all__ = ["outreach"]

ROWS = 3
WORDS = ["é", "Z", "a", "Ŵ", "b", "ñ", "Ω", "ab", "😀"]


def fill(database: Database) -> dict[str, int]:
    """Put rows into every table; return how many each has."""
    chance = random.Random(4)
    with database.engine.begin() as db:
        for table in Base.metadata.sorted_tables:
            for number in range(1, ROWS + 1):
                row = {column.name: _value(column, number, chance) for column in table.c}
                _insert(db, table, row)
        numbered = [table for table in Base.metadata.sorted_tables if table.autoincrement_column is not None]
        _count_on(db, database, numbered)
    return {table.name: ROWS for table in Base.metadata.sorted_tables}


def _insert(db: Connection, table: Any, row: dict[str, Any]) -> None:
    if table.name == "event":  # each requires the next: what it names comes later
        row["requires_id"] = None
    db.execute(insert(table), row)
    if table.name == "event" and row["id"] == ROWS:
        db.execute(table.update().where(table.c.id < ROWS).values(requires_id=table.c.id + 1))


def _count_on(db: Connection, database: Database, tables: list[Any]) -> None:
    if database.is_sqlite:
        return
    for table in tables:
        name = table.autoincrement_column.name
        db.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('{table.name}', '{name}'), {ROWS})")


def _value(column: Column[Any], number: int, chance: random.Random) -> Any:
    if column.foreign_keys:
        (key,) = column.foreign_keys
        return _value(key.column, number, random.Random(0)) if key.column.table is not column.table else None
    if column.nullable and chance.random() < 0.3:
        return None
    return _of_kind(column, number, chance)


def _of_kind(column: Column[Any], number: int, chance: random.Random) -> Any:
    at = datetime(2026, 3, 29, 0, 30, 1, 234567 + number, tzinfo=UTC)
    word = WORDS[(number + len(column.name)) % len(WORDS)]
    kinds: list[tuple[type, Any]] = [
        (EncryptedText, f"Thérèse {word}"),
        (EncryptedBytes, bytes(range(256))),
        (EncryptedJSON, {"text": word, "none": None}),
        (UTCDateTime, at + timedelta(days=number)),
        (JSON, [{"é": [1, 2.5, None, word]}]),
        (Boolean, bool(number % 2)),
        (LargeBinary, bytes([0, 255, number])),
        (Numeric, Decimal("1234.50") + number),
        (Date, date(2026, 2, 28 if number > 1 else 1)),
        (DateTime, at.replace(tzinfo=None)),
        (Integer, number),
        (String, f"{word}{number}"[-(column.type.length or 10) :] if isinstance(column.type, String) else None),
    ]
    return next(value for kind, value in kinds if isinstance(column.type, kind))


@pytest.fixture
def filled(database: Database) -> Database:
    """On each engine, a database with rows in every table."""
    fill(database)
    return database


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path: Path, postgresql_url: str) -> Iterator[Engine]:
    """On each engine, a database without a table."""
    name = f"outreach_target_{uuid.uuid4().hex[:8]}"
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / name}.db"
    else:
        _administer(postgresql_url, f'CREATE DATABASE "{name}"')
        url = _psycopg(postgresql_url, name)
    engine = open_engine(url)
    yield engine
    engine.dispose()
    if request.param == "postgresql":
        _administer(postgresql_url, f'DROP DATABASE "{name}" WITH (FORCE)')
