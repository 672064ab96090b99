"""The files of MY DATA hold every row about a person, in words and as they are, and lie ready only for a while."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import clock
from bot.contacts.models import Contact
from bot.content.languages import LANGUAGES
from bot.conversations import holdings, mydata, mydata_pages, rights
from bot.db import Base
from bot.events import certificates
from bot.messaging import made
from bot.messaging.made import Makers
from bot.surveys import service as surveys
from tests.conversations.conftest import Line
from tests.conversations.test_keywords_anywhere import FORM
from tests.events.conftest import session, wall

#: Tables in which nothing is about a member, and what they are about.
ABOUT_OTHERS = {
    "alarm": "what goes wrong",
    "api_call": "answers to programs, of a day",
    "api_token": "staff",
    "alembic_version": "the tables themselves",
    "asked_once": "keyed hashes of addresses, and nothing else",
    "attachment": "broadcasts",
    "broadcast": "broadcasts",
    "contact_group": "groups; who is in one is in another table",
    "content": "objects at a provider",
    "event": "sessions",
    "event_series": "sessions",
    "event_material": "documents of sessions",
    "export": "exports",
    "feed": "which program reads which form; whose answers it got is in another table",
    "import_batch": "lists; who came with one is in `imported`",
    "opportunity": "cards",
    "opportunity_handover": "lists that an authority got; whose lines they hold is in another table",
    "release": "figures that were published",
    "ready_answer": "texts that staff answer with",
    "provider_copy": "written when the person is erased",
    "report": "reports",
    "saved_export": "exports that are made again and again",
    "sender": "our numbers",
    "sign_in_failures": "staff",
    "staff_code": "staff",
    "staff_recovery_code": "staff",
    "staff_session": "staff",
    "staff_user": "staff",
    "survey": "forms",
    "survey_file": "files of forms",
    "transfer_cost": "prices",
    "mail": "alarms to staff",
    "finding": "troubles with providers and our address",
    "webhook": "addresses of other programs",
    "webhook_call": "what other programs are told: numbers and figures, for a month",
    "worker": "our processes",
}


@pytest.fixture
def with_file(frozen: object, member: Line, media_dir: Path) -> Line:
    member.router = replace(member.router, media_dir=media_dir)
    return member


@pytest.fixture
def makers(with_file: Line, media_dir: Path, messages_dir: Path) -> Makers:
    template = messages_dir / "mydata.typ"
    make = {mydata.KIND: lambda db, name: mydata.make(db, with_file.router.content, template, name)}
    return Makers(make, media_dir)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def references(line: Line) -> Iterator[str]:
    return (message.media.reference for message in line.answers if message.media)


def rows(line: Line, makers: Makers) -> Any:
    with line.database.begin() as db:
        return json.loads(makers.make(db, f"made/mydata/{line.contact().id}.txt") or b"null")


def test_the_files_hold_all_that_was_said_and_noted(with_file: Line, makers: Makers) -> None:
    with with_file.database.begin() as db:
        surveys.publish(db, FORM.encode(), "words.md")
    with_file.play("SURVEY", "data", "My grandmother’s story", "HUMAN", "Please call me", "MY DATA")
    sent = [(file.kind, file.content_type, file.filename) for message in with_file.answers if (file := message.media)]
    assert sent == [("document", "application/pdf", "my-data.pdf"), ("document", "text/plain", "my-data.json.txt")]
    held = rows(with_file, makers)
    assert held["contact"][0]["city"] == "Johannesburg"
    assert held["address"][0]["value"] == "4711"
    assert [row["purpose"] for row in held["consent"]] == ["news", "investment", "surveys", "sessions"]
    assert [row.get("value") or row.get("private") for row in held["answer"]] == ["data", "My grandmother’s story"]
    assert held["ticket"][0]["text"] == "Please call me"
    assert {"Please call me", "START"} & {row.get("text") for row in held["inbox"]} == {"Please call me"}
    assert "hash" not in "".join(held["address"][0])


@pytest.mark.parametrize("language", [language.name for language in LANGUAGES.values()])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_paper_tells_it_in_words_and_leaves_no_table_out(
    line: Line, frozen: object, messages_dir: Path, language: str
) -> None:
    hostile = '#panic("x") $a^2$ <b>*bold*</b> \\ "quoted" \u202e \U0001f54a \x07'
    with line.database.begin() as db:
        surveys.publish(db, FORM.encode(), "words.md")
        event = session(db, wall("2026-03-28 11:00"))
    line.join(language=language)
    line.play("SURVEY", "data", hostile, "HUMAN", hostile)
    line.press(f"rsvp:{event.id}:maybe")
    with line.database.begin() as db:
        contact, content = line.contact(), line.router.content
        paper = mydata_pages.pages(db, content, contact)
        pdf = mydata_pages.make(db, content, messages_dir / "mydata.typ", contact)
        held = holdings.collect(db, contact)
    assert pdf.startswith(b"%PDF-")
    cells = [cell for section in paper["sections"] for row in section["rows"] for cell in row]
    assert cells.count(hostile.strip()) >= 3  # as an answer, as a question to staff, as a message
    assert any("Johannesburg" in line for line in paper["facts"])
    in_words = {model.__tablename__ for model in mydata_pages.IN_WORDS}
    others = {row[0] for row in paper["sections"][-1]["rows"]}
    assert set(held) - in_words == others
    assert {"dialogue"} <= others
    headings = [section["heading"] for section in paper["sections"]]
    assert len(headings) == len(set(headings)) >= 6


def test_of_other_people_the_files_hold_nothing(with_file: Line) -> None:
    other = Line(with_file.database, with_file.router, "4712")
    other.play("START", "English", "yes", "yes", "2", "skip", "Leeds", "skip", "HUMAN", "a secret of mine")
    with with_file.database.begin() as db:
        mine, theirs = sorted(db.query(Contact).all(), key=lambda contact: contact.id)
        held = json.dumps(holdings.collect(db, mine), default=str)
        assert "a secret of mine" not in held
        assert "a secret of mine" in json.dumps(holdings.collect(db, theirs), default=str)


def test_every_table_is_about_members_or_known_not_to_be() -> None:
    tables = set(Base.metadata.tables)
    assert set(holdings.about(1)) == tables - set(ABOUT_OTHERS), "say in which of the two the new table belongs"
    assert all("contact_id" in table.c for table in Base.metadata.sorted_tables if rights.people_columns(table))


def test_files_go_after_a_while_and_at_once_with_the_person(with_file: Line, makers: Makers, media_dir: Path) -> None:
    with_file.write("MY DATA")
    sent = [*references(with_file)]
    with with_file.database.begin() as db:
        assert all(makers.lay_out(db, reference) for reference in sent)
    assert len(files(media_dir)) == 2
    clock.advance(made.LIFETIME - timedelta(minutes=1))
    assert made.clear(media_dir) == 0
    with_file.play("DELETE", "yes")
    assert files(media_dir) == []


def test_nobody_gets_a_file_of_somebody_else(with_file: Line, makers: Makers) -> None:
    with_file.write("MY DATA")
    with with_file.database.begin() as db:
        for name in ("9999.pdf", "9999.txt", f"{with_file.contact().id}-1.jpg", "x.pdf", "1-.txt"):
            assert makers.make(db, f"made/mydata/{name}") is None


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
    assert not [*references(line)]
