"""One browser and one installation for all tests of this folder."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from sqlalchemy.orm import Session

from bot import clock
from bot.broadcasts import service as broadcasts
from bot.demo.stage import Stage, stage
from bot.events import service as events
from bot.staff import service as staff
from bot.staff.models import Role
from bot.surveys import service as surveys
from tests.journeys.chat import Person
from tests.journeys.conftest import FAST, SETTINGS, SURVEY, somebody
from tests.web.console_browser import PASSWORD

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
#: Set where these tests must run, such as in CI.
REQUIRED = os.environ.get("OUTREACH_TEST_BROWSER") == "required"


#: When the office was left last; it opens tomorrow morning, when nobody has quiet hours.
_latest = [clock.now().replace(hour=8, minute=0) + timedelta(days=1)]


@pytest.fixture(autouse=True)
def _by_day(office: "Office") -> Iterator[None]:
    clock.move_to(_latest[0])
    yield
    _latest[0] = clock.now()
    clock.reset()


@dataclass
class Office:
    """What the tests act on."""

    stage: Stage
    browser: Browser
    troubles: list[str] = field(default_factory=list)  #: errors of scripts, and requests to anybody else

    async def desk(self, role: Role, *, width: int = 1280, dark: bool = False, script: bool = True) -> Page:
        """Return the page of somebody who is signed in."""
        context = await self.context(width=width, dark=dark, script=script)
        page = await context.new_page()
        await page.goto(f"{self.stage.url}/console/sign-in")
        await page.fill("#email", f"{role}@example.org")
        await page.fill("#password", PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/console/")
        return page

    async def context(self, *, width: int = 1280, dark: bool = False, script: bool = True) -> BrowserContext:
        context = await self.browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            locale="en-GB",
        )
        context.set_default_timeout(15_000)
        context.on("weberror", lambda error: self.troubles.append(str(error.error)))
        context.on("console", lambda said: said.type == "error" and self._note(said.text))
        context.on("request", lambda asked: asked.url.startswith(self.stage.url) or self.troubles.append(asked.url))
        return context

    def _note(self, text: str) -> None:
        if "Failed to load resource" not in text:  # a refusal is an answer, too
            self.troubles.append(text)


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """An installation in which something of everything has happened."""
    if CHROMIUM is None and not REQUIRED:
        pytest.skip("There is no Chromium here: install the system's package chromium to test in a browser")
    data_dir = tmp_path_factory.mktemp("office")
    clock.move_to(_latest[0])
    async with stage(data_dir, limits=FAST, telegram_mode="webhook", **SETTINGS) as opened, async_playwright() as play:
        await opened.app.database.run(_furnish, opened)
        await _meet(somebody(opened), somebody(opened, "whatsapp", "fr"))
        browser = await play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        _latest[0] = clock.now()
        yield Office(opened, browser)
        await browser.close()


async def _meet(*people: Person) -> None:
    for person in people:
        await person.join()
        await person.play("me: HUMAN\nbot: human.ask\nme: Where can I vote?\nbot: human.received")


def _furnish(db: Session, opened: Stage) -> None:
    for role in Role:
        staff.add(db, f"{role}@example.org", f"{role.title()} Person", role, password=PASSWORD)
    editor = staff.find(db, f"{Role.EDITOR}@example.org")
    assert editor
    surveys.publish(db, SURVEY.encode(), "small.md")
    starts = (clock.now() + timedelta(days=30)).replace(hour=18, minute=0, second=0, microsecond=0, tzinfo=None)
    event = events.create(
        db, title={"en": "Saving well"}, starts_local=starts, zone="Africa/Maseru", minutes=60, created_by="1"
    )
    events.publish(db, event)
    what = broadcasts.Draft(title="Bond", purpose="news", texts={"en": "A bond opens.", "fr": "Une obligation."})
    broadcasts.draft(db, opened.app.content, editor, what)
