"""Importing a list in the console: look, choose the same file again, import, undo."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from bot import clock
from bot.contacts.models import Contact, State
from bot.content.templates import WHATSAPP_LANGUAGES
from bot.conversations import inviting
from bot.db import Database
from bot.messaging import templates
from bot.messaging.models import OutboxMessage
from bot.settings import Settings
from bot.staff.models import AuditEntry, Role
from bot.web.console import mount
from tests.web.console_browser import Browser, Seen, build, context

LIST = b"Name;Cell\nA;50123456\nB;+230 251 2345\nC;58000001\n"
ADDRESS = "/console/members/import"


@pytest.fixture
def app(database: Database, messages_dir: Path, tmp_path: Path, frozen: object) -> FastAPI:
    build(database, messages_dir, tmp_path)
    settings = Settings(
        data_dir=tmp_path, twilio_account_sid="AC1", twilio_auth_token="token", whatsapp_from="+26622000000",
        public_url="https://bot.example.org", _env_file=None,
    )  # type: ignore[call-arg, arg-type]  # fmt: skip
    app = FastAPI()
    mount(app, replace(context(database, messages_dir, tmp_path), settings=settings))
    return app


@pytest.fixture
def approved(app: FastAPI, database: Database, messages_dir: Path, tmp_path: Path) -> None:
    """Have the invitation approved."""
    content = context(database, messages_dir, tmp_path).content
    with database.begin() as db:
        for name, language in product((inviting.TEMPLATE, inviting.TEMPLATE_BOTH), WHATSAPP_LANGUAGES):
            definition = templates.definition(content.templates[name], language)
            db.add(
                templates.ContentRow(
                    definition=definition, content_id=f"HX{language}", name=name, language=language,
                    approval=templates.APPROVED, created_at=clock.now(),
                )
            )  # fmt: skip


async def send(browser: Browser, page: Seen, data: bytes = LIST, filename: str = "list.csv", **fields: str) -> Seen:
    given = {"source": "the embassy", "region": "ls", "column": "", **fields}
    return await browser.upload(page, ADDRESS, "file", filename, data, **given)


def people(database: Database) -> int:
    with database.read() as db:
        return db.scalar(select(func.count()).select_from(Contact)) or 0


async def test_a_list_is_looked_at_imported_and_undone(app: FastAPI, approved: None, database: Database) -> None:
    browser = await Browser(app).sign_in(Role.EDITOR)
    look = await send(browser, await browser.open("/members/import"))
    assert "2 people would be invited" in look.text
    assert "a 5 is missing" in look.text
    assert "50123456" not in look.text
    assert people(database) == 0

    done = await send(browser, look)
    assert "each person gets one invitation" in done.text
    with database.read() as db:
        assert set(db.scalars(select(Contact.state))) == {State.INVITED}
        assert db.scalar(select(func.count()).where(OutboxMessage.kind.in_(inviting.KINDS))) == 2
        assert "contacts.imported" in db.scalars(select(AuditEntry.action)).all()
    assert "Invited" in (await browser.open("/members")).text

    undone = await browser.submit(done, f"{ADDRESS}/1/undo")
    assert "Who had not answered is removed" in undone.text
    assert people(database) == 0


async def test_another_file_than_the_one_looked_at_is_only_looked_at(
    app: FastAPI, approved: None, database: Database
) -> None:
    browser = await Browser(app).sign_in(Role.EDITOR)
    look = await send(browser, await browser.open("/members/import"))
    other = await send(browser, look, LIST + b"D;58000002\n")
    assert "3 people would be invited" in other.text
    assert people(database) == 0


@pytest.mark.parametrize(
    ("data", "filename", "fields", "words"),
    [
        (b"Name\nA\n", "list.csv", {}, "No column looks like a phone number"),
        (LIST, "list.csv", {"column": "Mobile"}, "There is no column Mobile"),
        (LIST, "list.pdf", {}, "Choose a list"),
        (LIST, "list.csv", {"region": "XX"}, "Write the two letters of a country"),
        (b"not a workbook", "list.xlsx", {}, "no XLSX workbook"),
    ],
)
async def test_what_cannot_be_read_is_explained(
    app: FastAPI, data: bytes, filename: str, fields: dict[str, str], words: str
) -> None:
    browser = await Browser(app).sign_in(Role.EDITOR)
    assert words in (await send(browser, await browser.open("/members/import"), data, filename, **fields)).text


async def test_nobody_is_imported_before_the_invitation_is_approved(app: FastAPI, database: Database) -> None:
    browser = await Browser(app).sign_in(Role.EDITOR)
    look = await send(browser, await browser.open("/members/import"))
    assert "not approved the invitation" in (await send(browser, look)).text
    assert people(database) == 0


async def test_a_source_is_needed_to_invite(app: FastAPI, approved: None, database: Database) -> None:
    browser = await Browser(app).sign_in(Role.EDITOR)
    look = await send(browser, await browser.open("/members/import"))
    assert "Write who gave us the list" in (await send(browser, look, source="")).text
    assert people(database) == 0
