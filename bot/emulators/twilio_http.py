"""What Twilio's APIs have in common: sign-in, errors, pages."""

import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.emulators.twilio_account import TwilioAccount
from bot.emulators.twilio_errors import TwilioError

Endpoint = Callable[[Request], Awaitable[Response]]
LARGEST_PAGE = 1000


class Guard:
    """Let in who knows the account's token, and put errors into Twilio's words."""

    def __init__(self, account: TwilioAccount) -> None:
        self._account = account

    def __call__(self, endpoint: Endpoint) -> Endpoint:
        """Wrap an endpoint."""

        async def guarded(request: Request) -> Response:
            try:
                self._check(request)
                return await endpoint(request)
            except TwilioError as error:
                return JSONResponse(error.as_json(), error.status)

        return guarded

    def _check(self, request: Request) -> None:
        sid = request.path_params.get("account", self._account.sid)
        if _credentials(request) != (self._account.sid, self._account.auth_token) or sid != self._account.sid:
            raise TwilioError(401, 20003, "Authenticate")


def _credentials(request: Request) -> tuple[str, str]:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        user, _, password = base64.b64decode(encoded).decode().partition(":")
    except ValueError:
        return "", ""
    return (user, password) if scheme.lower() == "basic" else ("", "")


@dataclass(frozen=True, slots=True)
class PageOf:
    """One page of a list."""

    items: list[dict[str, Any]]
    number: int
    size: int
    more: bool
    filters: tuple[tuple[str, str], ...]

    def query(self, number: int) -> str:
        """Return the query of another page."""
        return urlencode([*self.filters, ("PageSize", self.size), ("Page", number), ("PageToken", f"PA{number}")])


def paged(request: Request, items: list[dict[str, Any]]) -> PageOf:
    """Cut the page that the request asks for."""
    number = _number(request, "Page", 0)
    size = max(1, min(LARGEST_PAGE, _number(request, "PageSize", 50)))
    end = (number + 1) * size
    paging = ("Page", "PageSize", "PageToken")
    filters = tuple((name, value) for name, value in request.query_params.multi_items() if name not in paging)
    return PageOf(items[number * size : end], number, size, end < len(items), filters)


def _number(request: Request, name: str, default: int) -> int:
    value = request.query_params.get(name, "")
    return int(value) if value.isdigit() else default
