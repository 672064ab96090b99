"""What Twilio keeps of a chat: files that people sent, fetched in pieces; messages and files, deleted on request."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from urllib.parse import urlsplit

import aiohttp
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.rest import Client

from bot.channels.base import FetchFailure, Media
from bot.channels.whatsapp.http import PooledClient

_FILE = re.compile(r"/2010-04-01/Accounts/(?P<account>\w+)/Messages/(?P<message>\w+)/Media/(?P<file>\w+)$")
#: Messages with files have ids of their own kind.
_WITH_FILES = "MM"
_AWAY = (aiohttp.ClientError, asyncio.TimeoutError)


async def fetch(client: Client, http: PooledClient, media: Media) -> AsyncIterator[bytes]:
    """Yield a file that a person sent. The address came from outside: it must be one of our own account's files."""
    path = _of_account(client, media).group()
    try:
        async for piece in http.stream(f"https://api.twilio.com{path}", client.auth):
            yield piece
    except TwilioRestException as error:
        raise _failure(error.status) from None
    except _AWAY as error:
        raise FetchFailure(type(error).__name__, again=True) from None


async def discard(client: Client, media: Media) -> None:
    """Delete a file that a person sent."""
    found = _of_account(client, media)
    try:
        await client.messages(found["message"]).media(found["file"]).delete_async()
    except TwilioRestException as error:
        if error.status != 404:  # gone already
            raise _failure(error.status) from None
    except (*_AWAY, TwilioException) as error:
        raise FetchFailure(type(error).__name__, again=True) from None


def _of_account(client: Client, media: Media) -> re.Match[str]:
    found = _FILE.search(urlsplit(media.reference).path)
    if found is None or found["account"] != client.account_sid:
        raise FetchFailure("foreign_address")
    return found


def _failure(status: int) -> FetchFailure:
    # 404: the webhook may be faster than the file is ready.
    return FetchFailure(str(status), again=status in (404, 409, 429) or status >= 500)


async def forget(client: Client, sids: Sequence[str]) -> list[str]:
    """Delete messages and their files; return those for which Twilio was away, busy, or not done with sending."""
    return [sid for sid in sids if not await _forget_one(client, sid)]


async def _forget_one(client: Client, sid: str) -> bool:
    try:
        if sid.startswith(_WITH_FILES):  # a file outlives its message
            for file in await client.messages(sid).media.list_async():
                await client.messages(sid).media(file.sid).delete_async()
        await client.messages(sid).delete_async()
    except TwilioException as error:
        return _status(error) == 404  # gone already
    except _AWAY:
        return False
    return True


def _status(error: TwilioException) -> int:
    if isinstance(error, TwilioRestException):
        return int(error.status)
    response = error.args[-1] if error.args else None  # a list says it in another way
    return int(getattr(response, "status_code", 0))
