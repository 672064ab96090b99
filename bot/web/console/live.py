"""Progress as it happens: server-sent events, and the same part of the page for browsers that ask again and again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from sqlalchemy.orm import Session
from starlette.responses import Response, StreamingResponse

from bot.broadcasts import progress
from bot.broadcasts.models import Broadcast
from bot.messaging.models import Status
from bot.staff.roles import Permission
from bot.web.console.routes import Pages
from bot.web.console.visit import Visit, found

pages = Pages()

ORDER = (*Status, progress.ERASED)
#: Seconds between two looks at the database, and until the browser has to come again, with its sign-in looked at anew.
LOOK, LASTS = 1.0, 20.0
#: Most streams of one process; others ask again and again instead.
MOST = 50
_FINAL = "data-final"
_open: set[object] = set()
#: What draws the part anew.
Draw = Callable[[Visit], Awaitable[str]]


@pages.get("/broadcasts/{id:row}/progress", needs=Permission.BROADCAST_VIEW)
async def part(visit: Visit) -> Response:
    return Response(await _drawn(visit), media_type="text/html")


async def _drawn(visit: Visit) -> str:
    broadcast, statuses = await visit.database.query(_statuses, visit.id)
    values = {"broadcast": broadcast, "statuses": statuses, "order": ORDER}
    return visit.reader.render("console/broadcasts/_progress.html", visit=visit, **values)


def _statuses(db: Session, broadcast_id: int) -> tuple[Broadcast, dict[str, int]]:
    broadcast = found(db.get(Broadcast, broadcast_id))
    return broadcast, progress.statuses(db, broadcast)


@pages.get("/broadcasts/{id:row}/progress/stream", needs=Permission.BROADCAST_VIEW)
async def stream(visit: Visit) -> Response:
    return await streamed(visit, _drawn)


async def streamed(visit: Visit, draw: Draw) -> Response:
    """Answer with a part of a page whenever it changes."""
    if len(_open) >= MOST:
        return Response(status_code=204)  # tells the browser not to come again
    first = await draw(visit)
    return StreamingResponse(_events(visit, draw, first), media_type="text/event-stream")


async def _events(visit: Visit, draw: Draw, drawn: str) -> AsyncIterator[str]:
    """Yield the part whenever it changed, until nothing more will, or the time is over."""
    seat, seen = object(), ""
    _open.add(seat)
    try:
        for _ in range(int(LASTS / LOOK)):
            if drawn != seen:
                seen = drawn
                yield "retry: 500\n" + "".join(f"data: {line}\n" for line in drawn.splitlines()) + "\n"
            if _FINAL in drawn or await visit.request.is_disconnected():
                break
            await asyncio.sleep(LOOK)
            drawn = await draw(visit)
    finally:
        _open.discard(seat)
