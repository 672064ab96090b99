"""Members of staff at the console: they open pages, fill in forms and press buttons, over HTTP like a browser."""

import asyncio
import re
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx
from lxml import html

PASSWORD = "four words for the demo"  # noqa: S105 - of emulated staff, told on the screen


class PageRefused(Exception):
    """The console did not do what was asked."""


@dataclass(frozen=True, slots=True)
class Page:
    """What the browser shows."""

    path: str
    text: str
    forms: tuple[Any, ...]


class Desk:
    """One member of staff, signed in."""

    def __init__(self, url: str) -> None:
        self._browser = httpx.AsyncClient(base_url=url, follow_redirects=True, timeout=60)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._browser.aclose()

    async def welcome(self, token: str) -> None:
        """Set the password by the one-time link."""
        await self.submit(f"/console/welcome/{token}", "password", password=PASSWORD)

    async def sign_in(self, email: str) -> None:
        """Sign in."""
        await self.submit("/console/sign-in", "password", email=email, password=PASSWORD)

    async def open(self, path: str) -> Page:
        """Open a page."""
        return _page(await self._browser.get(path))

    async def submit(
        self, path: str, marker: str, files: dict[str, tuple[str, bytes]] | None = None, **fields: Any
    ) -> Page:
        """Fill in the form of the page whose action or fields name `marker`, and press its button."""
        page = await self.open(path)
        form = next((form for form in page.forms if marker in (form.action or "") or marker in form.fields), None)
        if form is None:
            raise PageRefused(f"{page.path} has no form {marker}")
        values: dict[str, list[str]] = {}  # several boxes of one name may be ticked
        for name, value in form.form_values():
            if name not in fields:
                values.setdefault(name, []).append(value)
        action = form.action or page.path
        return _page(await self._browser.post(action, data={**values, **fields}, files=files))

    async def number(self, path: str, pattern: str) -> int:
        """Read a number off a page."""
        found = re.search(pattern, (await self.open(path)).text)
        if found is None:
            raise PageRefused(f"{path} does not show {pattern}")
        return int(found[1])

    async def wait_for(self, path: str, pattern: str, seconds: float = 60) -> Page:
        """Look again and again until the page shows something."""
        for _ in range(int(seconds * 5)):
            page = await self.open(path)
            if re.search(pattern, page.text):
                return page
            await asyncio.sleep(0.2)
        raise PageRefused(f"{path} does not show {pattern}")


def _page(response: httpx.Response) -> Page:
    if response.status_code >= 400:
        raise PageRefused(f"{response.url.path} answered {response.status_code}")
    root = html.fromstring(response.text)
    return Page(response.url.path, response.text, tuple(root.forms))
