"""What goes wrong, as OData says it: a code for programs, a sentence with the cure for people."""

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.staff.roles import Forbidden
from bot.web import outage

_SAYS: Mapping[int, str] = {
    404: "There is nothing at this address: /odata/ lists what there is",
    405: "A feed can only be read: use GET",
    500: "Something went wrong here: try again later, and tell the administrators if it stays",
    503: "The database is away for a moment: ask again after the seconds of Retry-After",
}
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="feeds: any user, and a token as password", Bearer'}


class Refused(Exception):
    """A request that cannot be answered; the message carries the cure."""

    def __init__(self, detail: str, status: int = 400, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.headers = status, dict(headers or {})


def unknown(says: str) -> Refused:
    """Return the refusal of a caller whom we do not know, which has programs ask for a password."""
    return Refused(says, 401, _CHALLENGE)


def answer(status: int, says: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return an error as it is sent."""
    return JSONResponse({"error": {"code": str(status), "message": says}}, status, dict(headers or {}))


async def refused(_: Request, reason: Exception) -> Response:
    """Answer what a reader asked wrongly."""
    assert isinstance(reason, Refused)  # noqa: S101 - registered for it
    return answer(reason.status, str(reason), reason.headers)


async def forbidden(_: Request, reason: Exception) -> Response:
    """Answer a token that may not."""
    return answer(403, str(reason))


async def plain(_: Request, reason: Exception) -> Response:
    """Answer what the framework refuses."""
    assert isinstance(reason, HTTPException)  # noqa: S101 - registered for it
    return answer(reason.status_code, _SAYS.get(reason.status_code, str(reason.detail)), reason.headers)


async def failed(_: Request, __: Exception) -> Response:
    """Answer where the fault is ours."""
    return answer(500, _SAYS[500])


HANDLERS = {
    Refused: refused,
    Forbidden: forbidden,
    HTTPException: plain,
    **outage.handlers(lambda _: answer(503, _SAYS[503])),
    Exception: failed,
}
