"""The twilio client's HTTP: the asynchronous one with its time limit kept, and both at another address if asked."""

import base64
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from twilio.base.exceptions import TwilioRestException
from twilio.http import AsyncHttpClient
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response

PIECE = 256 * 1024  #: bytes of a file that are read at a time
CONNECT = 5.0  #: seconds to wait for a connection, a place in the pool included


_REDIRECTS = (301, 302, 303, 307, 308)


def at(base: str, url: str) -> str:
    """Return the URL moved to `base` (an emulator); unchanged when there is none."""
    if not base:
        return url
    parts = urlsplit(url)
    return base + parts.path + (f"?{parts.query}" if parts.query else "")


class PooledClient(AsyncHttpClient):  # type: ignore[misc]
    """Like twilio's own, which ignores its timeout and, asked to retry, repeats a POST after a 5xx."""

    def __init__(self, base: str, timeout: float, pool: int) -> None:
        self.is_async = True
        self.timeout = timeout
        self._base, self._pool = base, pool
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Open the pool; must run inside the event loop."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._pool, keepalive_timeout=15),
            # Waiting for a place in the pool must not look like waiting for an answer.
            timeout=aiohttp.ClientTimeout(connect=CONNECT, sock_connect=CONNECT, sock_read=self.timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """Close the pool."""
        if self._session is not None:
            await self._session.close()

    async def post(self, uri: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Post once, never again by itself; return the status and the answer."""
        if self._session is None:
            await self.open()
        assert self._session is not None  # noqa: S101 - set by open
        async with self._session.post(
            at(self._base, uri), data=body, headers=headers, allow_redirects=False
        ) as response:
            return response.status, await response.read()

    async def request(
        self,
        method: str,
        uri: str,
        params: dict[str, Any] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's signature
        allow_redirects: bool = False,
    ) -> Response:
        if self._session is None:
            await self.open()
        assert self._session is not None  # noqa: S101 - set by open
        async with self._session.request(
            method.upper(),
            at(self._base, uri),
            params=params,
            data=data,
            headers=authorised(headers, auth),
            allow_redirects=allow_redirects,
        ) as response:
            return Response(response.status, await response.text(), response.headers)

    async def stream(self, uri: str, auth: tuple[str, str]) -> AsyncIterator[bytes]:
        """Yield a file. Twilio refers to where it lies, at another host that must not see the credentials."""
        if self._session is None:
            await self.open()
        assert self._session is not None  # noqa: S101 - set by open
        async with self._session.get(
            at(self._base, uri), headers=authorised(None, auth), allow_redirects=False
        ) as response:
            elsewhere = response.headers.get("Location") if response.status in _REDIRECTS else None
            if elsewhere is None:
                async for piece in _pieces(response):
                    yield piece
                return
        async with self._session.get(elsewhere, allow_redirects=False) as response:
            async for piece in _pieces(response):
                yield piece


async def _pieces(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    if response.status != 200:
        raise TwilioRestException(response.status, "", f"HTTP {response.status}")
    async for piece in response.content.iter_chunked(PIECE):
        yield piece


def authorised(headers: dict[str, str] | None, auth: tuple[str, str] | None) -> dict[str, str]:
    """Write basic authentication ourselves: aiohttp's own argument for it is on its way out."""
    if auth is None:
        return headers or {}
    credentials = base64.b64encode(":".join(auth).encode()).decode()
    return {**(headers or {}), "Authorization": f"Basic {credentials}"}


class MovedClient(TwilioHttpClient):  # type: ignore[misc]
    """twilio's synchronous client, at another address."""

    def __init__(self, base: str, timeout: float) -> None:
        super().__init__(timeout=timeout)
        self._base = base

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        return super().request(method, at(self._base, url), *args, **kwargs)
