"""The second factor: set up by a picture, asked for after the password, each code once."""

from datetime import datetime, timedelta
from pathlib import Path

import pyotp
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from bot import clock
from bot.db import Database
from bot.staff.models import AuditEntry, RecoveryCode, Role, StaffSession, StaffUser
from bot.web.console import mount
from tests.web.console_browser import PASSWORD, Browser, Seen, build, context

EDITOR = "editor@example.org"


@pytest.fixture
def app(database: Database, messages_dir: Path, tmp_path: Path, frozen: datetime) -> FastAPI:
    return build(database, messages_dir, tmp_path)


def code(secret: str) -> str:
    return pyotp.TOTP(secret).at(clock.now())


async def enrol(browser: Browser) -> tuple[str, list[str]]:
    """Set the second factor up; return its secret and the recovery codes."""
    page = await browser.open("/account/second-factor")
    [secret] = page.tree.xpath("//code/text()")
    assert page.tree.xpath("//*[@role='img']//*[local-name()='path']")
    page = await browser.submit(page, "/account/second-factor", code=code(secret))
    return secret, page.tree.xpath("//ul[@class='codes']//code/text()")


async def password(app: FastAPI, email: str = EDITOR) -> tuple[Browser, Seen]:
    browser = Browser(app)
    return browser, await browser.submit(await browser.open("/sign-in"), "/sign-in", email=email, password=PASSWORD)


async def test_a_code_is_asked_for_after_the_password_and_counts_once(app: FastAPI, database: Database) -> None:
    elsewhere = await Browser(app).sign_in(Role.EDITOR)
    secret, codes = await enrol(await Browser(app).sign_in(Role.EDITOR))
    assert (len(codes), len(set(codes))) == (10, 10)
    assert (await elsewhere.open("/broadcasts")).path == "/console/sign-in", "a session without it has ended"
    clock.advance(timedelta(minutes=1))
    browser, page = await password(app)
    assert page.path == "/console/sign-in/code"
    half = browser.client.cookies["outreach_session"]
    assert (await browser.open("/broadcasts")).path == "/console/sign-in/code", "the password alone opens nothing"
    assert (await browser.open("/account/second-factor")).path == "/console/sign-in/code"
    page = await browser.submit(page, "/sign-in/code", code="000000")
    assert page.status == 401
    used = code(secret)
    page = await browser.submit(page, "/sign-in/code", code=f"{used[:3]} {used[3:]}")
    assert page.path == "/console/"
    assert browser.client.cookies["outreach_session"] != half
    other, page = await password(app)
    assert (await other.submit(page, "/sign-in/code", code=used)).status == 401, "a code that was seen"
    with database.read() as db:
        user = db.scalars(select(StaffUser).where(StaffUser.role == Role.EDITOR)).one()
        assert user.totp_secret == secret
        assert {len(one) for one in db.scalars(select(RecoveryCode.code_hash))} == {64}


async def test_a_recovery_code_stands_in_once(app: FastAPI, database: Database) -> None:
    _, codes = await enrol(await Browser(app).sign_in(Role.EDITOR))
    browser, page = await password(app)
    assert (await browser.submit(page, "/sign-in/code", code=codes[0].upper())).path == "/console/"
    browser, page = await password(app)
    assert (await browser.submit(page, "/sign-in/code", code=codes[0])).status == 401
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(RecoveryCode)) == 9


async def test_guessing_codes_makes_one_wait_and_the_password_gives_no_new_tries(app: FastAPI) -> None:
    secret, _ = await enrol(await Browser(app).sign_in(Role.EDITOR))
    clock.advance(timedelta(minutes=1))
    browser, page = await password(app)
    for _ in range(3):
        page = await browser.submit(page, "/sign-in/code", code="123456")
    browser, page = await password(app)
    for _ in range(3):
        page = await browser.submit(page, "/sign-in/code", code="123456")
    assert "Too many tries" in page.text
    assert "Too many tries" in (await browser.submit(page, "/sign-in/code", code=code(secret))).text
    assert "Too many tries" in (await password(app))[1].text
    clock.advance(timedelta(minutes=16))
    browser, page = await password(app)
    assert (await browser.submit(page, "/sign-in/code", code=code(secret))).path == "/console/"


async def test_a_wrong_code_switches_nothing_on(app: FastAPI, database: Database) -> None:
    browser = await Browser(app).sign_in(Role.EDITOR)
    page = await browser.open("/account/second-factor")
    for wrong in ("", "000000", "nonsense", "٣٣٣٣٣٣"):
        assert (await browser.submit(page, "/account/second-factor", code=wrong)).status == 422
    assert (await password(app))[1].path == "/console/"


async def test_a_role_that_needs_one_sets_it_up_before_anything_else(
    app: FastAPI, database: Database, messages_dir: Path, tmp_path: Path
) -> None:
    given = context(database, messages_dir, tmp_path)
    settings = given.settings.model_copy(update={"second_factor_roles": "administrator, protection"})
    strict = FastAPI()
    mount(strict, type(given)(**{name: getattr(given, name) for name in given.__slots__} | {"settings": settings}))
    browser, page = await password(strict, "administrator@example.org")
    assert page.path == "/console/account/second-factor"
    assert "Your role needs one" in page.text
    assert (await browser.open("/staff")).path == "/console/account/second-factor"
    await enrol(browser)
    assert (await browser.open("/staff")).status == 200
    assert (await password(strict, EDITOR))[1].path == "/console/"


async def test_an_administrator_takes_a_lost_second_factor_away(app: FastAPI, database: Database) -> None:
    await enrol(await Browser(app).sign_in(Role.EDITOR))
    administrator = await Browser(app).sign_in(Role.ADMINISTRATOR)
    with database.read() as db:
        number = db.scalar(select(StaffUser.id).where(StaffUser.role == Role.EDITOR))
    await administrator.submit(await administrator.open("/staff"), f"/staff/{number}/second-factor")
    assert (await password(app))[1].path == "/console/"
    with database.read() as db:
        entry = db.scalars(select(AuditEntry).where(AuditEntry.action == "staff.second_factor_reset")).one()
        assert entry.subject_id == str(number)
        assert db.scalar(select(func.count()).select_from(RecoveryCode)) == 0


async def test_one_sees_where_one_is_signed_in_and_signs_out_there(app: FastAPI, database: Database) -> None:
    elsewhere = await Browser(app).sign_in(Role.EDITOR)
    browser = await Browser(app).sign_in(Role.EDITOR)
    other_person = await Browser(app).sign_in(Role.AGENT)
    page = await browser.open("/account")
    assert len(page.tree.xpath("//tbody/tr")) == 2
    page = await browser.submit(page, "/account/sign-out-elsewhere")
    assert len(page.tree.xpath("//tbody/tr")) == 1
    assert (await elsewhere.open("/")).path == "/console/sign-in"
    assert (await other_person.open("/")).path == "/console/"
    with database.read() as db:
        assert db.scalar(select(func.count()).select_from(StaffSession)) == 2
