"""What goes wrong, on demand: scripted or random faults, for one phone or for all."""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from bot.emulators.background import Background


class Kind(StrEnum):
    """A way to go wrong; the comment says what `code` and `seconds` of the fault mean."""

    TOO_MANY_REQUESTS = "too_many_requests"  # seconds: retry_after
    BAD_REQUEST = "bad_request"  # code: Twilio's error code; text: Telegram's description
    BLOCKED = "blocked"  # Telegram: 403 as if the person had blocked the bot
    SERVER_ERROR = "server_error"  # code: HTTP status of the HTML page; the call is not carried out
    HANG_THEN_DELIVER = "hang_then_deliver"  # carried out, never answered
    DROP_ANSWER = "drop_answer"  # carried out, the connection cut in the middle of the answer
    DUPLICATE_UPDATE = "duplicate_update"  # Telegram: the same update_id comes twice
    REORDER_UPDATES = "reorder_updates"  # Telegram: comes after the next one; seconds: longest wait for that one
    DUPLICATE_INBOUND = "duplicate_inbound"  # Twilio: the same MessageSid comes twice
    DUPLICATE_STATUSES = "duplicate_statuses"
    REORDER_STATUSES = "reorder_statuses"
    LOSE_STATUSES = "lose_statuses"
    EARLY_STATUSES = "early_statuses"  # the callbacks come before the answer to the POST
    LATE_DELIVERED = "late_delivered"  # seconds: how much later than usual
    FAIL = "fail"  # Twilio: accepted, then failed by callback; code: ErrorCode


INSTEAD_OF_ANSWER = (Kind.TOO_MANY_REQUESTS, Kind.BAD_REQUEST, Kind.BLOCKED, Kind.SERVER_ERROR)
AFTER_ACCEPTING = (Kind.HANG_THEN_DELIVER, Kind.DROP_ANSWER)


@dataclass(slots=True)
class Fault:
    """One fault: for `phone` (its key) or all, the next `times` matching calls (None: for good), with `probability`."""

    kind: Kind
    phone: str | None = None
    times: int | None = 1
    probability: float = 1.0
    code: int = 0
    seconds: float = 1.0
    text: str = "Bad Request: can't parse entities"


class Faults:
    """The faults in force; the same seed gives the same run."""

    def __init__(self, seed: int) -> None:
        self._faults: list[Fault] = []
        self._random = random.Random(seed)

    def add(self, fault: Fault) -> None:
        """Put a fault in force."""
        self._faults.append(fault)

    def clear(self) -> None:
        """Let everything go right again."""
        self._faults.clear()

    def take(self, phone: str, *kinds: Kind) -> Fault | None:
        """Return the fault that strikes this call, if one does, and count it."""
        for fault in self._faults:
            if fault.kind in kinds and fault.phone in (None, phone) and self._random.random() < fault.probability:
                self._count(fault)
                return fault
        return None

    def _count(self, fault: Fault) -> None:
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self._faults.remove(fault)


def server_error(fault: Fault) -> Response:
    """Build the page a broken gateway answers with."""
    status = fault.code or 502
    return HTMLResponse(f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>", status)


class Silence(Response):
    """Never answer; end when the caller has hung up or the world closes."""

    def __init__(self, background: Background) -> None:
        super().__init__()
        self._closing = background.closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for the end of the connection."""
        ends = [asyncio.ensure_future(self._closing.wait()), asyncio.ensure_future(_hung_up(receive))]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
        if self._closing.is_set():
            await Response(status_code=503)(scope, receive, send)


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


class CutAnswer(Response):
    """Begin to answer, then cut the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Promise more bytes than come; the server then closes the connection."""
        headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"', "more_body": True})


def _is_not_a_cut(record: logging.LogRecord) -> bool:
    return record.getMessage() != "ASGI callable returned without completing response."


# uvicorn reports an answer cut on purpose as a defect of the application.
logging.getLogger("uvicorn.error").addFilter(_is_not_a_cut)


def spoil(fault: Fault | None, answer: Response, background: Background) -> Response:
    """Return the answer, or what the fault makes of it."""
    makers: dict[Kind, Callable[[], Response]] = {
        Kind.HANG_THEN_DELIVER: lambda: Silence(background),
        Kind.DROP_ANSWER: CutAnswer,
    }
    return makers[fault.kind]() if fault and fault.kind in makers else answer
