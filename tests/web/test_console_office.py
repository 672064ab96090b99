"""The pages of texts and senders: how far translations and approvals are, how senders stand."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from bot import clock
from bot.content import Content
from bot.db import Database
from bot.messaging import archiving, templates
from bot.messaging.models import Content as ContentRow
from bot.messaging.models import OutboxMessage, Priority, Sender, Status
from bot.settings import Settings
from bot.staff.models import Role
from bot.web.console import mount
from tests.web.console_browser import Browser, build, context
from tests.web.test_console_broadcasts import add_member


@pytest.fixture
def app(database: Database, messages_dir: Path, tmp_path: Path, frozen: datetime) -> FastAPI:
    shipped = Content.load(messages_dir).templates["announcement"]
    with database.begin() as db:
        key = templates.definition(shipped, "en")
        db.add(ContentRow(definition=key, content_id="HX1", approval="approved", created_at=clock.now()))
        contact = add_member(db, 1)
        for due, status in ((-5, Status.QUEUED), (60, Status.HELD), (0, Status.UNCERTAIN)):
            at = clock.now() + timedelta(minutes=due)
            row = {"contact_id": contact.id, "channel": "telegram", "kind": "reply", "priority": Priority.REPLY}
            row |= {"sender": "700"}
            db.add(OutboxMessage(**row, status=status, due_at=at, created_at=at, status_at=at))
        paused = clock.now() + timedelta(minutes=3)
        db.add(Sender(key="whatsapp:+266", next_at=clock.now(), paused_until=paused, pause_reason="63018"))
    build(database, messages_dir, tmp_path)
    settings = Settings(
        data_dir=tmp_path, public_url="https://bot.example.org", second_factor_roles="", _env_file=None,
        telegram_token="700:hush", telegram_more=[{"token": "701:hush", "rate": 20}],
        twilio_account_sid="AC1", twilio_auth_token="token", whatsapp_from="+266",
    )  # type: ignore[call-arg, arg-type]  # fmt: skip
    app = FastAPI()
    mount(app, replace(context(database, messages_dir, tmp_path), settings=settings))
    return app


async def test_texts_are_found_by_state_and_templates_say_how_far_approval_is(app: FastAPI) -> None:
    browser = await Browser(app).sign_in(Role.EDITOR)
    page = await browser.open("/texts")
    [row] = page.tree.xpath("//tr[td/a[text()='announcement']]")
    assert " ".join(row.text_content().split()) == "announcement Announces approved not made yet"
    found = await browser.open("/texts?language=st&state=draft&find=human.added")
    assert "Sehlopha sa rona" in found.text
    assert len(found.tree.xpath("//section[.//h2[@id='texts']]//tbody/tr")) == 1
    assert "No text was found" in (await browser.open("/texts?language=fr&state=draft")).text
    assert "Textes" not in page.text
    assert (await browser.submit(page, "/texts/sync")).text.count("WhatsApp is being asked")
    one = await browser.open("/texts/template/announcement")
    assert "New rules for accounts of citizens abroad" in one.text
    assert (await browser.open("/texts/template/nothing")).status == 404
    assert (await (await Browser(app).sign_in(Role.AGENT)).open("/texts")).status == 403


async def test_senders_show_their_health_and_settings_no_secret(app: FastAPI) -> None:
    browser = await Browser(app).sign_in(Role.ADMINISTRATOR)
    page = await browser.open("/senders")
    telegram, other, whatsapp = (" ".join(" ".join(one.itertext()).split()) for one in page.tree.xpath("//section[dl]"))
    assert "Late" in telegram
    assert "Waiting for a time 2 Due now 1, the first since 5 minutes Of unknown outcome 1" in telegram
    assert "701" in other and "20 messages a second" in other and "Due now 0" in other  # noqa: PT018 - one card
    assert "Paused until" in whatsapp
    assert "63018" in whatsapp
    assert "0 of 250" in whatsapp
    assert "OUTREACH_QUIET_FROM" in page.text.replace("_ ", "_")  # it may wrap after each
    assert "as it ships" in page.text
    assert "hush" not in page.text
    assert "sqlite" not in page.text


async def test_home_counts_the_messages_of_today_however_many_are_older(app: FastAPI, database: Database) -> None:
    with database.begin() as db:
        for hours in range(60, 0, -1):  # since before yesterday; ten of them are of today
            at = clock.now() - timedelta(hours=hours - 1)
            row = {"contact_id": 1, "channel": "telegram", "kind": "reply", "priority": Priority.REPLY}
            db.add(OutboxMessage(**row, status=Status.SENT, due_at=at, created_at=at, status_at=at))
            db.flush()
    for beside, wanted in ((0, 13), (10_000, 16)):  # the first three were written out of the order of time
        with database.read() as db:
            midnight = clock.now() - timedelta(hours=12)
            first = archiving.first_since(db, OutboxMessage.id, OutboxMessage.created_at, midnight) - beside
            newer = select(func.count()).where(OutboxMessage.id >= first, OutboxMessage.created_at >= midnight)
            assert db.scalar(newer) == wanted
    page = await (await Browser(app).sign_in(Role.EDITOR)).open("/")
    assert "Messages of today 16" in page.text
