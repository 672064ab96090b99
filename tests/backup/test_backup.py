"""A backup through the command line: made while all runs, unreadable to strangers, and put back without sending."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from bot.app.keys import prepare_keys
from bot.broadcasts.models import Broadcast, BroadcastStatus
from bot.contacts.models import Address, Contact, State
from bot.conversations import erasures, rights
from bot.db import Database
from bot.messaging.models import OutboxMessage, Priority, Status
from bot.settings import load
from bot.staff import audit
from bot.staff.models import StaffUser
from tests.broadcasts.conftest import add_contact
from tests.cli.conftest import Outreach
from tests.cli.test_troubles import complaint

EMAIL = "naledi@example.org"
WAITING = (Status.QUEUED, Status.HELD, Status.SENDING, Status.UNCERTAIN)
AT = datetime(2026, 3, 4, 10, tzinfo=UTC)


@pytest.fixture
def kept(outreach: Outreach, tmp_path: Path) -> Path:
    """A backup of an installation with a member, an approved broadcast, and a message in every status."""
    assert outreach("staff", "add", EMAIL, "--name", "Naledi", "--role", "administrator").code == 0
    exported = tmp_path / "var" / "exports" / "1"
    exported.mkdir(parents=True)
    (exported / "data.csv").write_text("a;b\n")
    prepare_keys(load(_env_file=None))
    database = Database(f"sqlite:///{tmp_path / 'var' / 'outreach.db'}")
    with database.begin() as db:
        contact = add_contact(db)
        author = db.scalars(select(StaffUser.id)).one()
        db.add(_approved(author))
        for status in Status:
            db.add(_message(contact.id, status))
    database.close()
    file = tmp_path / "kept.age"
    made = outreach("db", "backup", str(file))
    assert made.code == 0, made.err
    assert "backup.key" in made.out
    assert (tmp_path / "var" / "last_backup").exists(), "what tells when the latest is too old"
    return file


def _approved(author: int) -> Broadcast:
    return Broadcast(
        title="Hello", purpose="news", texts={"en": "Hello"}, buttons=[], variables={}, risks={}, attachments={},
        audience={}, status=BroadcastStatus.APPROVED, author_id=author, writers=[author], content_hash="a",
        approved_hash="a", approved_by=author, approved_at=AT, created_at=AT, edited_at=AT,
    )  # fmt: skip


def _message(contact: int, status: Status) -> OutboxMessage:
    return OutboxMessage(
        contact_id=contact, channel="telegram", priority=Priority.BROADCAST, kind="reply", body={"text": "Hello"},
        status=status, due_at=AT, claimed_at=AT, claimed_by="gone", created_at=AT, status_at=AT,
    )  # fmt: skip


@pytest.fixture
def elsewhere(target: Engine, tmp_path: Path) -> dict[str, str]:
    """Settings of another, empty machine, on each engine."""
    url = target.url.render_as_string(hide_password=False)
    return {"OUTREACH_DATA_DIR": str(tmp_path / "new"), "OUTREACH_DATABASE_URL": url}


def test_a_backup_brings_all_back_and_sends_nothing(
    outreach: Outreach, kept: Path, tmp_path: Path, elsewhere: dict[str, str]
) -> None:
    key = str(tmp_path / "var" / "keys" / "backup.key")
    assert outreach("db", "restore", str(kept), "--key", key, "--check", **elsewhere).code == 0
    done = outreach("db", "restore", str(kept), "--key", key, **elsewhere)
    assert done.code == 0, done.err
    assert "approve again" in done.out
    database = Database(elsewhere["OUTREACH_DATABASE_URL"])
    with database.read() as db:
        assert db.scalars(select(StaffUser.email)).one() == EMAIL, "the keys came along"
        assert db.scalars(select(Contact.id)).one()
        found = db.execute(select(OutboxMessage.status, OutboxMessage.reason, OutboxMessage.claimed_at)).all()
        assert sorted(row.status for row in found) == sorted(
            "uncertain" if status in WAITING else status for status in Status
        )
        in_doubt = {(row.reason, row.claimed_at) for row in found if row.status == "uncertain"}
        assert in_doubt == {("restored", None)}, "and nobody guesses at the provider's list"
        broadcast = db.scalars(select(Broadcast)).one()
        assert (broadcast.status, broadcast.approved_hash) == ("draft", None)
        assert audit.verify(db) is None
    database.close()
    assert (tmp_path / "new" / "exports" / "1" / "data.csv").read_text() == "a;b\n"
    assert (tmp_path / "new" / "keys" / "encryption.key").stat().st_mode & 0o077 == 0
    again = complaint(outreach("db", "restore", str(kept), "--key", key, **elsewhere))
    assert "is in use" in again


def test_who_was_erased_since_is_erased_again_and_nobody_else(
    outreach: Outreach, kept: Path, tmp_path: Path, elsewhere: dict[str, str]
) -> None:
    origin, file = Database(f"sqlite:///{tmp_path / 'var' / 'outreach.db'}"), tmp_path / "disk" / "erased.log"
    with origin.begin() as db:
        number = db.scalars(select(Contact.id)).one()
        rights.erase(db, db.get_one(Contact, number))
        assert erasures.note(db, file) == 1
        assert erasures.note(db, file) == 0
    origin.close()
    file.write_text(f"2026-01-01T00:00:00+00:00 {number}\n{file.read_text()}")  # somebody else had the number before
    restore = ("db", "restore", str(kept), "--key", str(tmp_path / "var" / "keys" / "backup.key"), "--erased")
    (tmp_path / "other.log").write_text("naledi\n")
    assert "line 1" in complaint(outreach(*restore, str(tmp_path / "other.log"), **elsewhere))
    done = outreach(*restore, str(file), **elsewhere)
    assert "erased again" in done.out, done.err
    database = Database(elsewhere["OUTREACH_DATABASE_URL"])
    with database.begin() as db:
        assert db.get_one(Contact, number).state == State.ERASED
        assert db.scalars(select(Address)).all() == []
        assert set(db.scalars(select(OutboxMessage.body))) == {None}
        assert erasures.note(db, file) == 0, "it is the same erasure, however often it is repeated"
        assert audit.verify(db) is None
    database.close()


def test_a_stranger_learns_nothing_from_the_file(kept: Path) -> None:
    assert kept.stat().st_mode & 0o077 == 0
    assert kept.read_bytes().startswith(b"age-encryption.org/v1\n")
    assert b"SQLite" not in kept.read_bytes()


def test_a_damaged_file_is_said_and_nothing_is_changed(outreach: Outreach, kept: Path, tmp_path: Path) -> None:
    key, whole = str(tmp_path / "var" / "keys" / "backup.key"), kept.read_bytes()
    new = {"OUTREACH_DATA_DIR": str(tmp_path / "new"), "OUTREACH_DATABASE_URL": f"sqlite:///{tmp_path}/new.db"}
    for damaged in (whole[: len(whole) // 2], whole[:-1] + bytes([whole[-1] ^ 1]), b"", b"a letter"):
        kept.write_bytes(damaged)
        assert "cannot be decrypted" in complaint(outreach("db", "restore", str(kept), "--key", key, **new))
        assert list((tmp_path / "new").iterdir()) == []
        with sqlite3.connect(tmp_path / "new.db") as file:
            assert file.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
        file.close()


def test_what_stands_in_the_way_is_said(outreach: Outreach, kept: Path, tmp_path: Path) -> None:
    key = tmp_path / "var" / "keys" / "backup.key"
    assert "exists" in complaint(outreach("db", "backup", str(kept)))
    assert "age1" in complaint(outreach("db", "backup", "other.age", "--to", "me@example.org"))
    assert "is in use" in complaint(outreach("db", "restore", str(kept)))
    new = {"OUTREACH_DATA_DIR": str(tmp_path / "new")}
    assert "No such file" in complaint(outreach("db", "restore", str(kept), **new))
    (tmp_path / "no.key").write_text("# nothing\n")
    assert "AGE-SECRET-KEY-1" in complaint(outreach("db", "restore", str(kept), "--key", "no.key", **new))
    (tmp_path / "new" / "keys" / "encryption.key").parent.mkdir(parents=True)
    (tmp_path / "new" / "keys" / "encryption.key").write_text("of other data")
    said = complaint(outreach("db", "restore", str(kept), "--key", str(key), **new))
    assert "nothing was changed" in said
    assert (tmp_path / "new" / "keys" / "encryption.key").read_text() == "of other data"


def test_an_installation_moves_to_another_database(
    outreach: Outreach, kept: Path, tmp_path: Path, postgresql_url: str
) -> None:
    moved = outreach("db", "copy", f"sqlite:///{tmp_path}/moved.db", "--json")
    assert moved.code == 0, moved.err
    assert moved.json["rows"]["contact"] == 1
    assert outreach("audit", "verify", OUTREACH_DATABASE_URL=f"sqlite:///{tmp_path}/moved.db").code == 0
    assert "is in use" in complaint(outreach("db", "copy", f"sqlite:///{tmp_path}/moved.db", OUTREACH_DATABASE_URL=""))
    assert "OUTREACH_DATABASE_URL is wrong" in complaint(outreach("db", "copy", "nonsense"))
