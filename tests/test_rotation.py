"""Changing the encryption key: everything is written anew, nobody is lost, and it can be broken off anywhere."""

from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from sqlalchemy import LargeBinary, Table, func, select, type_coerce
from sqlalchemy.orm import Session

from bot import clock, crypto
from bot.contacts import service
from bot.contacts.models import Contact
from bot.content import Content
from bot.conversations.router import Router
from bot.crypto import EncryptedBytes, EncryptedJSON, EncryptedText, Keyring, WrongKey
from bot.db import Base, Database
from bot.messaging import received
from bot.messaging.models import FilePiece, InboxMessage, OutboxMessage, ReceivedFile
from tests.conversations.conftest import Line

OLD, NEW = b"k" * 32, b"n" * 32
TABLES = Base.metadata.sorted_tables


def encrypted() -> list[tuple[Table, str]]:
    """Return every column that is encrypted."""
    kinds = EncryptedText | EncryptedBytes | EncryptedJSON
    return [(table, column.name) for table in TABLES for column in table.c if isinstance(column.type, kinds)]


def marks(database: Database) -> set[bytes]:
    """Return which keys the stored values were encrypted with."""
    found: set[bytes] = set()
    with database.read() as db:
        for table, name in encrypted():
            head = func.substr(type_coerce(table.c[name], LargeBinary), 1, 4, type_=LargeBinary)
            found |= {bytes(mark) for mark in db.scalars(select(head).where(table.c[name].is_not(None)))}
    return found


@pytest.fixture
def member(database: Database, messages_dir: Path) -> Line:
    """A member with a history, all of it encrypted with the old key."""
    line = Line(database, Router(Content.load(messages_dir), "@us", "example.org"), "4711")
    line.join()
    line.play("HUMAN", "Please call me")
    return line


def test_everything_is_written_anew_and_reads_the_same(database: Database, member: Line) -> None:
    texts = select(InboxMessage.text, InboxMessage.payload).order_by(InboxMessage.id)
    bodies = select(OutboxMessage.body).order_by(OutboxMessage.id)
    with database.read() as db:
        before = db.execute(texts).all(), db.scalars(bodies).all()
    assert marks(database) == {Keyring([OLD]).current}
    crypto.use(Keyring([NEW, OLD]))
    assert crypto.rotate(database.begin, TABLES) > 10
    assert marks(database) == {Keyring([NEW]).current}
    with database.read() as db:
        assert (db.execute(texts).all(), db.scalars(bodies).all()) == before
    assert crypto.rotate(database.begin, TABLES) == 0


def test_received_files_are_written_anew_some_pieces_at_a_time(database: Database, member: Line) -> None:
    number, who = crypto._FILES_BATCH + 2, member.contact().id
    with database.begin() as db:
        inbox_id = db.scalars(select(InboxMessage.id)).first()
        file = ReceivedFile(contact_id=who, inbox_id=inbox_id or 0, number=0, channel="telegram")
        file.kind, file.content_type, file.size, file.received_at = "image", "image/png", 3 * number, clock.now()
        db.add(file)
        db.flush()
        db.add_all(FilePiece(file_id=file.id, number=n, data=b"abc") for n in range(number))
    crypto.use(Keyring([NEW, OLD]))
    crypto.rotate(database.begin, TABLES)
    assert marks(database) == {Keyring([NEW]).current}
    with database.read() as db:
        assert b"".join(received.content(db, db.scalars(select(ReceivedFile)).one())) == b"abc" * number


def test_people_are_still_found_by_their_address(database: Database, member: Line) -> None:
    with database.read() as db:
        known = db.scalar(select(Contact.id))
    crypto.use(Keyring([NEW, OLD]))
    crypto.rotate(database.begin, TABLES)
    with database.begin() as db:
        contact, address = service.find_or_create(db, "telegram", "us", "4711")
        assert (contact.id, address.value) == (known, "4711")


def test_a_rotation_that_breaks_off_goes_on_where_it_was(
    database: Database, member: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crypto, "_BATCH", 3)
    crypto.use(Keyring([NEW, OLD]))

    class Killed(Exception):
        pass

    turns = iter(range(4))

    def begin() -> AbstractContextManager[Session]:
        if next(turns, None) is None:
            raise Killed
        return database.begin()

    with pytest.raises(Killed):
        crypto.rotate(begin, TABLES)
    assert len(marks(database)) == 2
    assert member.says("menu.text") in member.write("MENU")  # meanwhile the bot goes on
    assert crypto.rotate(database.begin, TABLES) > 0
    assert marks(database) == {Keyring([NEW]).current}


def test_a_key_that_is_missing_stops_the_rotation_and_changes_nothing(database: Database, member: Line) -> None:
    crypto.use(Keyring([NEW]))
    with pytest.raises(WrongKey):
        crypto.rotate(database.begin, TABLES)
    assert marks(database) == {Keyring([OLD]).current}


def test_a_new_key_goes_before_the_old_ones_and_only_its_owner_reads_the_file(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "encryption.key"
    old = crypto.load_or_create(path)
    crypto.add_key(path)
    new, kept = path.read_text().split(",")
    assert (kept, path.stat().st_mode & 0o777) == (old, 0o600)
    value = Keyring.parse(old).encrypt(b"Thabo")
    both = Keyring.parse(path.read_text())
    assert both.decrypt(value) == b"Thabo"
    assert both.index("x") == Keyring.parse(old).index("x")
    assert both.encrypt(b"").startswith(Keyring.parse(new).current)
    assert list(path.parent.iterdir()) == [path]
