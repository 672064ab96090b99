"""A whole database in another one: every row as it was, or nothing at all."""

from typing import Any

import pytest
from sqlalchemy import Engine, select, text

from bot.backup import CopyError
from bot.backup.copying import copy
from bot.db import Base, Database, import_models
from tests.backup.conftest import ROWS


class Interrupted(Exception):
    """Whatever may happen in the middle."""


import_models()
TABLES = Base.metadata.sorted_tables


def contents(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row as the program reads it, decrypted."""
    with engine.connect() as db:
        return {table.name: sorted((tuple(row) for row in db.execute(select(table))), key=repr) for table in TABLES}


def test_every_row_of_every_table_reads_the_same_in_the_other_database(filled: Database, target: Engine) -> None:
    before = contents(filled.engine)
    rows = copy(filled.engine, target)
    assert rows == {table.name: ROWS for table in TABLES}
    assert contents(target) == before
    if target.dialect.name == "postgresql":  # and it counts on from there
        with target.begin() as db:
            for table in TABLES:
                if table.autoincrement_column is not None:
                    number = text("SELECT nextval(pg_get_serial_sequence(:table, :column))")
                    names = {"table": table.name, "column": table.autoincrement_column.name}
                    assert db.scalar(number, names) == ROWS + 1, table.name


def test_a_copy_that_breaks_off_leaves_nothing_and_can_be_made_again(filled: Database, target: Engine) -> None:
    def break_off(table: str, _: int) -> None:
        if table == "answer":
            raise Interrupted

    with pytest.raises(Interrupted):
        copy(filled.engine, target, break_off)
    assert not any(contents(target).values())
    copy(filled.engine, target)
    assert contents(target) == contents(filled.engine)


def test_what_others_write_meanwhile_is_not_in_the_copy(filled: Database, target: Engine) -> None:
    before = contents(filled.engine)

    def write(table: str, _: int) -> None:
        if table == "contact":
            with filled.begin() as db:
                db.execute(text("DELETE FROM outbox"))

    copy(filled.engine, target, write)
    assert contents(target) == before
    assert not contents(filled.engine)["outbox"]


def test_a_database_in_use_is_not_copied_into(filled: Database, target: Engine) -> None:
    copy(filled.engine, target)
    before = contents(target)
    with pytest.raises(CopyError, match="is in use"):
        copy(filled.engine, target)
    assert contents(target) == before
