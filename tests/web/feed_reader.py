"""Programs that read feeds: one of ours that speaks HTTP, and python-odata, which others wrote."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
from fastapi import FastAPI
from odata.service import ODataService


class FeedReader:
    """Reads feeds with one token, which it gives as Power BI does: as the password of any user."""

    def __init__(self, app: FastAPI, secret: str) -> None:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://staff.test/odata/", auth=("any", secret))

    async def get(self, address: str, prefer: str = "", **query: Any) -> httpx.Response:
        """Ask for something below /odata/, or for a whole address; options without their dollar."""
        asked = {f"${name}": value for name, value in query.items()}
        headers = {"Prefer": prefer} if prefer else {}
        return await self.client.get(address, params=asked or None, headers=headers)

    async def pages(self, address: str, prefer: str = "", **query: Any) -> AsyncIterator[dict[str, Any]]:
        """Yield each page."""
        page = (await self.get(address, prefer, **query)).raise_for_status().json()
        yield page
        while "@odata.nextLink" in page:
            page = (await self.get(page["@odata.nextLink"], prefer)).raise_for_status().json()
            yield page

    async def rows(self, address: str, prefer: str = "", **query: Any) -> list[dict[str, Any]]:
        """Return the rows of all pages."""
        return [row async for page in self.pages(address, prefer, **query) for row in page["value"]]


class _Session:
    """What python-odata asks of a session of `requests`."""

    def __init__(self, app: FastAPI, secret: str, prefer: str) -> None:
        self._app, self._auth, self._prefer = app, ("any", secret), {"Prefer": prefer}

    def get(self, url: str, params: Any = None, headers: Any = None, timeout: Any = None) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app)
            async with httpx.AsyncClient(transport=transport, auth=self._auth) as client:
                address = f"{url}?{params}" if params else url
                return await client.get(address, headers={**(headers or {}), **self._prefer})

        return asyncio.run(ask())


def others_client(app: FastAPI, secret: str, size: int) -> ODataService:
    """Return python-odata's client, which learns of the entity sets by itself."""
    session = _Session(app, secret, f"odata.maxpagesize={size}")
    return ODataService("http://staff.test/odata/", session=session, reflect_entities=True, quiet_progress=True)


def plain(entity: Any) -> dict[str, Any]:
    """Return the values of an entity of python-odata's."""
    return dict(entity.__odata__.data)
