"""A database copied row by row into an empty one of either engine, and compared."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import zip_longest
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Engine,
    LargeBinary,
    MetaData,
    String,
    Table,
    func,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DataError
from sqlalchemy.types import TypeEngine

from bot import migrations
from bot.backup import CopyError
from bot.crypto import EncryptedBytes, EncryptedJSON, EncryptedText
from bot.db import Base, import_models

_BATCH = 1000  #: rows in memory at a time
_FILES_BATCH = 16
#: Hears the name of each table and how many rows of it are copied.
Told = Callable[[str, int], None]


def copy(source: Engine, target: Engine, told: Told = lambda *_: None) -> dict[str, int]:
    """Copy every row of `source`, as it stands at this moment, into the empty `target`; return rows per table.

    Encrypted values are copied as they are, so the same key reads them. Every row is read back and compared before
    the one commit: what is interrupted or differs leaves an empty target.
    """
    import_models()
    migrations.require_whole(source)
    require_empty(target)
    migrations.upgrade(target)
    rows: dict[str, int] = {}
    with snapshot(source) as reading, target.begin() as writing:
        for model in Base.metadata.sorted_tables:
            table = _stored(model)
            rows[model.name] = _copy_table(reading, writing, table, _own_links(model))
            _compare(reading, writing, table)
            told(model.name, rows[model.name])
        if target.dialect.name == "postgresql":
            _renumber(writing)
    return rows


def require_empty(target: Engine) -> None:
    """Raise CopyError if a table of ours has a row."""
    import_models()
    present = set(inspect(target).get_table_names())
    with target.connect() as connection:
        for table in Base.metadata.sorted_tables:
            if table.name in present and connection.execute(select(text("1")).select_from(table).limit(1)).first():
                raise CopyError(
                    f"The database to copy into is in use ({table.name} has rows), and nothing was changed: name an "
                    "empty one, such as one that CREATE DATABASE has just made"
                )


@contextmanager
def snapshot(source: Engine) -> Iterator[Connection]:
    """Read the database as it stands now, while others go on writing."""
    is_sqlite = source.dialect.name == "sqlite"
    options = {"read_only": True} if is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with source.connect().execution_options(**options) as connection:
        yield connection


def _stored(model: Table) -> Table:
    """Return the table with what it stores, not what it means: encrypted values stay as they are."""
    columns = [Column(c.name, _raw(c), primary_key=c.primary_key, nullable=c.nullable) for c in model.columns]
    return Table(model.name, MetaData(), *columns)


def _raw(column: Column[Any]) -> TypeEngine[Any]:
    if isinstance(column.type, EncryptedText | EncryptedBytes | EncryptedJSON):
        return LargeBinary()
    if isinstance(column.type, JSON):
        return JSON(none_as_null=bool(column.nullable))
    return column.type


def _own_links(model: Table) -> list[str]:
    """Return the columns that name other rows of the same table, which may come later."""
    return [key.parent.name for key in model.foreign_keys if key.column.table is model]


def _copy_table(reading: Connection, writing: Connection, table: Table, links: list[str]) -> int:
    copied, linked = 0, []
    for part in _read(reading, table).partitions():
        rows = [dict(row) for row in (found._mapping for found in part)]
        linked += [dict(row) for row in rows if any(row[name] is not None for name in links)]
        unlinked = [{**row, **dict.fromkeys(links)} for row in rows]
        try:
            writing.execute(insert(table), unlinked)
        except DataError as error:
            raise CopyError(
                f"A row of {table.name} does not fit into the new database ({type(error.orig).__name__}), and nothing "
                "was copied: report it, naming the table"
            ) from None
        copied += len(rows)
    for row in linked:
        this = [column == row[column.name] for column in table.primary_key]
        writing.execute(table.update().where(*this).values({name: row[name] for name in links}))
    return copied


def _compare(reading: Connection, writing: Connection, table: Table) -> None:
    pairs = zip_longest(_read(reading, table), _read(writing, table))
    for before, after in pairs:
        if before is None or after is None or tuple(before) != tuple(after):
            raise CopyError(f"What was written into {table.name} reads differently, and nothing was kept: report it")


def _read(connection: Connection, table: Table) -> Any:
    """Read the rows in one order on both engines, few at a time."""
    order = [
        column.collate("C") if isinstance(column.type, String) and connection.dialect.name == "postgresql" else column
        for column in table.primary_key
    ]
    size = _FILES_BATCH if any(isinstance(column.type, LargeBinary) for column in table.c) else _BATCH
    return connection.execute(select(table).order_by(*order), execution_options={"yield_per": size})


def _renumber(writing: Connection) -> None:
    """Let PostgreSQL count on from the highest number that was copied."""
    for table in Base.metadata.sorted_tables:
        column = table.autoincrement_column
        if column is None:
            continue
        sequence = func.pg_get_serial_sequence(table.name, column.name)
        highest = select(func.coalesce(func.max(column), 0) + 1).scalar_subquery()
        writing.execute(select(func.setval(sequence, highest, False)).where(sequence.is_not(None)))
