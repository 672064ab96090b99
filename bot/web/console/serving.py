"""From a request to a page: who is it, may they, and is the form ours?"""

import hmac
import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from bot import clock
from bot.broadcasts import service as broadcasts
from bot.conversations.merging import CannotMerge
from bot.events import service as events
from bot.events.materials import NoDocument
from bot.opportunities import service as opportunities
from bot.opportunities.costs_sheet import CostsError
from bot.staff import service as staff
from bot.staff import sessions, tokens
from bot.staff.models import Awaits, StaffSession
from bot.staff.roles import Forbidden, require
from bot.web import forms
from bot.web.console.context import ConsoleContext
from bot.web.console.rendering import Reader
from bot.web.console.routes import Open, Page
from bot.web.console.speaking import reader_of
from bot.web.console.visit import NotFound, Refused, Visit
from bot.web.security import local_path, path_of
from bot.webhooks import service as webhooks

SESSION_COOKIE = "outreach_session"
VISITOR_COOKIE = "outreach_visitor"
#: Where what is owed after the password is given.
GATES = {Awaits.CODE: "/sign-in/code", Awaits.FACTOR: "/account/second-factor"}
_TOUCH_EVERY = timedelta(minutes=1)
#: What services raise when a step does not fit where things stand; their messages carry the cure.
REFUSALS = (
    Refused,
    broadcasts.NotPossible,
    events.NotPossible,
    NoDocument,
    opportunities.NotPossible,
    CostsError,
    CannotMerge,
    staff.AlreadyStaff,
    staff.LastAdministrator,
    tokens.NotGranted,
    webhooks.NotRegistered,
)


def endpoint(page: Page, context: ConsoleContext) -> Callable[[Request], Awaitable[Response]]:
    """Return the function that serves a page."""

    async def serve(request: Request) -> Response:
        session = await _session(request, context)
        if elsewhere := _elsewhere(page, session, request):
            return RedirectResponse(elsewhere, 303)
        visitor = request.cookies.get(VISITOR_COOKIE) or secrets.token_urlsafe(16)
        form = await forms.read(request, page.limit) if page.method == "POST" else forms.Form()
        try:
            response = await _answer(page, Visit(request, context, session, visitor, form))
        finally:
            await form.close()
        if session is None and VISITOR_COOKIE not in request.cookies:
            set_cookie(response, context, VISITOR_COOKIE, visitor)
        return response

    return serve


def _elsewhere(page: Page, session: StaffSession | None, request: Request) -> str | None:
    """Return where somebody must go first: to sign in, or to give the second factor."""
    if page.needs in (Open.ANYONE, Open.HALF) and (session or page.needs is Open.ANYONE):
        return None
    if session is None:
        back = f"?next={quote(request.url.path)}" if page.method == "GET" else ""
        return f"/console/sign-in{back}"
    return f"/console{GATES[session.awaits]}" if session.awaits else None


async def _session(request: Request, context: ConsoleContext) -> StaffSession | None:
    token = request.cookies.get(SESSION_COOKIE)
    if not token:
        return None
    session = await context.database.query(sessions.find_session, token)
    if session and session.seen_at < clock.now() - _TOUCH_EVERY:
        await context.database.run(sessions.touch, session.id)
    return session


async def _answer(page: Page, visit: Visit) -> Response:
    try:
        if not isinstance(page.needs, Open):
            require(visit.user, page.needs)
        if page.method == "POST" and not hmac.compare_digest(visit.token.encode(), visit.form.text("token").encode()):
            return error(visit.reader, 403, "stale")
        return await page.handler(visit)
    except NotFound:
        return error(visit.reader, 404)
    except Forbidden as reason:
        return error(visit.reader, 403, "forbidden", sentence(reason))
    except REFUSALS as reason:
        back = local_path(path_of(visit.request.headers.get("referer", "")), "/console/")
        return visit.page("refused.html", 409, reason=sentence(reason), back=back)


def set_cookie(response: Response, context: ConsoleContext, name: str, value: str) -> None:
    """Set a cookie that scripts cannot read and other sites do not send along with forms."""
    response.set_cookie(name, value, path="/console", secure=context.secure_cookies, httponly=True, samesite="lax")


def sentence(reason: Exception) -> str:
    """Return what an error says, in a form that a reader can translate."""
    return str(reason) if len(reason.args) != 1 or not isinstance(reason.args[0], str) else reason.args[0]


def error(reader: Reader, status: int, case: str = "", reason: str = "") -> HTMLResponse:
    """Return the page that says what went wrong and what to do."""
    return HTMLResponse(reader.render("console/error.html", status=status, case=case, reason=reason), status)


def on_http_error(context: ConsoleContext) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Return what answers an address that is none, or a form that is too large or broken."""

    async def answer(request: Request, failure: Exception) -> Response:
        return error(reader_of(context, request), failure.status_code if isinstance(failure, HTTPException) else 500)

    return answer
