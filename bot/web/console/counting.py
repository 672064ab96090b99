"""Who would get a broadcast: at once where it is few, beside the page where it is many."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot import clock
from bot.broadcasts import forecast
from bot.broadcasts.audience import Audience
from bot.broadcasts.forecast import Forecast
from bot.broadcasts.models import Broadcast
from bot.contacts.models import Contact
from bot.staff.roles import Permission
from bot.web.console.context import ConsoleContext
from bot.web.console.routes import Pages
from bot.web.console.visit import Visit, found

pages = Pages()

#: People who are looked at while somebody waits for the page; a hundred thousand take about a second.
AT_ONCE = 10_000
#: What was counted is good for so long; sending counts anew.
GOOD = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Counted:
    """A forecast that is being worked out, or is."""

    of: str  #: hash of the content, which covers audience and times
    at: datetime
    task: asyncio.Task[Forecast | None]


async def dry_run(visit: Visit) -> Forecast | None:
    """Return what would happen to the audience; None while that is being counted, and for what was sent."""
    content_hash = await visit.database.query(_many, visit.id)
    if content_hash is None:
        return await visit.database.query(_forecast, visit.context, visit.id)
    counted = visit.context.counted.get(visit.id)
    if counted is None or counted.of != content_hash or counted.at + GOOD < clock.now():
        work = asyncio.create_task(visit.database.query(_forecast, visit.context, visit.id))
        counted = visit.context.counted[visit.id] = Counted(content_hash, clock.now(), work)
    if not counted.task.done():
        return None
    if counted.task.exception():  # counted anew at the next look
        del visit.context.counted[visit.id]
    return counted.task.result()


def _many(db: Session, broadcast_id: int) -> str | None:
    """Return the hash of a draft for more people than are counted at once; None for any other."""
    broadcast = found(db.get(Broadcast, broadcast_id))
    if broadcast.sent_at:
        return None
    first = select(Contact.id).where(Audience.from_json(broadcast.audience).condition()).limit(AT_ONCE + 1)
    people = db.scalar(select(func.count()).select_from(first.subquery())) or 0
    return broadcast.content_hash if people > AT_ONCE else None


def _forecast(db: Session, context: ConsoleContext, broadcast_id: int) -> Forecast | None:
    broadcast = found(db.get(Broadcast, broadcast_id))
    return None if broadcast.sent_at else forecast.dry_run(db, context.content, broadcast, context.policy, clock.now())


@pages.get("/broadcasts/{id:row}/counted", needs=Permission.BROADCAST_VIEW)
async def part(visit: Visit) -> Response:
    return visit.page("broadcasts/_counting.html", is_counted=await dry_run(visit) is not None)
