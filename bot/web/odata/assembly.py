"""The routes: what there is, its types, and the rows."""

import json
import re
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI
from sqlalchemy.orm import Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.feeds import following
from bot.feeds.models import Feed
from bot.feeds.reading import Reader
from bot.feeds.shapes import EntitySet, Shape, shapes
from bot.staff import audit
from bot.staff.models import ApiToken
from bot.web.console.context import ConsoleContext
from bot.web.odata import answering, metadata, query
from bot.web.odata.access import enter
from bot.web.odata.problems import HANDLERS, Refused
from bot.web.odata.query import Query

_PATH = re.compile(r"(?P<name>\w+)(?:\((?:respondent=)?'(?P<key>\w+)'\))?(?P<count>/\$count)?", re.ASCII)
_SIZE = re.compile(r"(?:odata\.)?maxpagesize=(\d{1,9})")
_HEADERS = {"OData-Version": "4.0", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def mount(app: FastAPI, context: ConsoleContext) -> None:
    """Put the feeds under /odata/ of the application."""
    feeds = Feeds(context)
    routes = [
        Route("/", feeds.service),
        Route("/$metadata", feeds.metadata),
        Route("/{path:path}", feeds.rows),
    ]
    app.mount("/odata", Starlette(routes=routes, exception_handlers=HANDLERS))


class Feeds:
    """What readers may ask."""

    def __init__(self, context: ConsoleContext) -> None:
        self._context, self._database = context, context.database

    async def service(self, request: Request) -> Response:
        """List the entity sets."""
        await enter(request, self._context)
        return _json(metadata.service(self._root(request), await self._sets()))

    async def metadata(self, request: Request) -> Response:
        """Describe the entity sets."""
        await enter(request, self._context)
        return Response(metadata.document(await self._sets()), 200, _HEADERS, "application/xml")

    async def _sets(self) -> list[EntitySet]:
        found = await self._database.query(shapes)
        return [each for shape in found.values() for each in shape.sets.values()]

    async def rows(self, request: Request) -> Response:
        """Give rows of an entity set, one of them, how many there are, or what has changed."""
        token = await enter(request, self._context)
        asked = _PATH.fullmatch(request.path_params["path"])
        shape = await self._database.query(_shape, asked["name"]) if asked else None
        if asked is None or shape is None:
            raise Refused("There is nothing at this address: /odata/ lists what there is", 404)
        entity_set = shape.sets[asked["name"]]
        wanted = query.read(entity_set, request.query_params.multi_items())
        feed = await self._feed(token, shape, wanted)
        ask = answering.Ask(self._root(request), wanted, request.query_params.multi_items(), _wishes(request))
        if asked["key"]:
            found = await self._database.query(_with(feed, shape, entity_set, partial(answering.one, key=asked["key"])))
            if found is None:
                raise Refused(f"{entity_set.name} has no such row, or it has gone: see {shape.form_id}_withdrawn", 404)
            return _json(answering.entity(ask, found))
        if asked["count"]:
            number = await self._database.query(_with(feed, shape, entity_set, partial(answering.count, ask=ask)))
            return Response(str(number), 200, _HEADERS, "text/plain")
        told = answering.changed if wanted.since else answering.listed
        body = await self._database.query(_with(feed, shape, entity_set, partial(told, ask=ask)))
        return Response(body, 200, _HEADERS | ask.applied, "application/json;odata.metadata=minimal")

    async def _feed(self, token: ApiToken, shape: Shape, wanted: Query) -> Feed:
        """Return the feed, brought up to date where a reading begins; a page that follows goes on as it is."""
        look = following.fresh if wanted.first else following.find
        known = await self._database.query(look, token.id, shape.form_id)
        if known:
            return known
        return await self._database.run(_follow, token.id, shape.form_id)

    def _root(self, request: Request) -> str:
        """Return where we are as the reader sees it, also behind a proxy that speaks https for us."""
        own = request.url
        public = urlsplit(self._context.settings.public_url or "")
        scheme = public.scheme if public.hostname == own.hostname else own.scheme
        return f"{scheme}://{own.netloc}/odata/"


def _shape(db: Session, name: str) -> Shape | None:
    return next((shape for shape in shapes(db).values() if name in shape.sets), None)


def _follow(db: Session, token_id: int, form_id: str) -> Feed:
    db.info[audit.CALLER] = {"token": token_id}
    return following.follow(db, db.get_one(ApiToken, token_id), form_id)


def _with(feed: Feed, shape: Shape, entity_set: EntitySet, function: Any) -> Any:
    return lambda db: function(Reader(db, feed, shape, entity_set))


def _wishes(request: Request) -> answering.Wishes:
    """Return what the reader prefers, and where its patience ends."""
    preferred = ",".join(request.headers.getlist("prefer")).replace(" ", "").lower()
    size = _SIZE.search(preferred)
    newest = request.headers.get("odata-maxversion", "4.01")
    return answering.Wishes(
        size=min(max(int(size[1]), 1), query.MOST) if size else None,
        changes="track-changes" in preferred,
        version="4.0" if newest.strip() == "4.0" else "4.01",
    )


def _json(said: Mapping[str, Any]) -> Response:
    body = json.dumps(said, ensure_ascii=False).encode()
    return Response(body, 200, _HEADERS, "application/json;odata.metadata=minimal")
