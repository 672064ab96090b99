"""Calls to the bot: its webhooks, signed as the providers sign them, and the files it serves."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import aiohttp

SECONDS_TO_ANSWER = 15


class Webhooks:
    """One HTTP client for all calls to the bot."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=SECONDS_TO_ANSWER, connect=5)
            self._session = aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=100))
        return self._session

    async def post(self, url: str, headers: Mapping[str, str], *, form: Any = None, json: Any = None) -> int | None:
        """Return the status of the answer, or None when there was none."""
        try:
            async with self._client().post(url, data=form, json=json, headers=headers, allow_redirects=False) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return None

    async def get(self, url: str) -> tuple[bytes, str] | None:
        """Return what lies at an address, and its declared type; None when nothing does."""
        try:
            async with self._client().get(url) as answer:
                return (await answer.read(), answer.content_type) if answer.status == 200 else None
        except (aiohttp.ClientError, TimeoutError):
            return None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def twilio_signature(auth_token: str, url: str, form: Mapping[str, str]) -> str:
    """Sign a form as Twilio does: HMAC-SHA1 over the URL and the sorted names and values."""
    signed = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    return base64.b64encode(hmac.new(auth_token.encode(), signed.encode(), hashlib.sha1).digest()).decode()
