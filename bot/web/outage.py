"""The database is away for a moment: whoever asked is told to come back, which providers do by themselves."""

from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.requests import Request
from starlette.responses import Response

from bot.db import is_away

log = structlog.get_logger(__name__)

RETRY_AFTER = "5"  #: seconds

Handler = Callable[[Request, Any], Coroutine[Any, Any, Response]]


def handlers(answer: Callable[[Request], Response]) -> dict[int | type[Exception], Handler]:
    """Return what answers while the database is away; `answer` makes the page or the problem that says so."""

    async def handle(request: Request, failure: Exception) -> Response:
        if not is_away(failure):
            raise failure
        log.warning("the database is away", error=type(failure).__name__)
        response = answer(request)
        response.headers["Retry-After"] = RETRY_AFTER
        return response

    return {DBAPIError: handle, PoolTimeout: handle}
