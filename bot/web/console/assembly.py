"""The page groups as one application."""

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.web import outage
from bot.web.console import (
    account,
    alike_members,
    attaching,
    attending,
    audit_trail,
    broadcasts,
    checking,
    choosing,
    composing,
    costs,
    counting,
    documents,
    exports,
    files,
    groups,
    handing_over,
    home,
    importing,
    inbox,
    links,
    live,
    members,
    months,
    moving,
    opportunities,
    own_chat,
    planning,
    proofs,
    provider,
    provider_copies,
    ready,
    rehearsing,
    reports,
    requests,
    response,
    saved_exports,
    senders,
    sessions,
    signing_in,
    staff_users,
    survey_people,
    surveys,
    texts,
    thread,
    tokens,
    uncertain,
    webhooks,
)
from bot.web.console.context import ConsoleContext
from bot.web.console.rendering import STATIC
from bot.web.console.routes import Page
from bot.web.console.serving import endpoint, error, on_http_error
from bot.web.console.speaking import reader_of
from bot.web.security import HEADERS

PAGES: tuple[Page, ...] = (
    *signing_in.pages,
    *provider.pages,
    *home.pages,
    *members.pages,
    *groups.pages,
    *links.pages,
    *proofs.pages,
    *requests.pages,
    *alike_members.pages,
    *provider_copies.pages,
    *importing.pages,
    *choosing.pages,
    *composing.pages,
    *counting.pages,
    *attaching.pages,
    *broadcasts.pages,
    *live.pages,
    *own_chat.pages,
    *uncertain.pages,
    *inbox.pages,
    *ready.pages,
    *thread.pages,
    *files.pages,
    *surveys.pages,
    *survey_people.pages,
    *rehearsing.pages,
    *response.pages,
    *months.pages,
    *planning.pages,
    *sessions.pages,
    *moving.pages,
    *attending.pages,
    *documents.pages,
    *checking.pages,
    *opportunities.pages,
    *handing_over.pages,
    *costs.pages,
    *exports.pages,
    *saved_exports.pages,
    *reports.pages,
    *texts.pages,
    *senders.pages,
    *staff_users.pages,
    *tokens.pages,
    *webhooks.pages,
    *audit_trail.pages,
    *account.pages,
)


class _RowId(Convertor[int]):
    """A row's id in an address: no number that a database column cannot hold."""

    regex = "[0-9]{1,15}"

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


class _Headers:
    """Adds the headers that protect a page; only static files may be kept."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kept = scope["path"].startswith("/console/static/") and scope.get("query_string")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)  # a report brings its own rule of what may load
                headers["Cache-Control"] = "public, max-age=31536000, immutable" if kept else "no-store"
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


def mount(app: FastAPI, context: ConsoleContext) -> None:
    """Put the console under /console/ of the application."""
    register_url_convertor("row", _RowId())
    routes = [Route(page.path, endpoint(page, context), methods=[page.method]) for page in PAGES]
    away = outage.handlers(lambda request: error(reader_of(context, request), 503))
    console = Starlette(
        routes=[*routes, Mount("/static", StaticFiles(directory=STATIC))],
        middleware=[Middleware(_Headers)],
        exception_handlers={HTTPException: on_http_error(context), **away, Exception: on_http_error(context)},
    )
    app.mount("/console", console)
