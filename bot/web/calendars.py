"""Calendars over HTTP: a member's feed, one session's file, and the feed of what is open to all."""

import base64
import hmac
import re

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.content import Content
from bot.content.languages import LANGUAGES, SOURCE
from bot.db import Database
from bot.events import calendars, feeds

_ONE = re.compile(r"([0-9]{1,15}-[0-9]{1,15})-([A-Za-z0-9_-]{16})")
_HEADERS = {"Cache-Control": "private, max-age=300", "X-Content-Type-Options": "nosniff", "X-Robots-Tag": "noindex"}


def address(secret: bytes, public_url: str, reference: str) -> str:
    """Return the address at which a person can open the calendar file with this reference."""
    name = reference.removeprefix(calendars.PREFIX).removesuffix(".ics")
    return f"{public_url}/calendar/{name}-{_signature(secret, name)}.ics"


def routes(database: Database, content: Content, secret: bytes) -> list[Route]:
    """Return GET /calendar/{name}.ics: `open`, a signed session, or the token of a member's feed."""

    async def fetch(request: Request) -> Response:
        name, language = request.path_params["name"], request.query_params.get("language", SOURCE)
        found = await database.query(_find, content, secret, name, language if language in LANGUAGES else SOURCE)
        if found is None:
            return PlainTextResponse("Not found", 404, headers=_HEADERS)
        return Response(found, media_type=f"{calendars.CONTENT_TYPE}; charset=utf-8", headers=_HEADERS)

    return [Route("/calendar/{name}.ics", fetch)]


def _find(db: Session, content: Content, secret: bytes, name: str, language: str) -> bytes | None:
    if name == "open":
        return calendars.public(db, content, language)
    signed = _ONE.fullmatch(name)
    if signed and hmac.compare_digest(signed[2].encode(), _signature(secret, signed[1]).encode()):
        return calendars.make(db, content, f"{signed[1]}.ics")
    contact = feeds.whose(db, name)
    return None if contact is None else calendars.feed(db, content, contact)


def _signature(secret: bytes, name: str) -> str:
    return base64.urlsafe_b64encode(hmac.digest(secret, f"calendar\n{name}".encode(), "sha256")[:12]).decode()
