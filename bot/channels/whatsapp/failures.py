"""What Twilio's error codes mean for a message: one table for the answer of the call and for the status callback."""

import asyncio
from collections.abc import Callable

import aiohttp
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException

from bot.channels.base import (
    Misconfigured,
    NeedsTemplate,
    OptedOut,
    OutcomeUnknown,
    Refused,
    SendFailure,
    TryLater,
    Unreachable,
)

_Make = Callable[[str], SendFailure]


def _throttled(code: str) -> SendFailure:
    return TryLater(code, throttled=True)


def _slow_down(code: str) -> SendFailure:
    return TryLater(code, after=60, throttled=True)  # WhatsApp wants minutes, not seconds


def _once_more(code: str) -> SendFailure:
    return TryLater(code, most=2)


def _gone(code: str) -> SendFailure:
    return Unreachable(code, gone=True)


def _content(code: str) -> SendFailure:
    return Misconfigured(code, sender=False)


def _suspect(code: str) -> SendFailure:
    return Refused(code, suspect=True)


_TABLE: tuple[tuple[_Make, tuple[int, ...]], ...] = (
    (_throttled, (20429, 30001, 30022, 14107)),
    (_slow_down, (63018,)),
    (TryLater, (20500, 20503, 63009, 63010, 63012)),
    (_once_more, (30008,)),
    (NeedsTemplate, (63016,)),
    (OptedOut, (21610, 63033)),
    (Unreachable, (63014,)),  # the person blocked us: not for ever
    (_gone, (21211, 21614, 63003, 63024, 30003, 30004, 30005, 30006)),
    (_content, (63005, 63006, 63013, 63021, 63027, 63028, 63030, 63040, 63041)),
    (_content, (21617, 21654, 21655, 21656, 21658, 63019, 63037)),
    (Misconfigured, (63007, 63001, 63002, 63008, 63020, 21703, 21704, 21705, 20003, 20404)),
    # 131050, Meta's own: wants no marketing, which ends neither reminders nor answers.
    (Refused, (21408, 63049, 63032, 63015, 63035, 63036, 131050)),
    (_suspect, (30007, 63026)),  # taken for spam
)
_BY_CODE: dict[int, _Make] = {code: make for make, codes in _TABLE for code in codes}
CODES = tuple(_BY_CODE)


def from_code(code: int) -> SendFailure:
    """Return the failure of a code; an unknown one fails this message, and many of them pause a broadcast."""
    return _BY_CODE.get(code, _suspect)(str(code))


def failure(error: Exception) -> SendFailure:
    """Return what an error of the call that creates a message means."""
    match error:
        case TwilioRestException() | TwilioServiceException():
            return _refused(error.status, error.code)
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError():
            return TryLater("no_connection", throttled=True)  # the sender's trouble, not this message's
        case aiohttp.ClientError() | asyncio.TimeoutError() | TwilioException():
            return OutcomeUnknown("no_answer")
    return OutcomeUnknown(type(error).__name__)


def _refused(status: int, code: int | None) -> SendFailure:
    if status == 429:
        return TryLater(str(code or status), throttled=True)
    if status >= 500:
        return OutcomeUnknown("5xx")
    if code and code != status:  # the library puts the status where an answer has no code
        return from_code(code)
    # Not Twilio's own words: a proxy stands between us, and says the same to everybody.
    return Misconfigured(str(status)) if status in (401, 403, 404, 407) else Refused(str(status), suspect=True)
