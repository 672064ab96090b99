"""Every row that we hold about a person, from whatever room."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, String, Table, cast, or_, select
from sqlalchemy.orm import Session

from bot.contacts.models import Contact
from bot.conversations import rights
from bot.db import Base
from bot.opportunities.models import HandedOver, Lead
from bot.staff.models import AuditEntry

Rows = dict[str, list[dict[str, Any]]]

#: Of no meaning to anybody: they only help us find rows again.
_HASHES = ("value_hash", "last_said", "token_hash", "hash", "previous_hash")


def collect(db: Session, contact: Contact) -> Rows:
    """Return the rows about a person by table; files that they sent come as files."""
    db.flush()
    found = {name: list(_rows(db, Base.metadata.tables[name], where)) for name, where in about(contact.id).items()}
    return {name: rows for name, rows in found.items() if rows}


def about(contact_id: int) -> dict[str, ColumnElement[bool]]:
    """Return by table which rows are about a person: those that name the person, and those that hang on these."""
    mine: dict[str, ColumnElement[bool]] = {Contact.__tablename__: Contact.__table__.c.id == contact_id}
    for table in Base.metadata.sorted_tables:
        columns = rights.people_columns(table) or [column for column in table.c if column.name == "contact_id"]
        if columns:
            mine[table.name] = or_(*(column == contact_id for column in columns))
        elif table.name not in mine and (hanging := _hanging(table, mine)) is not None:
            mine[table.name] = hanging
    return mine | _named_otherwise(contact_id)


def _named_otherwise(contact_id: int) -> dict[str, ColumnElement[bool]]:
    """Return which rows name a person by something else than a key: what staff did with them, who got their details."""
    references = select(Lead.reference).where(Lead.contact_id == contact_id)
    return {
        AuditEntry.__tablename__: (AuditEntry.subject_kind == "contact")
        & (AuditEntry.subject_id == cast(contact_id, String)),
        HandedOver.__tablename__: HandedOver.reference.in_(references),
    }


def _hanging(table: Table, mine: dict[str, ColumnElement[bool]]) -> ColumnElement[bool] | None:
    """Return which rows go with rows about the person, where deleting those would delete them too."""
    for column in table.c:
        for key in column.foreign_keys:
            parent = key.column.table.name
            if key.ondelete == "CASCADE" and parent in mine:
                return column.in_(select(key.column).where(mine[parent]))
    return None


def _rows(db: Session, table: Table, where: ColumnElement[bool]) -> Iterator[dict[str, Any]]:
    for row in db.execute(select(table).where(where).order_by(*table.primary_key)).mappings():
        yield {
            name: value
            for name, value in row.items()
            if value is not None and name not in _HASHES and not isinstance(value, bytes)
        }
