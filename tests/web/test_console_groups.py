"""Groups made by hand and notes: kept by who may, used as an audience, gone with the person."""

from datetime import datetime
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from bot.broadcasts.audience import Audience, count
from bot.contacts.models import Contact, Grouped, Note
from bot.conversations import holdings, rights
from bot.db import Database
from bot.staff.models import Role
from tests.web.console_browser import Browser, build
from tests.web.test_console_broadcasts import add_member, write


@pytest.fixture
def app(database: Database, messages_dir: Path, tmp_path: Path, frozen: datetime) -> FastAPI:
    with database.begin() as db:
        for number in range(4):
            add_member(db, number)
    return build(database, messages_dir, tmp_path)


async def test_a_group_is_made_filled_and_written_to(app: FastAPI, database: Database) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    page = await editor.submit(await editor.open("/members/groups"), "/members/groups", name="Nurses")
    again = await editor.submit(await editor.open("/members/groups"), "/members/groups", name="Nurses")
    assert "Another group has this name" in again.text
    assert (await editor.submit(page, "/put", numbers="nobody")).status == 409
    page = await editor.submit(page, "/put", numbers="1, 2; 2\n3 99999 " + "9" * 40)
    assert [row.text for row in page.tree.xpath("//tbody//a")] == ["Member 1", "Member 2", "Member 3"]
    page = await editor.submit(page, "/1/take", member="2")
    assert len(page.tree.xpath("//tbody/tr")) == 2
    draft = await write(editor, groups=["1"])
    assert "Audience 2" in draft.text
    with database.read() as db:
        assert count(db, Audience(groups=("9" * 40,))) == count(db, Audience(groups=("x",))) == 0
    await editor.submit(page, "/1/remove")
    with database.read() as db:
        assert (db.scalars(select(Grouped)).all(), len(db.scalars(select(Contact)).all())) == ([], 4)


async def test_a_note_is_for_who_edits_members_and_goes_with_the_person(app: FastAPI, database: Database) -> None:
    editor = await Browser(app).sign_in(Role.EDITOR)
    page = await editor.submit(await editor.open("/members/1"), "/members/1/note", text="Speaks <b>for</b> the nurses.")
    assert "Speaks <b>for</b> the nurses." in page.text
    assert "Speaks" not in (await (await Browser(app).sign_in(Role.AGENT)).open("/members/1")).text
    with database.begin() as db:
        contact = db.get_one(Contact, 1)
        assert "Speaks <b>for</b> the nurses." in str(holdings.collect(db, contact))
        rights.erase(db, contact)
        assert db.scalars(select(Note)).all() == []
