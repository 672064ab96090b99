"""The routes as one application, with its document at /api/openapi.json."""

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.web.api import (
    broadcasts,
    contacts,
    exports,
    feeds,
    opportunities,
    problems,
    saved_exports,
    sessions,
    surveys,
    tokens,
)
from bot.web.console.context import ConsoleContext
from bot.web.forms import FORM_LIMIT

ABOUT = """What the console does, for programs of the office. docs/api.md tells how to begin."""


class _Guard:
    """Refuses bodies that are too large, and has no answer kept anywhere."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > FORM_LIMIT:
                raise HTTPException(413)
            return message

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Cache-Control"] = "no-store"
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        await self.app(scope, limited, send_with_headers)


def build(context: ConsoleContext) -> FastAPI:
    """Return the API as an application of its own."""
    api = FastAPI(
        title="Diaspora Outreach",
        version="1",
        description=ABOUT,
        docs_url=None,  # its pages would load scripts from elsewhere
        redoc_url=None,
        responses=problems.DOCUMENTED,
        exception_handlers=problems.HANDLERS,
    )
    api.state.context = context
    for room in (tokens, contacts, broadcasts, surveys, sessions, opportunities, saved_exports, exports, feeds):
        api.include_router(room.router)
    api.add_middleware(_Guard)
    return api


def mount(app: FastAPI, context: ConsoleContext) -> None:
    """Put the API under /api/ of the application."""
    app.mount("/api", build(context))
