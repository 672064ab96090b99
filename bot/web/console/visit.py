"""One request of one person, and the ways to answer it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse

from bot.db import Database
from bot.staff.models import Awaits, StaffSession, StaffUser
from bot.staff.roles import Permission, allows
from bot.web.console.context import ConsoleContext
from bot.web.console.rendering import Reader
from bot.web.console.speaking import reader_of
from bot.web.forms import Form
from bot.web.security import form_token

T = TypeVar("T")


class NotFound(Exception):
    """There is no such row."""


class Refused(Exception):
    """A form asks for what is not possible; the message is the code of the sentence that says why."""


def found(row: T | None) -> T:
    """Return the row, or raise NotFound."""
    if row is None:
        raise NotFound
    return row


@dataclass(frozen=True)
class Visit:
    """A request, who makes it, and what was filled in."""

    request: Request
    context: ConsoleContext
    session: StaffSession | None
    visitor: str  #: random name of a browser that is not signed in
    form: Form

    @property
    def database(self) -> Database:
        """Return the database."""
        return self.context.database

    @property
    def owes(self) -> Awaits | None:
        """Return what the visitor has yet to give before the session may be used."""
        return Awaits(self.session.awaits) if self.session and self.session.awaits else None

    @property
    def user(self) -> StaffUser:
        """Return who is signed in; only pages for staff ask."""
        assert self.session is not None  # noqa: S101 - the dispatcher let nobody else in
        return self.session.user

    @property
    def id(self) -> int:
        """Return the row that the address names."""
        return int(self.request.path_params["id"])

    @cached_property
    def reader(self) -> Reader:
        """Return the language of the answer, and how it writes values."""
        return reader_of(self.context, self.request, self.session)

    @cached_property
    def query(self) -> Form:
        """Return what follows the question mark in the address."""
        return Form(self.request.query_params.multi_items())

    @property
    def token(self) -> str:
        """Return the token that this visitor's forms must carry."""
        return self.session.csrf_token if self.session else form_token(self.context.secret, self.visitor)

    @property
    def done(self) -> str:
        """Return the code of what the form before this page did."""
        return self.query.text("done")

    def may(self, permission: str) -> bool:
        """Tell whether the user may do this."""
        return allows(self.user, Permission(permission))

    def is_in(self, path: str) -> bool:
        """Tell whether this page belongs to the page group at `path`."""
        here = self.request.url.path
        return here == path or (path != "/console/" and here.startswith(f"{path}/"))

    def page(self, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """Answer with a page."""
        return HTMLResponse(self.reader.render(f"console/{template}", visit=self, **values), status)

    def go(self, path: str, done: str = "") -> RedirectResponse:
        """Answer a form: on to the page that shows what became of it."""
        return RedirectResponse(f"/console{path}{f'?done={done}' if done else ''}", 303)
