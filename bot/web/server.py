"""Everything we answer over HTTP, as one application."""

from collections.abc import Awaitable, Sequence

from fastapi import FastAPI
from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bot.db import Database
from bot.messaging.made import Makers
from bot.web import api, calendars, console, hooks, media, metrics, odata, outage
from bot.web.console import ConsoleContext
from bot.web.hooks import HookContext


def build(
    hook_context: HookContext, console_context: ConsoleContext, makers: Makers, extra: Sequence[BaseRoute] = ()
) -> FastAPI:
    """Return the application: webhooks, health, files, console, API, and what the caller adds (emulated phones)."""
    away = outage.handlers(lambda _: PlainTextResponse("The database is away: try again", 503))
    app = FastAPI(
        title="Diaspora Outreach",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        exception_handlers=away,
    )
    app.router.routes.extend([*hooks.routes(hook_context), *_health(console_context.database)])
    secret, database = console_context.secret, console_context.database
    token = console_context.settings.metrics_token.get_secret_value()
    app.router.routes.extend(metrics.routes(database, token))

    def make(reference: str) -> Awaitable[bytes | None]:
        return database.query(makers.make, reference)

    app.router.routes.extend(media.routes(secret, makers.media_dir, make))
    app.router.routes.extend(calendars.routes(database, console_context.content, secret))
    console.mount(app, console_context)
    api.mount(app, console_context)
    odata.mount(app, console_context)
    app.router.routes.extend(extra)
    return app


def _health(database: Database) -> list[BaseRoute]:
    async def alive(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_: Request) -> Response:
        try:
            await database.query(lambda db: db.execute(text("SELECT 1")).scalar_one())
        except Exception:
            return JSONResponse({"status": "database unreachable"}, 503, {"Retry-After": outage.RETRY_AFTER})
        return JSONResponse({"status": "ok"})

    async def home(_: Request) -> Response:
        return RedirectResponse("/console/")

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/", home)]
