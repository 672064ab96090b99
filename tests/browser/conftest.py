"""One browser and one installation for all tests of this folder."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from bot import clock
from bot.demo.stage import Stage, stage
from bot.staff.models import Role
from tests.browser.hands import WATCH, Hands
from tests.browser.office import furnish, live
from tests.journeys.chat import Person
from tests.journeys.conftest import FAST, SETTINGS, somebody
from tests.web.console_browser import PASSWORD

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
#: The language says in which order the parts of a date are typed.
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--lang=en-US")
#: Set where these tests must run, such as in CI.
REQUIRED = os.environ.get("OUTREACH_TEST_BROWSER") == "required"


expect.set_options(timeout=30_000)  # a busy machine is no fault of a page

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
    keys: dict[Role, list[Any]] = field(default_factory=dict)  #: the cookies of who has signed in

    async def desk(self, role: Role, *, width: int = 1280, dark: bool = False, script: bool = True) -> Page:
        """Return the page of somebody who is signed in."""
        context = await self.context(width=width, dark=dark, script=script)
        page = await context.new_page()
        if role in self.keys:
            await context.add_cookies(self.keys[role])
            await page.goto(f"{self.stage.url}/console/")
            if (
                page.url == f"{self.stage.url}/console/"
            ):  # else the days that other tests let pass have ended the sign-in
                return page
        await self.sign_in(page, f"{role}@example.org")
        await page.wait_for_url("**/console/")
        self.keys[role] = await context.cookies()
        return page

    async def sign_in(self, page: Page, email: str) -> None:
        await page.goto(f"{self.stage.url}/console/sign-in")
        await page.fill("#email", email)
        await page.fill("#password", PASSWORD)
        await page.keyboard.press("Enter")

    async def at_the_second_step(self, email: str) -> Page:
        """Return the page of somebody who gave the password, and owes the code."""
        page = await (await self.context()).new_page()
        await self.sign_in(page, email)
        await page.wait_for_url("**/console/sign-in/code**")
        return page

    @asynccontextmanager
    async def hands(self, role: Role, path: str = "") -> AsyncIterator[Hands]:
        """Return somebody who works with the keyboard alone, and see that nothing on their way went wrong."""
        self.troubles.clear()
        page = await self.desk(role)
        if path:
            await page.goto(f"{self.stage.url}/console{path}")
        yield Hands(page)
        await page.context.close()
        assert self.troubles == []

    @asynccontextmanager
    async def stranger(self, path: str) -> AsyncIterator[Hands]:
        """Return the hands of somebody who is not signed in."""
        page = await (await self.context()).new_page()
        await page.goto(f"{self.stage.url}/console{path}")
        yield Hands(page)
        await page.context.close()

    async def do(self, function: Any, *args: Any) -> Any:
        """Write to the database, as something that happened meanwhile."""
        return await self.stage.app.database.run(function, *args)

    async def context(self, *, width: int = 1280, dark: bool = False, script: bool = True) -> BrowserContext:
        context = await self.browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            locale="en-GB",
        )
        context.set_default_timeout(45_000)
        await context.add_init_script(WATCH)
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
    settings = {**SETTINGS, "webhook_private": True, "survey_nudges": ""}
    async with stage(data_dir, limits=FAST, telegram_mode="webhook", **settings) as opened, async_playwright() as play:
        await opened.app.database.run(furnish, opened)
        await _meet(somebody(opened), somebody(opened, "whatsapp", "fr"))
        await opened.app.database.run(live, opened)
        browser = await play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        _latest[0] = clock.now()
        yield Office(opened, browser)
        await browser.close()


async def _meet(*people: Person) -> None:
    for person in people:
        await person.join()
        await person.play("me: HUMAN\nbot: human.ask\nme: Where can I vote?\nbot: human.received")
