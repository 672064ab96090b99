"""Who would get a broadcast, and what became of it: at once for few people, beside the page for many."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot import clock
from bot.broadcasts import forecast, progress
from bot.broadcasts.audience import Audience
from bot.broadcasts.forecast import Forecast
from bot.broadcasts.models import Broadcast
from bot.broadcasts.progress import Progress
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


Figures = Forecast | Progress


@dataclass(frozen=True, slots=True)
class Counted:
    """Figures that are being worked out, or are."""

    of: str  #: what they are of: another draft, or a draft that is being sent, is counted anew
    at: datetime
    task: asyncio.Task[Figures]


async def figures(visit: Visit) -> Figures | None:
    """Return what would happen to the audience of a draft, or did to that of another; None while it is counted."""
    of = await visit.database.query(_many, visit.id)
    if of is None:
        return await visit.database.query(_figures, visit.context, visit.id)
    counted = visit.context.counted.get(visit.id)
    if counted is None or counted.of != of or counted.at + GOOD < clock.now():
        work = asyncio.create_task(visit.database.query(_figures, visit.context, visit.id))
        counted = visit.context.counted[visit.id] = Counted(of, clock.now(), work)
    if not counted.task.done():
        return None
    if counted.task.exception():  # counted anew at the next look
        del visit.context.counted[visit.id]
    return counted.task.result()


def _many(db: Session, broadcast_id: int) -> str | None:
    """Return what is counted when it is of more people than are looked at once; None for any other."""
    broadcast = found(db.get(Broadcast, broadcast_id))
    if broadcast.sent_at:
        return str(broadcast.status) if (broadcast.audience_count or 0) > AT_ONCE else None
    first = select(Contact.id).where(Audience.from_json(broadcast.audience).condition()).limit(AT_ONCE + 1)
    people = db.scalar(select(func.count()).select_from(first.subquery())) or 0
    return broadcast.content_hash if people > AT_ONCE else None


def _figures(db: Session, context: ConsoleContext, broadcast_id: int) -> Figures:
    broadcast = found(db.get(Broadcast, broadcast_id))
    if broadcast.sent_at:
        return progress.progress(db, broadcast)
    return forecast.dry_run(db, context.content, broadcast, context.policy, clock.now())


@pages.get("/broadcasts/{id:row}/counted", needs=Permission.BROADCAST_VIEW)
async def part(visit: Visit) -> Response:
    return visit.page("broadcasts/_counting.html", is_counted=await figures(visit) is not None)
