"""The page of providers' copies that staff must delete by hand."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from bot import clock
from bot.db import Database
from bot.messaging.models import ProviderCopy
from bot.staff.models import AuditEntry, Role
from tests.web.console_browser import Browser, build

pytestmark = pytest.mark.usefixtures("frozen")


@pytest.fixture
def app(database: Database, messages_dir: Path, tmp_path: Path) -> FastAPI:
    """Two copies: one was given up, one is still being asked for."""
    with database.begin() as db:
        for number, due_at in ((1, None), (2, clock.now())):
            copy = ProviderCopy(channel="whatsapp", due_at=due_at, created_at=clock.now())
            copy.sent, copy.received = [f"SM{number}"], [f"RM{number}"]
            db.add(copy)
            db.flush()
    return build(database, messages_dir, tmp_path)


def left(database: Database) -> list[list[str]]:
    with database.read() as db:
        return [copy.sent for copy in db.scalars(select(ProviderCopy).order_by(ProviderCopy.id))]


async def test_what_was_given_up_is_shown_with_its_ids_and_closed_by_hand(app: FastAPI, database: Database) -> None:
    officer = await Browser(app).sign_in(Role.PROTECTION)
    assert "1 are kept by a provider" in (await officer.open("/")).text
    page = await officer.open("/members/copies")
    assert "SM1" in page.text
    assert "RM1" in page.text
    assert "SM2" not in page.text
    done = await officer.submit(page, "/copies/1")
    assert "Every provider has deleted its copies" in done.text
    assert left(database) == [["SM2"]]
    with database.read() as db:
        entry = db.scalars(select(AuditEntry).where(AuditEntry.action == "copies.deleted")).one()
    assert entry.detail == {"channel": "whatsapp", "by_hand": True}
    assert entry.actor.isdecimal()
    assert (await officer.submit(page, "/copies/1")).status == 404


async def test_of_what_is_still_being_asked_for_nobody_says_that_it_is_gone(app: FastAPI, database: Database) -> None:
    officer = await Browser(app).sign_in(Role.PROTECTION)
    page = await officer.open("/members/copies")
    token = page.form("/copies/1").fields["token"]
    answer = await officer.client.post("/console/members/copies/2", data={"token": token})
    assert answer.status_code == 404
    assert left(database) == [["SM1"], ["SM2"]]


@pytest.mark.parametrize("role", [role for role in Role if role != Role.PROTECTION])
async def test_other_roles_do_not_see_the_page(app: FastAPI, database: Database, role: Role) -> None:
    browser = await Browser(app).sign_in(role)
    assert (await browser.open("/members/copies")).status == 403
    assert "are kept by a provider" not in (await browser.open("/")).text
    assert (await browser.client.post("/console/members/copies/1")).status_code == 403
    assert len(left(database)) == 2
