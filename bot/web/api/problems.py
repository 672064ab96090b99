"""What goes wrong, as RFC 9457 problem details: a code for programs, a sentence with the cure for people."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from bot.broadcasts import service as broadcasts
from bot.contacts.groups import NameTaken
from bot.events import service as events
from bot.exports.options import ExportError
from bot.opportunities import service as opportunities
from bot.staff.roles import Forbidden
from bot.web import outage
from bot.web.console.visit import NotFound

MEDIA_TYPE = "application/problem+json"
#: What is said where nobody said more.
_SAYS: Mapping[int, str] = {
    400: "The request cannot be read: send JSON as docs/api.md and /api/openapi.json describe it.",
    404: "There is nothing at this address: look the number up in the list.",
    405: "This address takes another method: see /api/openapi.json.",
    413: "The request is too large: send less at once.",
    422: "Some fields are wrong: `errors` says which, and why.",
    500: "Something went wrong here: try again later, and tell the administrators if it stays.",
    503: "The database is away for a moment: repeat the call after the seconds of Retry-After.",
}


class Fault(BaseModel):
    """One field that is wrong."""

    where: str
    says: str


class Problem(BaseModel):
    """An answer that is none (RFC 9457)."""

    type: str  #: urn:outreach:<code>
    title: str
    status: int
    detail: str  #: what to do
    errors: list[Fault] = []
    problems: list[str] = []  #: codes of what the checks of a broadcast found


class Refused(Exception):
    """A call that cannot be answered; the message carries the cure."""

    def __init__(self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.headers = status, code, headers


DOCUMENTED: dict[int | str, dict[str, Any]] = {
    status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}}}
    for status in (400, 401, 403, 404, 409, 412, 413, 422, 428, 429)
}


def answer(
    status: int, code: str, detail: str, headers: Mapping[str, str] | None = None, **more: object
) -> JSONResponse:
    """Return a problem as it is sent."""
    said = {"type": f"urn:outreach:{code}", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse({**said, **more}, status, dict(headers or {}), MEDIA_TYPE)


async def _refused(_: Request, reason: Exception) -> JSONResponse:
    assert isinstance(reason, Refused)  # noqa: S101 - registered for it
    return answer(reason.status, reason.code, str(reason), reason.headers)


async def _forbidden(_: Request, reason: Exception) -> JSONResponse:
    return answer(403, "forbidden", str(reason))


async def _not_found(_: Request, __: Exception) -> JSONResponse:
    return answer(404, "not-found", _SAYS[404])


async def _not_possible(_: Request, reason: Exception) -> JSONResponse:
    found = reason.problems if isinstance(reason, broadcasts.HasProblems) else []
    return answer(409, "not-possible", str(reason), problems=sorted({problem.code for problem in found}))


async def _wrong_fields(_: Request, reason: Exception) -> JSONResponse:
    """Say which fields are wrong, never what stood in them."""
    assert isinstance(reason, RequestValidationError)  # noqa: S101 - registered for it
    errors = [{"where": ".".join(map(str, one["loc"])), "says": one["msg"]} for one in reason.errors()]
    return answer(422, "wrong-fields", _SAYS[422], errors=errors)


async def _http(_: Request, reason: Exception) -> JSONResponse:
    assert isinstance(reason, HTTPException)  # noqa: S101 - registered for it
    code = HTTPStatus(reason.status_code).phrase.lower().replace(" ", "-")
    return answer(reason.status_code, code, _SAYS.get(reason.status_code, _SAYS[400]), reason.headers)


async def _failed(_: Request, __: Exception) -> JSONResponse:
    return answer(500, "failed", _SAYS[500])


async def _taken(_: Request, __: Exception) -> JSONResponse:
    return answer(409, "name-taken", "Another group has this name: choose another.")


HANDLERS: dict[int | type[Exception], Any] = {
    Refused: _refused,
    Forbidden: _forbidden,
    NotFound: _not_found,
    NameTaken: _taken,
    broadcasts.NotPossible: _not_possible,
    events.NotPossible: _not_possible,
    opportunities.NotPossible: _not_possible,
    ExportError: _not_possible,
    RequestValidationError: _wrong_fields,
    HTTPException: _http,
    **outage.handlers(lambda _: answer(503, "away", _SAYS[503])),
    Exception: _failed,
}
