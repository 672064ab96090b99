"""Threads in the console: found, taken, answered once, and left notes in."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from bot import clock
from bot.contacts.models import Address
from bot.content import Content
from bot.conversations.models import Ticket
from bot.db import Database
from bot.messaging import templates
from bot.messaging.models import Content as ContentRow
from bot.messaging.models import OutboxMessage
from bot.messaging.outbox import Message
from bot.staff.models import Role, StaffUser
from tests.web.console_browser import Browser, build
from tests.web.test_console_broadcasts import add_member

SAID = "my <b>private</b> words"


@pytest.fixture
def app(database: Database, messages_dir: Path, tmp_path: Path, frozen: datetime) -> FastAPI:
    with database.begin() as db:
        for number in (1, 2, 3):
            contact = add_member(db, number, "whatsapp")
            kind = "unknown" if number == 3 else "human"
            asked = {"opened_at": clock.now(), "waiting_since": clock.now()}
            db.add(Ticket(contact_id=contact.id, kind=kind, text=f"{SAID} {number}", **asked))
    return build(database, messages_dir, tmp_path)


async def test_a_question_is_answered_once_where_it_came_from(app: FastAPI, database: Database) -> None:
    browser = await Browser(app).sign_in(Role.AGENT)
    page = await browser.open("/inbox")
    assert f"{SAID} 1" in page.text
    assert "<b>private</b>" not in page.response.text
    assert f"{SAID} 3" not in page.text
    page = await browser.open("/inbox/1")
    assert "window open until" in page.text
    assert (await browser.submit(page, "/inbox/1/reply", text="")).status == 409
    refused = await browser.submit(page, "/inbox/1/reply", text="Look at https://evil.example.com/pay")
    assert "a domain that is not ours" in refused.text
    answered = await browser.submit(page, "/inbox/1/reply", text="Yes, you can.")
    assert f"{SAID} 1" not in answered.text
    assert "usually until an answer" in answered.text
    assert "colleague was faster" in (await browser.submit(page, "/inbox/1/reply", text="Again")).text
    with database.read() as db:
        [row] = db.scalars(select(OutboxMessage)).all()
    assert (row.kind, Message.from_json(row.body).text) == ("reply", "Yes, you can.")


async def test_a_thread_is_given_noted_in_and_closed_with_others(app: FastAPI, database: Database) -> None:
    browser = await Browser(app).sign_in(Role.AGENT)
    page = await browser.open("/inbox/2")
    offered = page.form("/assign").inputs["to"].value_options
    with database.read() as db:
        names = dict(db.execute(select(StaffUser.role, StaffUser.id)).all())
    assert set(offered) == {"", str(names[Role.AGENT]), str(names[Role.ADMINISTRATOR])}
    page = await browser.submit(page, "/note", text="Ask <i>Thabo</i> first.")
    assert "Ask <i>Thabo</i> first." in page.text
    token = page.form("/note").fields["token"]
    to_editor = {"token": token, "to": str(names[Role.EDITOR])}
    assert (await browser.client.post("/console/inbox/2/assign", data=to_editor)).status_code == 409
    await browser.submit(page, "/assign", to=names[Role.ADMINISTRATOR])
    assert f"{SAID} 2" not in (await browser.open("/inbox?whose=nobody")).text
    listed = await browser.open("/inbox?kind=unknown")
    assert f"{SAID} 3" in listed.text
    await browser.submit(listed, "/inbox/close", thread="3")
    assert f"{SAID} 3" in (await browser.open("/inbox?show=closed")).text
    with database.read() as db:
        assert db.scalars(select(OutboxMessage)).all() == []


async def test_a_ready_answer_is_put_in_and_says_which_language_it_is_in(app: FastAPI, database: Database) -> None:
    browser = await Browser(app).sign_in(Role.AGENT)
    page = await browser.open("/inbox/answers")
    assert (await browser.submit(page, "/inbox/answers", title="Voting")).status == 409  # without a text
    page = await browser.submit(page, "/inbox/answers", title="Voting", text_fr="À l’ambassade.")
    page = await browser.submit(await browser.open("/inbox/answers?edit=1"), "/inbox/answers", text_st="Ho moemeli.")
    assert "Français, Sesotho" in page.text
    page = await browser.open("/inbox/1?answer=1")
    assert page.form("/reply").fields["text"] == "À l’ambassade."
    assert "no text in English: it is in Français" in page.text
    assert (await browser.submit(await browser.open("/inbox/answers"), "/answers/1/remove")).text.count("None yet")


@pytest.mark.parametrize("approved", [True, False])
async def test_where_the_window_is_closed_a_template_is_offered_if_it_is_approved(
    app: FastAPI, database: Database, messages_dir: Path, approved: bool
) -> None:
    with database.begin() as db:
        db.scalars(select(Address)).first().last_inbound_at = clock.now() - timedelta(hours=30)  # type: ignore[union-attr]
        if approved:
            shipped = Content.load(messages_dir).templates["staff_answer"]
            key = templates.definition(shipped, "en")
            row = {"name": "staff_answer", "language": "en", "approval": "approved", "created_at": clock.now()}
            db.add(ContentRow(definition=key, content_id="HX1", **row))
    browser = await Browser(app).sign_in(Role.AGENT)
    page = await browser.open("/inbox/1")
    assert "window closed since" in page.text
    assert ("has an answer to your question (number 1)" in page.text) is approved
    assert ("is not approved" in page.text) is not approved
    await browser.submit(page, "/reply", text="Yes.", **({"wait": "yes"} if approved else {}))
    with database.read() as db:
        [message] = db.scalars(select(OutboxMessage)).all()
    assert Message.from_json(message.body).template == (None if approved else "staff_answer")
