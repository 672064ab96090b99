"""Signing in, and what protects every page."""

from pathlib import Path

import pytest
from fastapi import FastAPI

from bot.db import Database
from bot.staff import service
from bot.staff.models import Role
from bot.staff.roles import ROLES
from bot.web.console import PAGES
from bot.web.console.routes import Open
from tests.web.console_browser import PASSWORD, Browser, build


@pytest.fixture
def app(database: Database, messages_dir: Path, tmp_path: Path) -> FastAPI:
    return build(database, messages_dir, tmp_path)


async def test_signing_in_leads_to_the_page_that_was_asked_for(app: FastAPI) -> None:
    browser = Browser(app)
    page = await browser.open("/members")
    assert page.path == "/console/sign-in"
    page = await browser.submit(page, "/sign-in", email="editor@example.org", password=PASSWORD)
    assert page.path == "/console/members"


async def test_a_link_cannot_send_staff_to_another_site(app: FastAPI) -> None:
    for elsewhere in ("https://example.com/", "//example.com", "/console//example.com", "/console/\\example.com"):
        browser = Browser(app)
        page = await browser.client.get("/console/sign-in", params={"next": elsewhere})
        answer = await browser.submit(
            type(await browser.open("/sign-in"))(page), "/sign-in", email="editor@example.org", password=PASSWORD
        )
        assert answer.path == "/console/", elsewhere


async def test_a_wrong_password_is_refused_without_saying_what_was_wrong(app: FastAPI) -> None:
    browser = Browser(app)
    texts = []
    for email in ("editor@example.org", "nobody@example.org"):
        page = await browser.submit(await browser.open("/sign-in"), "/sign-in", email=email, password="wrong")
        assert page.status == 401
        texts.append(page.text.replace(email, ""))
    assert texts[0] == texts[1]


async def test_many_wrong_passwords_make_one_wait(app: FastAPI) -> None:
    browser = Browser(app)
    for _ in range(6):
        page = await browser.submit(
            await browser.open("/sign-in"), "/sign-in", email="editor@example.org", password="wrong"
        )
    assert "Too many tries" in page.text
    page = await browser.submit(page, "/sign-in", password=PASSWORD)
    assert "Too many tries" in page.text


async def test_signing_out_ends_the_session_itself_not_only_the_cookie(app: FastAPI) -> None:
    browser = await Browser(app).sign_in(Role.EDITOR)
    token = browser.client.cookies["outreach_session"]
    await browser.submit(await browser.open("/"), "/sign-out")
    other = Browser(app)
    other.client.cookies.set("outreach_session", token)
    assert (await other.open("/")).path == "/console/sign-in"


async def test_a_new_colleague_sets_a_password_by_a_link_that_works_once(app: FastAPI, database: Database) -> None:
    with database.begin() as db:
        _, token = service.add(db, "new@example.org", "New <b>Person</b>", Role.EDITOR)
    browser = Browser(app)
    page = await browser.open(f"/welcome/{token}")
    assert "New <b>Person</b>" in page.text
    page = await browser.submit(page, f"/welcome/{token}", password="short")
    assert page.status == 422
    page = await browser.submit(page, f"/welcome/{token}", password=PASSWORD)
    assert "password is set" in page.text
    assert (await browser.submit(page, "/sign-in", email="new@example.org", password=PASSWORD)).path == "/console/"
    assert (await browser.open(f"/welcome/{token}")).status == 404


async def test_a_form_without_the_token_of_its_page_changes_nothing(app: FastAPI) -> None:
    browser = await Browser(app).sign_in(Role.EDITOR)
    for token in ("", "made up", "ünïcode"):
        answer = await browser.client.post("/console/sign-out", data={"token": token})
        assert answer.status_code == 403
        assert "nothing was changed" in answer.text
    assert (await browser.open("/")).path == "/console/"
    anonymous = await Browser(app).client.post(
        "/console/sign-in", data={"email": "editor@example.org", "password": PASSWORD}
    )
    assert anonymous.status_code == 403


async def test_pages_carry_the_headers_and_cookies_that_protect_them(app: FastAPI) -> None:
    browser = await Browser(app).sign_in(Role.EDITOR)
    page = await browser.open("/")
    headers = page.response.headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    cookies = (await Browser(app).client.get("/console/sign-in")).headers["set-cookie"].lower()
    assert "httponly" in cookies
    assert "samesite=lax" in cookies


async def test_static_files_are_small_and_may_be_kept(app: FastAPI) -> None:
    browser = Browser(app)
    page = await browser.open("/sign-in")
    [style] = page.tree.xpath("//link[@rel='stylesheet']/@href")
    answer = await browser.client.get(style)
    assert "immutable" in answer.headers["cache-control"]
    assert len(answer.content) < 25_000
    assert len((await browser.client.get("/console/static/console.js")).content) < 8_000


@pytest.mark.parametrize("role", Role)
async def test_every_route_lets_in_exactly_the_roles_that_may(app: FastAPI, role: Role) -> None:
    browser = await Browser(app).sign_in(role)
    token = (await browser.open("/")).form("/sign-out").fields["token"]
    for page in PAGES:
        if page.path == "/sign-out":
            continue
        path = page.path.replace("{id:row}", "999999").replace("{link}", "x").replace("{name}", "x")
        answer = await browser.client.request(page.method, f"/console{path}", data={"token": token})
        allowed = isinstance(page.needs, Open) or page.needs in ROLES[role]
        assert answer.status_code < 500, (page.path, answer.status_code)
        assert ("Not for your role" in answer.text) is not allowed, (page.path, role)


async def test_no_page_for_staff_shows_anything_to_strangers(app: FastAPI) -> None:
    browser = Browser(app)
    for page in PAGES:
        if page.needs is Open.ANYONE:
            continue
        path = page.path.replace("{id:row}", "1").replace("{name}", "x")
        answer = await browser.client.request(page.method, f"/console{path}", follow_redirects=False)
        assert answer.status_code == 303, page.path
        assert answer.headers["location"].startswith("/console/sign-in")
