"""Files of members: saved by who may, for a reason, and never opened by the browser."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock, crypto
from bot.channels.base import Inbound, Media
from bot.channels.memory import MemoryChannel
from bot.contacts.models import Address, Contact
from bot.conversations.models import Ticket, TicketKind
from bot.db import Database
from bot.messaging import fetching, inbox, received
from bot.messaging.models import FilePiece, ReceivedFile
from bot.staff.models import AuditEntry, Role
from tests.web.console_browser import Browser, build
from tests.web.test_console_broadcasts import add_member

PAGE = b"\x89PNG\r\n\x1a\n<html><script>alert(1)</script>"


@pytest.fixture
def app(database: Database, messages_dir: Path, tmp_path: Path, frozen: datetime) -> FastAPI:
    return build(database, messages_dir, tmp_path)


def receive(db: Session, media: Media) -> None:
    """Let a member send a file."""
    contact = add_member(db, 1, "whatsapp")
    address = db.scalars(select(Address).where(Address.contact_id == contact.id)).one()
    address.value_hash = crypto.index(address.value)
    db.flush()
    inbound = Inbound("whatsapp", address.sender, "MM1", address.value, "media", media=(media,))
    inbox.receive(db, [inbound], lambda *_: None)


async def send(database: Database, content: bytes = PAGE) -> ReceivedFile:
    """Let a member send a file, and fetch it."""
    channel = MemoryChannel("whatsapp", "ours", has_window=True)
    with database.begin() as db:
        receive(db, Media("image", "their-id", "text/html", "<b>.html"))
    channel.files["their-id"] = content
    await fetching.run_errands(database, {("whatsapp", "ours"): channel}, lambda *_: None)
    assert channel.discarded == ["their-id"]
    with database.read() as db:
        return db.scalars(select(ReceivedFile)).one()


async def test_a_file_is_saved_for_the_reason_that_was_given_and_noted(app: FastAPI, database: Database) -> None:
    file = await send(database)
    browser = await Browser(app).sign_in(Role.PROTECTION)
    path = f"/members/{file.contact_id}"
    page = await browser.open(path)
    assert "A picture" in page.text
    assert "Save the file" not in page.text
    assert (await browser.open(f"/members/files/{file.id}")).status == 404
    page = await browser.submit(page, f"{path}/look", reason="question")
    [link] = page.tree.xpath("//a[text()='Save the file']/@href")
    answer = (await browser.open(link.removeprefix("/console"))).response
    assert answer.content == PAGE
    assert answer.headers["content-disposition"] == f'attachment; filename="image-{file.id}.png"'
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    with database.read() as db:
        entry = db.scalars(select(AuditEntry).where(AuditEntry.action == "file.downloaded")).one()
    assert (entry.subject_id, entry.detail) == (str(file.id), {"contact": file.contact_id})
    clock.advance(timedelta(minutes=16))
    assert (await browser.open(link.removeprefix("/console"))).status == 404


async def test_an_agent_saves_files_of_questions_only(app: FastAPI, database: Database) -> None:
    file = await send(database)
    browser = await Browser(app).sign_in(Role.AGENT)
    assert (await browser.open(f"/members/files/{file.id}?look=1")).status == 403
    assert (await browser.open(f"/inbox/files/{file.id}")).status == 404
    with database.begin() as db:
        ticket = Ticket(contact_id=file.contact_id, kind=TicketKind.HUMAN, text="media", inbox_id=file.inbox_id)
        ticket.opened_at = clock.now()
        db.add(ticket)
    assert "Save the file" in (await browser.open("/inbox/1")).text
    assert (await browser.open(f"/inbox/files/{file.id}")).response.content == PAGE


async def test_a_file_that_is_not_kept_cannot_be_saved_and_says_why(app: FastAPI, database: Database) -> None:
    file = await send(database, b"<html><script>alert(1)</script>")
    browser = await Browser(app).sign_in(Role.PROTECTION)
    path = f"/members/{file.contact_id}"
    page = await browser.submit(await browser.open(path), f"{path}/look", reason="question")
    assert "of a kind that we do not take" in page.text
    assert "Save the file" not in page.text
    look = str(page.response.url).rpartition("=")[2]
    assert (await browser.open(f"/members/files/{file.id}?look={look}")).status == 404


async def test_who_is_erased_while_a_file_comes_in_leaves_none_of_it(database: Database, frozen: datetime) -> None:
    channel = MemoryChannel("whatsapp", "ours", has_window=True)

    async def fetch(media: Media):  # type: ignore[no-untyped-def]
        yield PAGE + bytes(received.PIECE)
        with database.begin() as db:
            for row in db.scalars(select(ReceivedFile)):
                db.delete(row)
        yield bytes(received.PIECE)

    channel.fetch = fetch  # type: ignore[method-assign]
    with database.begin() as db:
        receive(db, Media("image", "their-id"))
    await fetching.run_errands(database, {("whatsapp", "ours"): channel}, lambda *_: None)
    with database.read() as db:
        assert db.scalars(select(FilePiece.number)).all() == []
        assert db.scalars(select(Contact.id)).one()
