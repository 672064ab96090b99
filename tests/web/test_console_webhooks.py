"""Webhooks on their page: the secret is shown once, the log says what became of each call."""

from datetime import datetime
from pathlib import Path

import pytest

from bot.db import Database
from bot.staff.models import Role
from bot.webhooks import telling
from bot.webhooks.models import CallStatus, WebhookCall
from tests.web.console_browser import Browser, build


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # pages do not depend on it
async def test_a_webhook_is_added_tried_changed_and_removed(
    database: Database, messages_dir: Path, tmp_path: Path, frozen: datetime
) -> None:
    browser = await Browser(build(database, messages_dir, tmp_path)).sign_in(Role.ADMINISTRATOR)
    page = await browser.open("/webhooks")
    refused = await browser.submit(page, "/webhooks", url="https://10.0.0.1/", kinds=["export.ready"])
    assert "within a network" in refused.text
    assert (await browser.submit(page, "/webhooks", url="https://hooks.example.org/x")).status == 409
    page = await browser.submit(page, "/webhooks", url="https://hooks.example.org/x", kinds=["export.ready"])
    [secret] = [code for code in page.tree.xpath("//code/text()") if code.startswith("whsec_")]
    page = await browser.open("/webhooks/1")
    assert secret not in page.response.text
    page = await browser.submit(page, "/test")
    assert "a test Waiting 0" in page.text
    with database.begin() as db:
        [errand] = telling.take(db)
        telling.settle(db, errand.call_id, "200")
    assert "a test Taken 1 200" in (await browser.open("/webhooks/1")).text
    assert "/again" not in (await browser.open("/webhooks/1")).response.text  # what was taken is not sent twice
    with database.begin() as db:
        db.get_one(WebhookCall, 1).status = CallStatus.FAILED
    page = await browser.submit(await browser.open("/webhooks/1"), "/again")
    assert "a test Waiting 0" in page.text
    with database.begin() as db:
        [errand] = telling.take(db)
        telling.settle(db, errand.call_id, "200")
    page = await browser.submit(await browser.open("/webhooks/1"), "/secret")
    assert "whsec_" in page.text
    assert secret not in page.text
    page = await browser.submit(await browser.open("/webhooks/1"), "/switch")
    assert "Send a test" not in page.text
    page = await browser.submit(page, "/switch")
    assert "Send a test" in page.text
    assert "There are no webhooks" in (await browser.submit(page, "/remove")).text
    assert (await browser.open("/webhooks/1")).status == 404
