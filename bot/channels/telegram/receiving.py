"""What Telegram keeps of a chat: files that people sent, fetched in pieces; our messages, deleted while it lets us."""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

from telegram import Bot
from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError, RetryAfter, TelegramError

from bot.channels.base import FetchFailure, Media
from bot.channels.telegram.http import AiohttpRequest

_AT_ONCE = 100  #: messages that one call deletes


async def fetch(bot: Bot, http: AiohttpRequest, media: Media) -> AsyncIterator[bytes]:
    """Yield a file that a person sent; the address that getFile names holds the token and is told to nobody."""
    try:
        file = await bot.get_file(media.reference)
        async for piece in http.stream(file.file_path or ""):
            yield piece
    except TelegramError as error:
        raise _failure(error) from None


def _failure(error: TelegramError) -> FetchFailure:
    if isinstance(error, BadRequest):  # a NetworkError too, so it is asked for first
        return FetchFailure("too_large" if "too big" in error.message.lower() else "gone")
    if isinstance(error, Forbidden | InvalidToken):
        return FetchFailure("refused", again=True)  # of our configuration: staff put it right
    return FetchFailure("no_answer" if isinstance(error, NetworkError) else type(error).__name__, again=True)


async def forget(bot: Bot, address: str, ids: Sequence[str]) -> list[str]:
    """Delete messages of ours that are younger than 48 hours; return the ids for which Telegram was not there."""
    left: list[str] = []
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        try:
            await _delete(bot, address, [int(one) for one in some])
        except (RetryAfter, NetworkError):
            left += some
        except TelegramError:  # blocked, gone: there is nothing that we may delete
            continue
    return left


async def _delete(bot: Bot, address: str, ids: Sequence[int]) -> None:
    try:
        await bot.delete_messages(address, ids)
    except BadRequest:  # one that is too old spoils the call
        for one in ids:
            with suppress(BadRequest):
                await bot.delete_message(address, one)
