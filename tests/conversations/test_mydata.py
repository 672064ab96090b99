"""The file of MY DATA holds every row about a person, and lies ready only for a while."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot import clock
from bot.contacts.models import Contact
from bot.conversations import mydata, rights
from bot.db import Base
from bot.events import certificates
from bot.surveys import service as surveys
from tests.conversations.conftest import Line
from tests.conversations.test_keywords_anywhere import FORM
from tests.events.conftest import session, wall


@pytest.fixture
def with_file(frozen: object, member: Line, media_dir: Path) -> Line:
    member.router = replace(member.router, media_dir=media_dir)
    return member


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_the_file_holds_all_that_was_said_and_noted(with_file: Line, media_dir: Path) -> None:
    with with_file.database.begin() as db:
        surveys.publish(db, FORM.encode(), "words.md")
    with_file.play("SURVEY", "data", "My grandmother’s story", "HUMAN", "Please call me", "MY DATA")
    file = with_file.answers[-1].media
    assert file
    assert (file.kind, file.content_type, file.filename) == ("document", "text/plain", "my-data.txt")
    held = json.loads((media_dir / file.reference).read_text("utf-8"))
    assert held["contact"][0]["city"] == "Johannesburg"
    assert held["address"][0]["value"] == "4711"
    assert [row["purpose"] for row in held["consent"]] == ["news", "investment", "surveys", "sessions"]
    assert [row.get("value") or row.get("private") for row in held["answer"]] == ["data", "My grandmother’s story"]
    assert held["ticket"][0]["text"] == "Please call me"
    assert {"Please call me", "START"} & {row.get("text") for row in held["inbox"]} == {"Please call me"}
    assert "hash" not in "".join(held["address"][0])


def test_of_other_people_the_file_holds_nothing(with_file: Line) -> None:
    other = Line(with_file.database, with_file.router, "4712")
    other.play("START", "English", "yes", "yes", "2", "skip", "Leeds", "skip", "HUMAN", "a secret of mine")
    with with_file.database.begin() as db:
        mine, theirs = sorted(db.query(Contact).all(), key=lambda contact: contact.id)
        held = json.dumps(mydata.collect(db, mine), default=str)
        assert "a secret of mine" not in held
        assert "a secret of mine" in json.dumps(mydata.collect(db, theirs), default=str)


def test_every_table_about_people_is_looked_through() -> None:
    about = {table.name for table in Base.metadata.sorted_tables if rights.people_columns(table)}
    assert about >= {"address", "consent", "interest", "inbox", "outbox", "ticket", "dialogue", "run", "rsvp"}
    assert about >= {"likeness", "trait"}
    assert all("contact_id" in Base.metadata.tables[name].c for name in about)


def test_files_go_after_a_while(with_file: Line, media_dir: Path) -> None:
    with_file.write("MY DATA")
    assert mydata.clear(media_dir) == 0
    clock.advance(mydata.LIFETIME + timedelta(seconds=1))
    assert mydata.clear(media_dir) == 1
    assert files(media_dir) == []


def test_files_go_at_once_with_the_person(with_file: Line, media_dir: Path) -> None:
    with_file.write("MY DATA")
    assert len(files(media_dir)) == 1
    with_file.play("DELETE", "yes")
    assert files(media_dir) == []


def test_a_certificate_that_lies_ready_goes_with_the_person_it_names(with_file: Line, media_dir: Path) -> None:
    me = with_file.contact().id
    with with_file.database.begin() as db:
        event = session(db, wall("2026-03-28 11:00"), certificate=True)
        row = certificates.issue(db, event, db.get_one(Contact, me), "Palesa M.")
        path = media_dir / certificates.file(row).reference
    path.parent.mkdir(parents=True)
    path.write_bytes(b"%PDF-")
    with_file.play("DELETE", "yes")
    assert files(media_dir) == []


def test_who_is_no_member_gets_no_file(line: Line, media_dir: Path) -> None:
    line.router = replace(line.router, media_dir=media_dir)
    line.write("START")
    assert line.write("MY DATA") == line.says("mydata.nothing")
    assert files(media_dir) == []
