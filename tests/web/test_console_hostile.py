"""Whatever is sent to the console, by whoever may send it, it never fails and never echoes markup."""

from pathlib import Path

import pytest
from fastapi import FastAPI

from bot import clock
from bot.contacts.models import Contact
from bot.conversations.models import Ticket
from bot.db import Database
from bot.staff.models import Role
from bot.staff.roles import ROLES
from bot.web.console import PAGES, attaching, live
from bot.web.console.routes import Open
from tests.web.console_browser import Browser, build
from tests.web.test_console_broadcasts import add_member, write

MARK = "<u>mark</u>"


@pytest.fixture
async def browser(database: Database, messages_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Browser:
    monkeypatch.setattr(live, "LASTS", live.LOOK)  # pages that go on telling need not go on here
    with database.begin() as db:
        contact: Contact = add_member(db, 1)
        contact.residence, contact.source = MARK[:2], MARK
        db.add(Ticket(contact_id=contact.id, kind="human", text=MARK, opened_at=clock.now(), waiting_since=clock.now()))
    signed_in = await Browser(build(database, messages_dir, tmp_path)).sign_in(Role.ADMINISTRATOR)
    await write(signed_in, title=MARK, text_en=MARK)
    page = await signed_in.open("/sessions/new")
    await signed_in.submit(page, "/sessions/new", title_en=MARK, starts="2090-01-01T10:00")
    return signed_in


def app_paths() -> list[str]:
    return [page.path.replace("{id:row}", "1").replace("{link}", "x").replace("{name}", "x") for page in PAGES]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # pages do not depend on it
async def test_no_page_shows_markup_that_somebody_wrote(browser: Browser) -> None:
    for page, path in zip(PAGES, app_paths(), strict=True):
        if page.method == "GET":
            answer = await browser.open(path)
            assert answer.status < 500
            assert MARK not in answer.response.text, path
            assert "<script>" not in answer.response.text
            assert " style=" not in answer.response.text
            assert " on" + "click=" not in answer.response.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # pages do not depend on it
async def test_no_page_is_heavier_than_a_slow_connection_bears(browser: Browser) -> None:
    style = await browser.client.get("/console/static/console.css")
    script = await browser.client.get("/console/static/console.js")
    files = len(style.content) + len(script.content)
    for page, path in zip(PAGES, app_paths(), strict=True):
        if page.method == "GET":
            assert len((await browser.open(path)).response.content) + files < 150_000, path


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", "999999999999999", "99999999999999999999999", "%00", "١"])
async def test_a_wrong_number_in_an_address_is_an_address_that_is_not_there(browser: Browser, number: str) -> None:
    for page in PAGES:
        may = isinstance(page.needs, Open) or page.needs in ROLES[Role.ADMINISTRATOR]
        if "{id:row}" in page.path and page.method == "GET" and may:
            answer = await browser.open(page.path.replace("{id:row}", number).replace("{name}", "x"))
            assert answer.status == 404, page.path


async def test_wrong_methods_and_bodies_are_refused_calmly(browser: Browser) -> None:
    address = "/console/broadcasts/new"
    assert (await browser.client.put(address)).status_code == 405
    for kind in (
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "text/plain",
        "nonsense",
    ):
        answer = await browser.client.post(address, content=b"\xff\xfe{", headers={"Content-Type": kind})
        assert 400 <= answer.status_code < 500, kind
    many = {f"field{number}": "x" for number in range(2000)}
    assert (await browser.client.post(address, data=many)).status_code == 400
    assert (await browser.client.post("/console/inbox/1/close", data={"text_en": "x" * 300_000})).status_code == 413
    assert (await browser.client.post(address, content=b"x" * (attaching.FORM_LIMIT + 1))).status_code == 413
    assert (await browser.client.get("/console/static/../console.py")).status_code == 404
    assert (await browser.client.get("/console/nothing")).status_code == 404


async def test_a_refusal_leads_back_to_our_own_pages_only(browser: Browser) -> None:
    page = await browser.open("/uncertain")
    data = dict(page.form("/sign-out").form_values())
    for referer, back in (
        ("http://staff.test/console/uncertain?after=3", "/console/uncertain"),
        ("https://example.com//example.com/", "/console/"),
        ("http://[", "/console/"),
        ("", "/console/"),
    ):
        answer = await browser.client.post("/console/uncertain", data=data, headers={"Referer": referer})
        assert answer.status_code == 409
        assert f'class="button" href="{back}"' in answer.text


async def test_strange_cookies_are_those_of_a_stranger(database: Database, messages_dir: Path, tmp_path: Path) -> None:
    app: FastAPI = build(database, messages_dir, tmp_path)
    for value in ("x", "x" * 5000, "%00", '"'):
        browser = Browser(app)
        browser.client.headers["Cookie"] = f"outreach_session={value}; outreach_visitor={value}"
        assert (await browser.client.get("/console/", follow_redirects=False)).status_code == 303
        assert (await browser.client.get("/console/sign-in")).status_code == 200
