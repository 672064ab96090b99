"""What python-telegram-bot's errors mean for a message: the one table of Telegram's words."""

from datetime import timedelta

import aiohttp
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from bot.channels.base import (
    Misconfigured,
    OutcomeUnknown,
    Refused,
    SendFailure,
    TryLater,
    Unreachable,
)

#: Beginnings of a 400's text that say that this chat is the trouble, not the message.
_NO_SUCH_CHAT = ("chat not found", "peer_id_invalid", "user not found")
_GONE = ("user is deactivated", "bot was kicked", "not a member", "group chat was deleted")
#: The call never left us, so that it may be repeated: nobody listens, connecting takes too long, our pool is full.
_NEVER_LEFT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


def failure(error: Exception) -> SendFailure:
    """Return what an error of `send_message` means; the more special class is asked for first."""
    match error:
        case SendFailure():
            return error
        case Forbidden() | BadRequest() if error.__cause__:  # no JSON: a proxy says so, to everybody, not Telegram
            return Misconfigured("403" if isinstance(error, Forbidden) else "400")
        case RetryAfter():
            return TryLater("429", _seconds(error.retry_after), throttled=True)
        case Forbidden():
            return Unreachable("403", gone=any(word in error.message.lower() for word in _GONE))
        case ChatMigrated():
            return Unreachable("migrated", gone=True)
        case InvalidToken():
            return Misconfigured("401")
        case Conflict():  # another poller or a webhook; nothing that sending meets
            return TryLater("409", throttled=True)
        case BadRequest():
            return _bad_request(error)
        case NetworkError():
            return _network(error)
        case KeyError():  # 200 with "ok": false: refused, in words the library does not expect
            return Refused("ok_false")
        case TelegramError():
            return OutcomeUnknown("bad_answer")
        case FileNotFoundError():  # what should be sent does not lie there: nothing left us
            return Misconfigured("file_missing", sender=False)
    return OutcomeUnknown(type(error).__name__)


def _bad_request(error: BadRequest) -> SendFailure:
    text = error.message.lower()
    if any(word in text for word in _NO_SUCH_CHAT):
        return Unreachable("400 chat not found", gone=True)
    # Text too long, bad entity, bad button: the content is wrong for everybody who would get it.
    return Misconfigured("400", sender=False)


def _network(error: NetworkError) -> SendFailure:
    if isinstance(error.__cause__, _NEVER_LEFT):
        return TryLater("no_connection", throttled=True)  # the sender's trouble, not this message's
    if "too many requests" in error.message.lower():
        return TryLater("429", throttled=True)  # a proxy's 429, without the pause to keep
    return OutcomeUnknown("no_answer" if error.__cause__ else "5xx")


def _seconds(value: float | timedelta) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else float(value)
