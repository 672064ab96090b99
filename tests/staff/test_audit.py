"""The audit trail."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from bot.db import Database
from bot.staff import audit
from bot.staff.models import AuditEntry
from tests.staff.conftest import AddUser


def write(database: Database, number: int) -> None:
    with database.begin() as db:
        audit.record(db, None, "test.done", "thing", number, {"number": number, "nested": {"b": 1, "a": ["é", None]}})


@pytest.fixture
def chain(database: Database) -> Database:
    for number in range(5):
        write(database, number)
    return database


def test_an_untouched_trail_verifies(chain: Database) -> None:
    with chain.read() as db:
        assert audit.verify(db) is None


def test_an_empty_trail_verifies(database: Database) -> None:
    with database.read() as db:
        assert audit.verify(db) is None
        assert audit.head(db) == audit.GENESIS


@pytest.mark.parametrize(
    "change",
    [
        {"actor": "7"},
        {"action": "test.undone"},
        {"subject_id": "99"},
        {"detail": {"number": 3}},
        {"hash": "f" * 64},
        {"previous_hash": "f" * 64},
    ],
)
def test_a_changed_entry_is_the_first_broken_one(chain: Database, change: dict[str, Any]) -> None:
    with chain.begin() as db:
        third = db.scalars(select(AuditEntry.id).order_by(AuditEntry.id).offset(2).limit(1)).one()
        db.execute(update(AuditEntry).where(AuditEntry.id == third).values(**change))
    with chain.read() as db:
        broken = audit.verify(db)
        assert broken is not None
        assert broken.id == third


def test_an_entry_taken_out_breaks_the_next(chain: Database) -> None:
    with chain.begin() as db:
        ids = list(db.scalars(select(AuditEntry.id).order_by(AuditEntry.id)))
        db.execute(delete(AuditEntry).where(AuditEntry.id == ids[1]))
    with chain.read() as db:
        broken = audit.verify(db)
        assert broken is not None
        assert broken.id == ids[2]


def test_what_is_cut_off_at_the_end_changes_the_head(chain: Database) -> None:
    with chain.begin() as db:
        noted = audit.head(db)
        last = db.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
        db.delete(last)
        db.flush()
        assert audit.verify(db) is None
        assert audit.head(db) != noted


def test_entries_written_at_the_same_time_form_one_chain(database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: write(database, number), range(40)))
    with database.read() as db:
        assert audit.verify(db) is None
        assert db.query(AuditEntry).count() == 40


def test_an_entry_says_who_did_it(database: Database, add_user: AddUser) -> None:
    with database.begin() as db:
        user = add_user(db)
        assert audit.record(db, user, "test.done", "thing", 1).actor == str(user.id)
        assert audit.record(db, None, "test.done", "thing", 1).actor == "system"
        assert audit.verify(db) is None
