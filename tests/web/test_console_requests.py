"""What people ask for outside the chat: found by number, given their data, erased; by the focal point, and noted."""

import io
import json
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from bot import clock
from bot.contacts import service as contacts
from bot.contacts.models import Address, Contact, State, Trait, TraitKind
from bot.content import Content
from bot.conversations import alike, requests, rights
from bot.db import Database
from bot.messaging import outbox
from bot.messaging.models import OutboxMessage, Status
from bot.messaging.outbox import Message
from bot.staff.models import AuditEntry, Role
from tests.web.console_browser import Browser, build

PHONE = "+26658123401"


@pytest.fixture
def app(database: Database, messages_dir: Path, tmp_path: Path, frozen: datetime) -> FastAPI:
    return build(database, messages_dir, tmp_path, telegram_token="", whatsapp_messaging_service_sid="MG1")


@pytest.fixture
def member(database: Database) -> int:
    """Somebody on WhatsApp who wrote a moment ago, and waits for an answer."""
    with database.begin() as db:
        contact, address = contacts.find_or_create(db, "whatsapp", "MG1", f"whatsapp:{PHONE}")
        contact.state, contact.language, address.last_inbound_at = State.MEMBER, "fr", clock.now()
        outbox.reply(db, contact, address, Message("An answer that waits"))
        return contact.id


def trail(database: Database, *actions: str) -> list[tuple[str, str, object]]:
    with database.read() as db:
        rows = db.scalars(select(AuditEntry).where(AuditEntry.action.in_(actions)).order_by(AuditEntry.id)).all()
        return [(row.action, row.subject_id, row.detail.get("reason") or row.detail.get("way")) for row in rows]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_somebody_is_found_by_number_for_a_reason(app: FastAPI, database: Database, member: int) -> None:
    officer = await Browser(app).sign_in(Role.PROTECTION)
    page = await officer.open("/members")
    found = await officer.submit(page, "/find", phone="00266 5812-3401", reason="data_request")
    assert f"Member {member}" in found.text
    assert PHONE not in str(found.response.url)
    nobody = await officer.submit(page, "/find", phone="+26658123499", reason="fraud")
    assert "Nobody has this number" in nobody.text
    assert "Write a whole phone number" in (await officer.submit(page, "/find", phone="5812", reason="fraud")).text
    assert "Choose why" in (await officer.submit(page, "/find", phone=PHONE)).text
    assert trail(database, requests.FOUND) == [
        (requests.FOUND, str(member), "data_request"),
        (requests.FOUND, "nobody", "fraud"),
    ]
    page = await officer.open(f"/members/{member}")
    [trail_of] = page.tree.xpath("//a[contains(@href, '/audit?member=')]/@href")
    assert "Protection Person member.found_by_number" in (await officer.open(trail_of.removeprefix("/console"))).text
    assert "Nothing was done with this member" in (await officer.open("/audit?member=999")).text
    agent = await Browser(app).sign_in(Role.AGENT)
    assert "by phone number" not in (await agent.open("/members")).text


async def test_a_number_given_in_a_telegram_chat_finds_its_member(database: Database, frozen: datetime) -> None:
    with database.begin() as db:
        contact, _ = contacts.find_or_create(db, "telegram", "700", "4711")
        db.add(Trait(contact_id=contact.id, kind=TraitKind.NUMBER, value_hash=alike.hash_of_number(PHONE)))
        db.flush()
        assert list(alike.with_number(db, PHONE)) == [contact.id]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_data_of_one_member_is_a_file_to_hand_over(app: FastAPI, database: Database, member: int) -> None:
    officer = await Browser(app).sign_in(Role.PROTECTION)
    page = await officer.open(f"/members/{member}")
    assert "Choose why" in (await officer.submit(page, "/data")).text
    answer = (await officer.submit(page, "/data", reason="data_request")).response
    assert "attachment" in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.read("my-data.pdf").startswith(b"%PDF-")
        assert json.loads(archive.read("my-data.json"))["address"][0]["value"] == f"whatsapp:{PHONE}"
    assert trail(database, requests.GIVEN) == [(requests.GIVEN, str(member), "data_request")]


async def test_who_asks_by_letter_is_erased_and_told(
    app: FastAPI, database: Database, messages_dir: Path, member: int
) -> None:
    officer = await Browser(app).sign_in(Role.PROTECTION)
    page = await officer.open(f"/members/{member}")
    assert "Choose how" in (await officer.submit(page, "/erase", sure="yes")).text
    assert "cannot be brought back" in (await officer.submit(page, "/erase", way="letter")).text
    page = await officer.submit(page, "/erase", way="letter", sure="yes")
    assert "It is being erased" in page.text
    assert "/erase" not in page.response.text
    with database.begin() as db:
        waits, goodbye = db.scalars(select(OutboxMessage).order_by(OutboxMessage.id))
        assert (waits.status, waits.reason) == (Status.CANCELLED, "erased")
        assert (goodbye.body or {})["text"] == Content.load(messages_dir).catalogue.text("delete.done", "fr")
        goodbye.status = Status.SENT
        assert rights.erase_leaving(db) == 1
    with database.read() as db:
        assert db.get_one(Contact, member).state == State.ERASED
        assert db.scalars(select(Address)).all() == []
    assert trail(database, requests.ASKED, "contact.erased") == [
        (requests.ASKED, str(member), "letter"),
        ("contact.erased", str(member), None),
    ]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("state", [State.STOPPED, State.ERASED])
async def test_who_said_stop_is_erased_without_a_word_and_nobody_twice(
    app: FastAPI, database: Database, member: int, state: State
) -> None:
    officer = await Browser(app).sign_in(Role.PROTECTION)
    page = await officer.open(f"/members/{member}")
    with database.begin() as db:
        db.get_one(Contact, member).state = state
    answer = await officer.submit(page, "/erase", way="phone", sure="yes")
    with database.read() as db:
        [only] = db.scalars(select(OutboxMessage.status))
    if state == State.ERASED:
        assert "erased already" in answer.text
        assert only == Status.QUEUED
    else:
        assert only == Status.CANCELLED
        assert "It is being erased" in answer.text
