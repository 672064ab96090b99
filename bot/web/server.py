"""Everything we answer over HTTP, as one application."""

from collections.abc import Sequence

from fastapi import FastAPI
from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bot.db import Database
from bot.web import console, hooks, media
from bot.web.console import ConsoleContext
from bot.web.hooks import HookContext


def build(hook_context: HookContext, console_context: ConsoleContext, extra: Sequence[BaseRoute] = ()) -> FastAPI:
    """Return the application: webhooks, health, the console, and what the caller adds (the emulators' phones)."""
    app = FastAPI(title="Diaspora Outreach", docs_url=None, redoc_url=None, openapi_url=None)
    app.router.routes.extend([*hooks.routes(hook_context), *_health(console_context.database)])
    app.router.routes.extend(media.routes(console_context.secret, console_context.settings.media_dir))
    console.mount(app, console_context)
    app.router.routes.extend(extra)
    return app


def _health(database: Database) -> list[BaseRoute]:
    async def alive(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_: Request) -> Response:
        try:
            await database.query(lambda db: db.execute(text("SELECT 1")).scalar_one())
        except Exception:
            return JSONResponse({"status": "database unreachable"}, 503)
        return JSONResponse({"status": "ok"})

    async def home(_: Request) -> Response:
        return RedirectResponse("/console/")

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/", home)]
