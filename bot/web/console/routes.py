"""Routes as data: each page stands beside what it needs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from starlette.responses import Response

from bot.staff.roles import Permission
from bot.web.console.visit import Visit
from bot.web.forms import FORM_LIMIT

Handler = Callable[[Visit], Awaitable[Response]]
Method = Literal["GET", "POST"]


class Open(Enum):
    """Pages that need no permission."""

    ANYONE = "anyone"
    HALF = "half"  #: who gave the password, and may still owe the second factor
    STAFF = "staff"  #: everybody who is signed in


@dataclass(frozen=True, slots=True)
class Page:
    """One route of the console."""

    method: Method
    path: str
    needs: Permission | Open
    handler: Handler
    limit: int  #: bytes of its form


class Pages(list[Page]):
    """The routes of one page group."""

    def get(self, path: str, *, needs: Permission | Open) -> Callable[[Handler], Handler]:
        """Add a page that only shows."""
        return self._add("GET", path, needs, 0)

    def post(self, path: str, *, needs: Permission | Open, limit: int = FORM_LIMIT) -> Callable[[Handler], Handler]:
        """Add a form that changes something."""
        return self._add("POST", path, needs, limit)

    def _add(self, method: Method, path: str, needs: Permission | Open, limit: int) -> Callable[[Handler], Handler]:
        def keep(handler: Handler) -> Handler:
            self.append(Page(method, path, needs, handler, limit))
            return handler

        return keep
