"""A picture or PDF on the compose page: checked by content, kept through an error, shown to who approves."""

import struct
import zlib
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import select, update

from bot import clock
from bot.broadcasts import attachments
from bot.broadcasts.models import Attachment, Broadcast
from bot.contacts.models import Address
from bot.content import Content
from bot.db import Database
from bot.messaging import templates
from bot.messaging.models import Content as ContentRow
from bot.messaging.models import OutboxMessage
from bot.staff.models import Role
from tests.web.console_browser import Browser, Seen, build
from tests.web.test_console_broadcasts import add_member, approve

PDF = b"%PDF-1.7\nplan"


def png(width: int = 40, height: int = 30, extra: bytes = b"") -> bytes:
    """Return a picture of this size."""
    rows = zlib.compress(b"".join(b"\x00" + b"\x40\x90\xc0" * width for _ in range(height)))
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", rows), (b"IEND", b""))
    parts = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + extra


@pytest.fixture
def app(database: Database, messages_dir: Path, tmp_path: Path, frozen: datetime) -> FastAPI:
    with database.begin() as db:
        for number in range(3):
            add_member(db, number, "whatsapp" if number else "telegram")
    return build(database, messages_dir, tmp_path)


async def compose(browser: Browser, content: bytes, filename: str, **fields: str) -> Seen:
    page = await browser.open("/broadcasts/new")
    given = {"title": "Bond", "purpose": "news", "text_en": "A new bond.", **fields}
    return await browser.upload(page, "/broadcasts/new", "file_en", filename, content, **given)


def stored(database: Database) -> tuple[dict, int]:
    with database.read() as db:
        broadcast = db.scalars(select(Broadcast)).one_or_none()
        return (broadcast.attachments if broadcast else {}), len(db.scalars(select(Attachment.sha256)).all())


async def test_a_picture_is_written_shown_approved_and_part_of_the_approval(app: FastAPI, database: Database) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    page = await compose(editor, png(), "Poster: été <b>.PNG")
    noted, count = stored(database)
    assert (noted["en"]["name"], noted["en"]["content_type"], count) == ("Poster-t-b.png", "image/png", 1)
    assert "3 get it with the text" in page.text
    assert len(page.tree.xpath("//figure//img")) == 2  # on both channels
    picture = (await editor.open(page.tree.xpath("//figure//img/@src")[0].removeprefix("/console"))).response
    assert (picture.content, picture.headers["content-type"]) == (png(), "image/png")
    assert picture.headers["x-content-type-options"] == "nosniff"
    path = page.path.removeprefix("/console")
    page = await approve(app, page)
    with database.begin() as db:
        broadcast = db.scalars(select(Broadcast)).one()
        broadcast.attachments = {"en": attachments.store(db, PDF, "plan.pdf")}
    assert "The content changed after the approval" in (await editor.open(path)).text


async def test_who_gets_a_template_is_told_apart_by_person_and_in_sum(
    app: FastAPI, database: Database, messages_dir: Path
) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    with database.begin() as db:
        definition = templates.definition(Content.load(messages_dir).templates["announcement"], "en")
        row = ContentRow(definition=definition, content_id="HX1", name="announcement", language="en")
        row.approval, row.created_at = "approved", clock.now()
        db.add(row)
        shut = update(Address).where(Address.channel == "whatsapp")
        db.execute(shut.values(last_inbound_at=clock.now() - timedelta(hours=30)))
    page = await compose(editor, PDF, "plan.pdf", template="announcement")
    assert "1 get it with the text; 2 get a WhatsApp template, and the file with the whole text" in page.text
    people = (await editor.open(f"{page.path.removeprefix('/console')}/people")).text
    assert (people.count("with the file"), people.count("the file when they answer")) == (1, 2)


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (b"MZ\x90\x00program", "poster.png", "no JPEG or PNG picture and no PDF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "poster.svg", "no JPEG or PNG picture and no PDF"),
        (b"", "poster.png", "no JPEG or PNG picture and no PDF"),
        (png(extra=bytes(5 * 1024**2)), "poster.png", "too large for WhatsApp"),
        (png(9990, 1), "poster.png", "too large or too long for Telegram"),
        (png()[:12], "poster.png", "cannot be read"),
    ],
)
async def test_a_file_that_cannot_go_out_is_refused_with_the_cure(
    app: FastAPI, database: Database, content: bytes, name: str, says: str
) -> None:
    page = await compose(await Browser(app).sign_in(Role.EDITOR), content, name)
    assert page.status == 422
    assert says in page.text
    assert stored(database) == ({}, 0)


async def test_a_file_stays_through_an_error_and_an_edit_until_it_is_taken_away(
    app: FastAPI, database: Database
) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    page = await compose(editor, PDF, "plan.pdf", title="")
    assert page.status == 422
    page = await editor.submit(page, "/broadcasts/new", title="Bond")
    assert stored(database)[0]["en"]["name"] == "plan.pdf"
    path = page.path.removeprefix("/console")
    page = await editor.submit(await editor.open(f"{path}/edit"), f"{path}/edit", text_en="Another text.")
    assert stored(database)[0]["en"]["name"] == "plan.pdf"
    await editor.submit(await editor.open(f"{path}/edit"), f"{path}/edit", drop_en="1")
    assert stored(database) == ({}, 1)
    with database.begin() as db:
        assert attachments.clear(db) == 0  # somebody may be about to save it again
        clock.advance(timedelta(days=2))
        assert attachments.clear(db) == 1
    assert stored(database) == ({}, 0)
    with database.read() as db:
        assert db.scalars(select(OutboxMessage)).all() == []


async def test_a_hash_that_was_never_uploaded_attaches_nothing(app: FastAPI, database: Database) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    page = await editor.open("/broadcasts/new")
    fields = {"title": "Bond", "text_en": "Text", "purpose": "news", "kept_en": "f" * 64, "kept_name_en": "../x.png"}
    token = page.form("/broadcasts/new").fields["token"]
    await editor.client.post("/console/broadcasts/new", data={"token": token, **fields})
    assert stored(database) == ({}, 0)
    assert (await editor.open(f"/attachments/{'f' * 64}")).status == 404
