"""Staff in their own chat: linked by a code, sent tests, asked to approve."""

import re

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.broadcasts.models import Broadcast, BroadcastStatus
from bot.conversations.models import StaffChat
from bot.demo.stage import Stage
from bot.staff import service
from bot.staff.models import Role
from tests.web.console_browser import PASSWORD, Browser

from .chat import Person
from .conftest import People

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def at_work(town: Stage, role: Role) -> Browser:
    await town.app.database.run(_add, role)
    return await Browser(town.app.web()).sign_in(role)


def _add(db: Session, role: Role) -> None:
    if service.find(db, f"{role}@example.org") is None:
        service.add(db, f"{role}@example.org", f"{role.title()} Person", role, password=PASSWORD)


async def link(browser: Browser, phone: Person) -> str:
    page = await browser.submit(await browser.open("/account"), "/account/chat")
    [code] = re.findall(r"STAFF-[A-Z0-9]+", page.text)
    await phone.play("me: {code}\nbot: This chat is linked to the console.", code=code)
    assert "Unlink" in (await browser.open("/account")).text
    return code


async def status(town: Stage) -> str:
    found = await town.app.database.query(lambda db: db.scalar(select(Broadcast.status).order_by(Broadcast.id.desc())))
    return str(found)


async def test_a_test_goes_to_ones_own_chat_and_an_approver_approves_by_button_what_was_shown(
    town: Stage, person: People
) -> None:
    editor, approver = await at_work(town, Role.EDITOR), await at_work(town, Role.APPROVER)
    page = await editor.submit(
        await editor.open("/broadcasts/new"),
        "/broadcasts/new",
        title="Bond",
        text_en="A bond opens.",
        text_fr="Une obligation ouvre.",
        actions=["menu:SESSIONS"],
    )
    path = page.path.removeprefix("/console")
    assert "Link a chat of your own first" in (await editor.submit(page, f"{path}/test")).text
    assert "No approver has linked a chat" in (await editor.submit(page, f"{path}/ask")).text
    hers, his, stranger = person("whatsapp"), person(), person()
    code = await link(editor, hers)
    await link(approver, his)
    await stranger.play("me: {code}\nbot: This code does not work or is too old.", code=code)

    await editor.submit(page, f"{path}/test")
    await hers.play("bot: Test of\nbot: A bond opens.\nbot: Test of\nbot: Une obligation ouvre.")

    await editor.submit(page, f"{path}/ask")
    await his.play("bot: A bond opens.\nbot: Une obligation ouvre.\nbot: Do you approve it?")
    asked = his.heard[-1]
    await editor.submit(await editor.open(f"{path}/edit"), f"{path}/edit", text_en="Another bond opens.")
    await his.tap("Approve", asked)
    await his.play("bot: changed while you read it")
    assert await status(town) == BroadcastStatus.DRAFT

    await editor.submit(page, f"{path}/ask")
    await his.play("bot: Another bond opens.\nbot: Une obligation ouvre.\nbot: Do you approve it?")
    asked = his.heard[-1]
    await his.tap("Refuse", asked)
    await his.play("bot: Refused")
    assert "Refused by Approver Person" in (await editor.open(path)).text
    await his.tap("Approve", asked)
    await his.play("bot: can be sent now")
    assert await status(town) == BroadcastStatus.APPROVED

    await his.play("me: STOP\nbot: stop.confirmed")
    left = await town.app.database.query(lambda db: len(db.scalars(select(StaffChat)).all()))
    assert left == 1
