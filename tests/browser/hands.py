"""Somebody who uses the console without a mouse: only keys, and only what the focus shows them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Locator, Page, expect

#: Tabs after which a control counts as out of reach.
MOST = 150
#: Notes, before any script of the page runs, each place that the focus came to without showing itself.
WATCH = """
window.unseen = [];
addEventListener("focusin", (event) => {
  const style = getComputedStyle(event.target);
  const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  if (!ring && style.boxShadow === "none") window.unseen.push(event.target.outerHTML.slice(0, 120));
});
"""
#: How many stops of the Tab key lie between the focus and an element; below zero: it comes before.
STOPS = """
(wanted) => {
  const all = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
  const at = document.activeElement;
  const isStop = (one) => !one.disabled && one.checkVisibility({visibilityProperty: true})
    && !(one.type === "radio" && (one.form.querySelector(`input[name="${one.name}"]:checked`) ?? one) !== one);
  const stops = [...document.querySelectorAll(all)].filter((one) => one === wanted || isStop(one));
  const follows = (one, other) => one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING;
  if (at === document.body) return stops.indexOf(wanted) + 1;
  const between = stops.filter((one) => one !== at && one !== wanted && (follows(at, wanted)
    ? follows(at, one) && follows(one, wanted) : follows(wanted, one) && follows(one, at)));
  return at === wanted ? 0 : follows(at, wanted) ? between.length + 1 : -between.length - 1;
}
"""
#: How many lines of a list lie between the chosen one and the one that begins so.
TO_LINE = "(list, text) => [...list.options].findIndex((one) => one.text.startsWith(text)) - list.selectedIndex"
HAS_FOCUS = "(wanted) => wanted === document.activeElement"
#: The focus is within the window, and nothing lies over it.
IS_SHOWN = """
(one) => {
  const box = one.getBoundingClientRect();
  const [x, y] = [box.left + Math.min(box.width / 2, 8), box.top + Math.min(box.height / 2, 8)];
  const top = document.elementFromPoint(x, y);
  return !!top && (one.contains(top) || top.contains(one) || top.closest("label")?.control === one);
}
"""


@dataclass
class Hands:
    """The keys of one person, on one page."""

    page: Page

    @property
    def main(self) -> Locator:
        """The page without its menu."""
        return self.page.locator("main")

    async def reach(self, name: str, *, role: str = "", of: Locator | None = None, starts: bool = False) -> Locator:
        """Go to a control with the Tab key; it is told by its name, or by a role and a name (or what is in it)."""
        wanted = self._found(name, role, of or self.page, not starts)
        stops = await wanted.evaluate(STOPS)
        await self._tab(max(-MOST, min(stops, MOST)))
        for _ in range(MOST - abs(stops)):  # a control that has several stops of its own, such as a date
            if await wanted.evaluate(HAS_FOCUS):
                break
            await self.page.keyboard.press("Tab")
        assert await wanted.evaluate(HAS_FOCUS), f"{MOST} times Tab do not lead to {name}"
        assert await wanted.evaluate(IS_SHOWN), f"{name} has the focus where nobody sees it"
        unseen = await self.page.evaluate("window.unseen")
        assert unseen == [], unseen
        return wanted

    @staticmethod
    def _found(name: str, role: Any, place: Page | Locator, exact: bool) -> Locator:
        if role:
            return place.get_by_role(role, name=name, exact=exact).first
        return place.get_by_label(name, exact=exact).first

    async def _tab(self, stops: int) -> None:
        """Hold the Tab key for so many stops, back with Shift."""
        if stops < 0:
            await self.page.keyboard.down("Shift")
        await asyncio.gather(*(self.page.keyboard.down("Tab") for _ in range(abs(stops))))
        await self.page.keyboard.up("Tab")
        if stops < 0:
            await self.page.keyboard.up("Shift")

    async def write(self, label: str, text: str, *, of: Locator | None = None) -> None:
        """Type into a field."""
        field = await self.reach(label, of=of)
        await self.page.keyboard.press("Control+A")
        await self.page.keyboard.insert_text(text)
        assert await field.input_value() == text

    async def date(self, label: str, moment: str) -> None:
        """Type a day, or a day and a time, part by part: given as the field keeps it, such as 2026-12-20T18:30."""
        field = await self.reach(label)
        while await field.evaluate(HAS_FOCUS):  # whoever came from behind stands at its last part
            await self.page.keyboard.press("Shift+Tab")
        await self.page.keyboard.press("Tab")
        day, _, time = moment.partition("T")
        year, month, date = day.split("-")
        for part in (month, date, year):
            await self.page.keyboard.type(part)
        if time:
            hour, minute = time.split(":")
            await self.page.keyboard.press("ArrowRight")
            for part in (f"{int(hour) % 12 or 12:02}", minute, "PM" if int(hour) >= 12 else "AM"):
                await self.page.keyboard.type(part)
        written = await field.input_value()
        assert written == moment, written

    async def choose(self, label: str, option: str, *, starts: bool = False) -> None:
        """Choose from a list with the arrows."""
        field = await self.reach(label, starts=starts)
        steps = await field.evaluate(
            "(list, text) => [...list.options].findIndex((one) => one.text.startsWith(text)) - list.selectedIndex",
            option,
        )
        for _ in range(abs(steps)):
            await self.page.keyboard.press("ArrowDown" if steps > 0 else "ArrowUp")
        chosen = await field.evaluate("(list) => list.selectedOptions[0].text")
        assert str(chosen).startswith(option), chosen

    async def next(self, label: str) -> None:
        """Choose the line after the chosen one."""
        await self.reach(label)
        await self.page.keyboard.press("ArrowDown")

    async def jump(self, name: str, to: str) -> None:
        """Follow a link within the page, and be at its end: the next Tab goes on from there."""
        await self.reach(name, role="link", of=self.main)
        await self.page.keyboard.press("Enter")
        assert await self.page.evaluate("location.hash") == f"#{to}"
        await self.page.keyboard.press("Tab")

    async def says(self, text: str) -> None:
        """Be led to what went wrong: the focus is on its summary when the page opens."""
        summary = self.page.get_by_role("alert")
        await expect(summary).to_contain_text(text)
        at = await self.page.evaluate("document.activeElement.outerHTML.slice(0, 120)")
        assert await summary.first.evaluate(HAS_FOCUS), f"the focus is not on what went wrong but on {at}"

    async def tick(self, label: str, *, of: Locator | None = None, starts: bool = False) -> None:
        """Tick a box, or choose a round one."""
        box = await self.reach(label, of=of, starts=starts)
        await self.page.keyboard.press("Space")
        assert await box.is_checked()

    async def open(self, summary: str) -> None:
        """Unfold a part of the page."""
        await self.page.keyboard.press("Escape")
        folded = self.page.locator("summary", has_text=summary).first
        await self._tab(await folded.evaluate(STOPS))
        assert await folded.evaluate(HAS_FOCUS), summary
        await self.page.keyboard.press("Enter")

    async def press(self, name: str, *, of: Locator | None = None, starts: bool = False) -> None:
        """Press a button, and wait for the page it leads to."""
        await self.reach(name, role="button", of=of, starts=starts)
        async with self.page.expect_navigation():
            await self.page.keyboard.press("Enter")

    async def follow(self, name: str, *, of: Locator | None = None, starts: bool = False) -> None:
        """Follow a link."""
        await self.reach(name, role="link", of=of, starts=starts)
        async with self.page.expect_navigation():
            await self.page.keyboard.press("Enter")

    async def skip(self) -> None:
        """Jump over the menu by the first link of the page."""
        await self.reach("Skip to the page", role="link")
        await self.page.keyboard.press("Enter")
        assert await self.page.evaluate("document.activeElement.id") == "main"

    @asynccontextmanager
    async def file(self, label: str, *, role: str = "") -> AsyncIterator[Any]:
        """Open the system's window in which a file is chosen; what it gives takes the file."""
        await self.reach(label, role=role)
        async with self.page.expect_file_chooser() as chosen:
            await self.page.keyboard.press("Space")
        yield await chosen.value

    async def reads(self, text: str, within: str = "main") -> None:
        """Find a text on the page."""
        await expect(self.page.locator(within)).to_contain_text(text)
