"""Every page in a real browser: usable by all, on a phone too, light and dark, small, and asking nobody else."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Page

from bot.staff import service as staff
from bot.staff.models import Role
from bot.staff.roles import ROLES
from bot.web.console import PAGES
from bot.web.console.rendering import STATIC
from bot.web.console.routes import Open
from tests.browser.conftest import Office
from tests.browser.office import CAREFUL, colleague

pytestmark = pytest.mark.asyncio(loop_scope="package")

#: What is no page, and why it is not opened here.
NO_PAGES = {
    "/sign-in/provider": "leads to the organisation's own sign-in",
    "/sign-in/provider/back": "comes back from there",
    "/members/links/poster": "a PDF to save",
    "/audience": "a number within a page",
    "/broadcasts/{id:row}/counted": "a part of a page",
    "/broadcasts/{id:row}/progress": "a part of a page",
    "/broadcasts/{id:row}/progress/stream": "a part of a page, again and again",
    "/surveys/{id:row}/progress": "a part of a page",
    "/exports/progress": "a part of a page",
    "/exports/progress/stream": "a part of a page, again and again",
    "/attachments/{name}": "a picture or PDF",
    "/members/files/{id:row}": "a file of a member",
    "/inbox/files/{id:row}": "a file of a member",
    "/surveys/{id:row}/file": "a file of a form",
    "/sessions/{id:row}/attendance.csv": "a file to save",
    "/sessions/{id:row}/documents": "a file to save",
    "/exports/{id:row}/withdrawn": "a file to save",
    "/exports/{id:row}/{name}": "a file to save",
    "/reports/{id:row}/{kind}": "a report of its own to save and hand on, with its letters inside: tests/reports",
}
#: Who sees most of a page; the others belong to the first of ROLES that may open them.
BEST = {
    "/broadcasts/{id:row}": Role.APPROVER,
    "/opportunities/{id:row}": Role.EDITOR,
    "/members/alike": Role.PROTECTION,
}
READERS = (Role.PROTECTION, Role.EDITOR, Role.ADMINISTRATOR, Role.AGENT)
#: All of the page: compressed answers are not counted as small.
MOST_BYTES = 150_000
ALL_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: What may differ between light and dark, narrow and wide; the other rules read the markup, which is the same.
LOOKS = ["color-contrast", "target-size", "scrollable-region-focusable", "link-in-text-block"]
#: What is drawn anew for a narrow window: its colours are tried in all four; those of the rest do not depend on width.
FRAME = "body > :first-child, .rail"
WRONG = """
([only, place]) => axe.run(place, {runOnly: only, resultTypes: ["violations"]}).then((found) =>
  found.violations.flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.html.slice(0, 160)}`)))
"""
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
#: The page and all that it loaded, as they are once they are unpacked.
WEIGHT = """
["navigation", "resource"].flatMap((kind) => performance.getEntriesByType(kind))
  .reduce((sum, one) => sum + one.decodedBodySize, 0)
"""
#: What a name or a label leads to: no two things have one name, and each label is of a field.
UNNAMED = """
[...document.querySelectorAll("[id]")].filter((one) => document.getElementById(one.id) !== one)
  .concat([...document.querySelectorAll("label")].filter((one) => !one.control))
  .map((one) => one.outerHTML.slice(0, 120))
"""
#: In one column, the next stop of the Tab key is never entirely above the last one, or before it on its line.
OUT_OF_ORDER = """
[...document.querySelectorAll("main :is(a[href], button, input:not([type=hidden]), select, textarea, summary)")]
  .filter((one) => one.checkVisibility({visibilityProperty: true}))
  .map((one) => [one, one.getClientRects()[0]])
  .filter(([, box], at, all) => at > 0 && box && all[at - 1][1] && (box.bottom <= all[at - 1][1].top
    || (box.right <= all[at - 1][1].left && box.top < all[at - 1][1].bottom && box.bottom > all[at - 1][1].top)))
  .map(([one]) => one.outerHTML.slice(0, 120))
"""


def placed() -> Iterator[tuple[str, Role | None]]:
    """Return every page, and who looks at it; None: somebody who is not signed in."""
    for page in PAGES:
        if page.method != "GET" or page.path in NO_PAGES:
            continue
        if page.needs is Open.ANYONE or page.path == "/sign-in/code":
            yield page.path, None
        else:
            may = [role for role in READERS if isinstance(page.needs, Open) or page.needs in ROLES[role]]
            yield page.path, BEST.get(page.path, may[0])


async def addresses(office: Office) -> dict[str, str]:
    """Return the addresses of pages that need more than a row with the number 1."""

    def invited(db: Any) -> str:
        return staff.invite(db, colleague(db, Role.ANALYST), None)

    link = await office.do(invited)
    return {"/welcome/{link}": f"/welcome/{link}", "/texts/template/{name}": "/texts/template/announcement"}


async def looked_at(page: Page, url: str, *, first: bool) -> list[str]:
    """Return what is wrong with a page in each width and colour scheme; the frame is looked at once for each reader."""
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size({"width": 1280, "height": 800})
    answer = await page.goto(url)
    assert answer
    found = [] if answer.status == 200 and page.url == url else [f"{answer.status} at {page.url}"]
    weight = await page.evaluate(WEIGHT) + (STATIC / "mark.svg").stat().st_size
    found += [f"{weight} bytes"] if weight > MOST_BYTES else []
    found += await page.evaluate(WRONG, [ALL_RULES, "html"])
    found += [f"names nothing, or two things: {one}" for one in await page.evaluate(UNNAMED)]
    await page.emulate_media(color_scheme="dark")
    found += await page.evaluate(WRONG, [LOOKS, FRAME]) if first else []
    await page.set_viewport_size({"width": 360, "height": 800})
    found += await page.evaluate(WRONG, [LOOKS, "html"])
    wide = await page.evaluate(TOO_WIDE)
    found += [f"{wide} pixels too wide"] if wide > 0 else []
    found += [f"out of order: {one}" for one in await page.evaluate(OUT_OF_ORDER)]
    await page.emulate_media(color_scheme="light")
    return found + (await page.evaluate(WRONG, [LOOKS, FRAME]) if first else [])


async def test_every_page_is_free_of_barriers_and_fits(office: Office) -> None:
    office.troubles.clear()
    known = await addresses(office)
    wrong: dict[str, list[str]] = {}
    by_reader: dict[Role | None, list[str]] = {}
    for path, reader in placed():
        by_reader.setdefault(reader, []).append(path)
    for reader, paths in by_reader.items():
        page = await office.desk(reader) if reader else await office.at_the_second_step(CAREFUL)
        await page.context.add_init_script(AXE_SCRIPT)
        for path in paths:
            address = known.get(path, path.replace("{id:row}", "1"))
            if found := await looked_at(page, f"{office.stage.url}/console{address}", first=path is paths[0]):
                wrong[path] = found
        await page.context.close()
    assert wrong == {}, json.dumps(wrong, indent=1)
    assert office.troubles == []
    assert {page.path for page in PAGES if page.method == "GET"} >= set(NO_PAGES)
