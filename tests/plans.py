"""What a database would do for statements of ours: which of them read a whole table that grows."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

from bot.db import Base

#: A statement, and what it was asked with the first time.
Asked = dict[str, Any]

#: Tables of what staff make one by one, or with a row for each sender, process or language: reading all is cheap.
SMALL = frozenset(
    {
        "alarm",
        "api_token",
        "attachment",
        "broadcast",
        "contact_group",
        "content",
        "event",
        "event_material",
        "event_series",
        "export",
        "finding",
        "import_batch",
        "opportunity",
        "opportunity_handover",
        "ready_answer",
        "release",
        "report",
        "saved_export",
        "sender",
        "staff_chat",
        "staff_session",
        "staff_user",
        "survey",
        "survey_file",
        "transfer_cost",
        "webhook",
        "worker",
    }
)
#: Partial indexes of few rows, most of them of what is to be done: reading all of one is what it is for.
FEW = frozenset(
    {
        "ix_outbox_waiting",
        "ix_outbox_in_doubt",
        "ix_outbox_deadline",
        "ix_outbox_held",
        "ix_received_file_due",
        "ix_trait_new",
        "ix_likeness_undecided",
        "ix_join_link_of_staff",
        "ix_audit_entry_erasures",
    }
)
#: Indexes whose first columns half the table shares, and what must be asked for, too.
WIDE = {
    "ix_outbox_channel_external_id": "external_id",
    "uq_inbox_channel_sender_external_id": "external_id",
    "sqlite_autoindex_inbox_1": "external_id",
    "ix_inbox_handling_id": r"parked|\bid\b",
}
#: Ways in which PostgreSQL is asked to plan. Under the first, whatever can use an index does, be it by reading all of
#: it in order; under the second only a condition can lead it to rows. What fails both has no index that serves it.
_WAYS = ("enable_seqscan",), ("enable_seqscan", "enable_indexscan", "enable_indexonlyscan")


@contextmanager
def recorded(engine: Engine) -> Iterator[Asked]:
    """Collect the statements of a block."""
    asked: Asked = {}

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if re.match(r"\s*(SELECT|WITH|UPDATE|DELETE|INSERT)", statement):
            asked.setdefault(statement, parameters[0] if many else parameters)

    event.listen(engine, "before_cursor_execute", note)
    yield asked
    event.remove(engine, "before_cursor_execute", note)


def whole_reads(engine: Engine, asked: Asked) -> dict[str, set[str]]:
    """Return the growing tables that each of these statements reads from one end to the other, if any."""
    find: Callable[[Connection, str, Any], set[str]]
    find = _of_sqlite if engine.dialect.name == "sqlite" else _of_postgresql
    growing = Base.metadata.tables.keys() - SMALL
    with engine.connect() as connection:
        found = {statement: find(connection, statement, parameters) for statement, parameters in asked.items()}
    return {statement: tables & growing for statement, tables in found.items() if tables & growing}


def _of_sqlite(connection: Connection, statement: str, parameters: Any) -> set[str]:
    steps = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    is_cut = "LIMIT" in statement and not any("TEMP B-TREE FOR ORDER" in step for step in steps)
    tables = {alias: table for table, alias in re.findall(r"(?:FROM|JOIN|,) (\w+) AS (\w+)", statement)}
    found = set()
    for step in steps:
        how = re.match(r"(SCAN|SEARCH) (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", step)
        if how and _is_whole(how[1] == "SEARCH", how[3], f"{step} {parameters}") and not (is_cut and how[1] == "SCAN"):
            found.add(tables.get(how[2], how[2]))
    return found


def _of_postgresql(connection: Connection, statement: str, parameters: Any) -> set[str]:
    found = []
    for way in _WAYS:
        for setting in way:
            connection.exec_driver_sql(f"SET LOCAL {setting} = off")
        [plan] = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar_one()
        found.append(set(_wholes(plan["Plan"], "", is_cut=False)))
        connection.rollback()
    return set.intersection(*found)


def _wholes(node: dict[str, Any], table: str, *, is_cut: bool) -> Iterator[str]:
    kind, table = node["Node Type"], node.get("Relation Name", table)
    is_cut = kind == "Limit" or (is_cut and kind not in ("Sort", "Aggregate", "Hash", "Materialize"))
    if kind in ("Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Index Scan"):
        condition = node.get("Index Cond", "")
        if _is_whole(bool(condition), node.get("Index Name"), condition) and (not is_cut or "Filter" in node):
            yield table
    for child in node.get("Plans", ()):
        yield from _wholes(child, table, is_cut=is_cut)


def _is_whole(is_led: bool, index: str | None, condition: str) -> bool:
    """Tell whether a look into a table or index is one at all of its rows."""
    if index in FEW:
        return False
    return not is_led or (index in WIDE and not re.search(WIDE[index], condition))
