"""Every page in a real browser: usable by all, on a phone too, and asking nobody else for anything."""

from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe

from bot.staff.models import Role
from bot.staff.roles import ROLES
from bot.web.console import PAGES
from bot.web.console.routes import Open
from tests.browser.conftest import Office

pytestmark = pytest.mark.asyncio(loop_scope="package")

#: Rules of axe that look at the whole page and cost most; those on colours run with them.
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
#: Answers that are files, or parts of a page.
NO_PAGES = (
    "/stream", "/progress", "/counted", "/audience", ".csv", ".xlsx", "/withdrawn", "/files/", "/attachments/",
    "/download",
)  # fmt: skip
#: Together they may open every page.
ROLES_SEEN = (Role.ADMINISTRATOR, Role.PROTECTION, Role.AGENT)


def paths(role: Role) -> list[str]:
    """Return the pages that a role may open, with the first row of each kind."""
    shown = (page for page in PAGES if page.method == "GET" and not any(part in page.path for part in NO_PAGES))
    mine = (page.path for page in shown if isinstance(page.needs, Open) or page.needs in ROLES[role])
    return [path.replace("{id:row}", "1").replace("{name}", "announcement").replace("{link}", "x") for path in mine]


async def violations(page: Any) -> list[str]:
    found = await Axe().run(page, options=RULES)
    return [f"{one['id']}: {node['html'][:160]}" for one in found.response["violations"] for node in one["nodes"]]


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (360, True)])
async def test_every_page_is_free_of_barriers_and_fits(office: Office, width: int, dark: bool) -> None:
    office.troubles.clear()
    seen: set[str] = set()
    wrong: dict[str, list[str]] = {}
    for role in ROLES_SEEN:
        page = await office.desk(role, width=width, dark=dark)
        for path in paths(role):
            if path in seen:
                continue
            seen.add(path)
            await page.goto(f"{office.stage.url}/console{path}")
            found = await violations(page)
            wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if found or wide > 0:
                wrong[path] = [*found, *([f"{wide} pixels too wide"] if wide > 0 else [])]
        await page.context.close()
    assert wrong == {}
    assert office.troubles == []
    assert seen >= {path for role in Role for path in paths(role)}
