"""The page of join links: made by editors, seen by who may see members, with a poster to print."""

from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from bot.content import Content
from bot.conversations import posters
from bot.db import Database
from bot.settings import Settings
from bot.staff.models import AuditEntry, Role
from bot.web.console import mount
from tests.web.console_browser import Browser, build, context

pytestmark = pytest.mark.usefixtures("frozen")
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def app(database: Database, messages_dir: Path, tmp_path: Path) -> FastAPI:
    build(database, messages_dir, tmp_path)
    named = Settings(data_dir=tmp_path, telegram_username="our_bot", second_factor_roles="", _env_file=None)  # type: ignore[call-arg]
    app = FastAPI()
    mount(app, replace(context(database, messages_dir, tmp_path), settings=named))
    return app


@on_sqlite
async def test_an_editor_makes_a_link_and_prints_its_poster(app: FastAPI, database: Database) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    page = await editor.open("/members/links")
    made = await editor.submit(page, "/links", label='Embassy <b>"x"</b>', kind="embassy", code="Pretoria")
    assert "The link is made." in made.text
    assert "https://t.me/our_bot?start=pretoria" in made.text
    assert "Embassy &lt;b&gt;" in made.response.text
    poster = await editor.client.get("/console/members/links/poster?code=pretoria")
    assert poster.content.startswith(b"%PDF-")
    assert poster.headers["content-type"] == "application/pdf"
    assert (await editor.client.get("/console/members/links/poster?code=nowhere")).status_code == 404
    again = await editor.submit(made, "/links", label="Another", kind="poster", code="PRETORIA")
    assert (again.status, "already" in again.text, "Another" in again.text) == (422, True, True)
    with database.read() as db:
        entry = db.scalars(select(AuditEntry).where(AuditEntry.action == "link.created")).one()
    assert entry.subject_id == "pretoria"


@on_sqlite
async def test_who_may_only_look_makes_none(app: FastAPI) -> None:
    approver = await Browser(app).sign_in(Role.APPROVER)
    page = await approver.open("/members/links")
    assert (page.status, "Make a link" in page.text) == (200, False)


def test_a_poster_says_no_more_in_a_language_than_a_speaker_has_checked(messages_dir: Path) -> None:
    content = Content.load(messages_dir)
    page = posters.page(content, "leeds-1", {"telegram": "https://t.me/our_bot?start=leeds-1"})
    assert [one["name"] for one in page["languages"]] == [
        "English",
        "Français",
        "Sesotho",
        "Chichewa",
        "Kreol Morisien",
    ]
    assert [one["hello"] for one in page["languages"]] == ["Hello", "Bonjour", "Lumela", "Moni", "Bonzour"]
    for one in page["languages"]:
        is_draft = content.catalogue.draft("poster.text", one["code"]) is not None
        assert bool(one["text"]) == (not is_draft)
    assert "START leeds-1" in page["languages"][0]["how"]
    assert page["codes"][0]["qr"].startswith("<svg")
