from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import make_url, select
from sqlalchemy.exc import StatementError

from bot import clock, jobs
from bot.contacts import service
from bot.contacts.models import Address, Contact, State
from bot.db import Base, Database, DatabaseUnusable
from bot.jobs import Job


def test_a_person_is_found_again_by_address_though_the_database_holds_it_encrypted(database: Database) -> None:
    with database.begin() as db:
        contact, address = service.find_or_create(db, "whatsapp", "+26650000000", "whatsapp:+26658123456")
        first = contact.id
    with database.begin() as db:
        contact, address = service.find_or_create(db, "whatsapp", "+26650000000", "whatsapp:+26658123456")
        assert (contact.id, contact.state, address.value) == (first, State.NEW, "whatsapp:+26658123456")
        raw = db.connection().exec_driver_sql("SELECT value FROM address").scalar_one()
        assert b"58123456" not in bytes(raw)


def test_times_come_back_aware_and_naive_ones_are_refused(database: Database) -> None:
    with database.begin() as db:
        service.find_or_create(db, "telegram", "1", "2")
    with database.read() as db:
        created = db.scalars(select(Contact)).one().created_at
        assert created.tzinfo is not None
        assert abs((clock.now() - created).total_seconds()) < 60
    with pytest.raises(StatementError, match=r"clock\.now"), database.begin() as db:
        db.scalars(select(Contact)).one().created_at = datetime(2026, 1, 1)  # noqa: DTZ001


def test_an_address_belongs_to_its_channel_and_sender(database: Database) -> None:
    with database.begin() as db:
        for channel, sender in [("telegram", "1"), ("telegram", "2"), ("whatsapp", "1")]:
            service.find_or_create(db, channel, sender, "77")
        assert len(db.scalars(select(Address)).all()) == 3


@pytest.mark.parametrize(
    ("url", "cure"),
    [
        ("nonsense", "postgresql://user:password@host/name"),
        ("postgresql+psycopg://nobody:secret@127.0.0.1:1/none", "check that it runs"),
    ],
)
def test_a_wrong_database_url_is_told_with_the_cure_and_without_the_password(url: str, cure: str) -> None:
    with pytest.raises(DatabaseUnusable, match=cure) as told:
        Database(url)
    assert "secret" not in str(told.value)


def test_a_corrupt_database_file_is_told_with_the_cure(tmp_path) -> None:
    path = tmp_path / "broken.db"
    path.write_bytes(b"this is not a database" * 100)
    with pytest.raises(DatabaseUnusable, match="restore it from a backup"):
        Database(f"sqlite:///{path}")


async def test_a_job_that_works_in_parts_goes_on_while_there_is_more(database: Database) -> None:
    parts = [3, 2, 0, 9]
    assert await jobs.run(database, Job("archive", 3600, lambda _db: parts.pop(0), again=True)) == 5
    assert parts == [9]


async def test_a_log_that_a_reader_kept_from_being_emptied_is_emptied_at_the_next_turn(tmp_path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'outreach.db'}")
    Base.metadata.create_all(database.engine)
    log = tmp_path / "outreach.db-wal"
    job = Job("erasures", 20, lambda _db: 0, erases=True)
    await jobs.run(database, job)
    assert (database.owes_scrub, log.stat().st_size) == (False, 0)
    with database.read() as reader:
        reader.scalars(select(Contact)).all()
        with database.begin() as db:
            service.find_or_create(db, "telegram", "1", "2")
        await jobs.run(database, replace(job, work=lambda _db: 1))
        assert database.owes_scrub
    await jobs.run(database, job)  # nobody else was erased since
    assert (database.owes_scrub, log.stat().st_size) == (False, 0)
    database.close()


def test_a_database_that_may_not_be_opened_is_not_called_broken(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(DatabaseUnusable, match="give it and its folder to the user"):  # a folder is no file to open
        Database(f"sqlite:///{tmp_path / 'folder'}")
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseUnusable, match="give it and its folder to the user"):
        Database(f"sqlite:///{tmp_path / 'file' / 'outreach.db'}")


def test_a_database_server_that_refuses_us_is_not_called_away(postgresql_url: str) -> None:
    url = make_url(postgresql_url).set(drivername="postgresql+psycopg", database="nobody_made_it")
    with pytest.raises(DatabaseUnusable, match="refuses us"):
        Database(url.render_as_string(hide_password=False))
