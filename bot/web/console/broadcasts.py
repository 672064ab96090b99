"""The list of broadcasts, and one of them: dry run, approval, sending, progress, results."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot import clock
from bot.broadcasts import attachments, checks, forecast, progress, rendering, repeating, service, targets
from bot.broadcasts import audience as audiences
from bot.broadcasts.audience import Audience
from bot.broadcasts.forecast import Forecast, When
from bot.broadcasts.models import Broadcast, BroadcastStatus
from bot.broadcasts.progress import Progress
from bot.content import Content
from bot.content.languages import LANGUAGES
from bot.events.wording import translated
from bot.messaging.models import OutboxMessage, Status
from bot.messaging.outbox import Message
from bot.staff.models import StaffUser
from bot.staff.roles import Permission
from bot.web.console import attaching, choosing, counting
from bot.web.console.context import ConsoleContext
from bot.web.console.keeping import Kept, kept
from bot.web.console.live import ORDER
from bot.web.console.rendering import Reader
from bot.web.console.routes import Pages
from bot.web.console.visit import NotFound, Refused, Visit

pages = Pages()

PAGE = 50
WHY_LIMIT = 500
#: Of people not reached, more than these are not counted for the button that writes to them.
MISSED = 10_000
#: Statuses in which a broadcast has recipients.
_SENT = (BroadcastStatus.SENDING, BroadcastStatus.PAUSED, BroadcastStatus.FINISHED, BroadcastStatus.CANCELLED)


@pages.get("/broadcasts", needs=Permission.BROADCAST_VIEW)
async def listing(visit: Visit) -> Response:
    status, before = visit.query.text("status"), visit.query.number("before")
    rows, authors = await visit.database.query(_list, status, before)
    return visit.page("broadcasts/list.html", rows=rows, authors=authors, chosen=status, page_size=PAGE)


def _list(db: Session, status: str, before: int | None) -> tuple[list[Broadcast], dict[int, str]]:
    rows = select(Broadcast).order_by(Broadcast.id.desc()).limit(PAGE)
    if status in set(BroadcastStatus):
        rows = rows.where(Broadcast.status == status)
    if before:
        rows = rows.where(Broadcast.id < before)
    found = list(db.scalars(rows))
    return found, _names(db, {row.author_id for row in found})


def _names(db: Session, ids: set[int | None]) -> dict[int, str]:
    return dict(db.execute(select(StaffUser.id, StaffUser.name).where(StaffUser.id.in_(ids))).all())


@dataclass(frozen=True, slots=True)
class View:
    """Everything on the page of one broadcast."""

    broadcast: Broadcast
    names: dict[int, str]
    audience: Audience
    called: dict[str, dict[str, str]]  #: names of the surveys, sessions and groups of the audience
    leads_to: str  #: what its first button opens, while that is open
    messages: dict[str, Message]  #: language -> as it leaves
    asks: dict[str, str]  #: language -> what the template says that goes when the window is closed
    problems: list[checks.Problem]
    seen: str  #: content hash, which an approval repeats
    void: str | None
    forecast: Forecast | None  #: before it is sent, once it is counted
    reasons: list[tuple[When, str | None, int, datetime | None]]
    duplicate: Broadcast | None
    statuses: Kept[dict[str, int]] | None  #: after: recipients by the status in which each is now
    progress: Progress | None  #: the same by channel, language, country and reason, once it is counted
    missed: int  #: whom it certainly did not reach, once it is over; counted up to one more than MISSED

    def file(self, language: str) -> dict[str, Any]:
        """Return what is noted of the file that goes with a text of this language."""
        return attachments.nearest(self.broadcast.attachments, language) or {}


@pages.get("/broadcasts/{id:row}", needs=Permission.BROADCAST_VIEW)
async def one(visit: Visit) -> Response:
    figures = await counting.figures(visit)
    view = await visit.database.query(_view, visit.context, visit.id, visit.reader, figures)
    shown = {"view": view, "order": ORDER, "most_missed": MISSED}
    return visit.page("broadcasts/one.html", 200, **shown, now=clock.now(), bubbles=attaching.bubbles)


def _view(
    db: Session, context: ConsoleContext, broadcast_id: int, reader: Reader, figures: counting.Figures | None
) -> View:
    broadcast, content = _get(db, broadcast_id), context.content
    audience = Audience.from_json(broadcast.audience)
    sent = broadcast.sent_at is not None
    dry = figures if isinstance(figures, Forecast) else None
    return View(
        broadcast=broadcast,
        names=_names(db, {broadcast.author_id, broadcast.approved_by, broadcast.refused_by, *broadcast.writers}),
        audience=audience,
        called=choosing.names(db, reader, audience),
        leads_to=_leads_to(db, content, broadcast, reader),
        messages={code: rendering.message(content, broadcast, code) for code in LANGUAGES if code in broadcast.texts},
        asks=_asks(content, broadcast),
        problems=[] if sent else service.problems(db, content, broadcast, context.policy),
        seen=rendering.content_hash(content, broadcast),
        void=service.why_void(db, content, broadcast),
        forecast=dry,
        reasons=_reasons(dry) if dry else [],
        duplicate=None if sent else service.recent_duplicate(db, broadcast),
        statuses=_statuses(db, context, broadcast) if sent else None,
        progress=figures if isinstance(figures, Progress) else None,
        missed=_missed(db, broadcast) if broadcast.finished_at and not broadcast.summed_at else 0,
    )


def _asks(content: Content, broadcast: Broadcast) -> dict[str, str]:
    template = content.templates.get(broadcast.template or "")
    if template is None:
        return {}
    return {
        code: template.render(code, rendering.message(content, broadcast, code).variables) for code in template.texts
    }


def _statuses(db: Session, context: ConsoleContext, broadcast: Broadcast) -> Kept[dict[str, int]]:
    """Of a broadcast that is over only receipts change a few: with many members these are counted once a minute."""
    name = f"statuses: {broadcast.id} {broadcast.finished_at}"
    if broadcast.finished_at is None:
        return Kept(progress.statuses(db, broadcast), clock.now(), is_old=False)
    return kept(db, context, name, lambda: progress.statuses(db, broadcast))


def _missed(db: Session, broadcast: Broadcast) -> int:
    return audiences.count_missed(db, broadcast.id, MISSED + 1)


def _leads_to(db: Session, content: Content, broadcast: Broadcast, reader: Reader) -> str:
    link = targets.of(broadcast)
    target = targets.find(db, content, link) if link else None
    return translated(target.title, reader.code) if target else ""


def _reasons(dry: Forecast) -> list[tuple[When, str | None, int, datetime | None]]:
    """Return what happens and why, with how many people, and when the last of them gets it."""
    counts: Counter[tuple[When, str | None]] = Counter()
    until: dict[tuple[When, str | None], datetime] = {}
    for line in dry.lines:
        key = (line.when, line.reason)
        counts[key] += line.count
        if line.until:
            until[key] = max(line.until, until.get(key, line.until))
    order = ("now", "later", "never")
    rows = sorted(counts.items(), key=lambda row: (order.index(row[0][0]), -row[1]))
    return [(when, reason, count, until.get((when, reason))) for (when, reason), count in rows]


def reached(dry: Forecast) -> int:
    """Return how many people get it, now or later."""
    return sum(line.count for line in dry.lines if line.when != "never")


@pages.post("/broadcasts/{id:row}/approve", needs=Permission.BROADCAST_APPROVE)
async def approve(visit: Visit) -> Response:
    await visit.database.run(_approve, visit.context, visit.id, visit.user, visit.form.text("seen"))
    return visit.go(f"/broadcasts/{visit.id}", "approved")


def _approve(db: Session, context: ConsoleContext, broadcast_id: int, user: StaffUser, seen: str) -> None:
    service.approve(db, context.content, _get(db, broadcast_id), user, context.policy, seen=seen)


@pages.post("/broadcasts/{id:row}/refuse", needs=Permission.BROADCAST_APPROVE)
async def refuse(visit: Visit) -> Response:
    seen, why = visit.form.text("seen"), visit.form.text("why")
    if not 0 < len(why) <= WHY_LIMIT:
        raise Refused("no_why")
    await visit.database.run(_refuse, visit.context, visit.id, visit.user, seen, why)
    return visit.go(f"/broadcasts/{visit.id}", "refused")


def _refuse(db: Session, context: ConsoleContext, broadcast_id: int, user: StaffUser, seen: str, why: str) -> None:
    service.refuse(db, context.content, _get(db, broadcast_id), user, seen=seen, why=why)


@pages.post("/broadcasts/{id:row}/send", needs=Permission.BROADCAST_SEND)
async def send(visit: Visit) -> Response:
    await visit.database.run(_send, visit.context, visit.id, visit.user, visit.form.number("people"))
    visit.context.nudge()
    return visit.go(f"/broadcasts/{visit.id}", "sent")


def _send(db: Session, context: ConsoleContext, broadcast_id: int, user: StaffUser, people: int | None) -> None:
    broadcast = _get(db, broadcast_id)
    if people != reached(forecast.dry_run(db, context.content, broadcast, context.policy, clock.now())):
        raise Refused("wrong_number")
    service.send(db, context.content, broadcast, user, context.policy)


@pages.post("/broadcasts/{id:row}/pause", needs=Permission.BROADCAST_SEND)
async def pause(visit: Visit) -> Response:
    await visit.database.run(lambda db: service.pause(db, _get(db, visit.id), visit.user))
    return visit.go(f"/broadcasts/{visit.id}", "paused")


@pages.post("/broadcasts/{id:row}/resume", needs=Permission.BROADCAST_SEND)
async def resume(visit: Visit) -> Response:
    await visit.database.run(lambda db: service.resume(db, _get(db, visit.id), visit.user))
    visit.context.nudge()
    return visit.go(f"/broadcasts/{visit.id}", "resumed")


@pages.post("/broadcasts/{id:row}/cancel", needs=Permission.BROADCAST_SEND)
async def cancel(visit: Visit) -> Response:
    await visit.database.run(lambda db: service.cancel(db, _get(db, visit.id), visit.user))
    return visit.go(f"/broadcasts/{visit.id}", "cancelled")


@pages.post("/broadcasts/{id:row}/again", needs=Permission.BROADCAST_WRITE)
async def again(visit: Visit) -> Response:
    made = await visit.database.run(_again, visit.context, visit.id, visit.user)
    return visit.go(f"/broadcasts/{made}", "saved")


def _again(db: Session, context: ConsoleContext, broadcast_id: int, user: StaffUser) -> int:
    return service.again(db, context.content, _get(db, broadcast_id), user).id


@pages.post("/broadcasts/{id:row}/stop-repeating", needs=Permission.BROADCAST_SEND)
async def stop_repeating(visit: Visit) -> Response:
    await visit.database.run(lambda db: repeating.stop(db, _get(db, visit.id), visit.user))
    return visit.go(f"/broadcasts/{visit.id}", "repeat_stopped")


@pages.get("/broadcasts/{id:row}/people", needs=Permission.BROADCAST_VIEW)
async def people(visit: Visit) -> Response:
    after = visit.query.number("after") or 0
    broadcast, rows = await visit.database.query(_people, visit.context, visit.id, after)
    return visit.page("broadcasts/people.html", broadcast=broadcast, rows=rows, page_size=PAGE)


def _people(
    db: Session, context: ConsoleContext, broadcast_id: int, after: int
) -> tuple[Broadcast, list[forecast.Recipient]]:
    broadcast = _get(db, broadcast_id)
    return broadcast, forecast.recipients(
        db, context.content, broadcast, context.policy, clock.now(), after=after, limit=PAGE
    )


@pages.get("/broadcasts/{id:row}/recipients", needs=Permission.BROADCAST_VIEW)
async def recipients(visit: Visit) -> Response:
    status, after = visit.query.text("status"), visit.query.number("after") or 0
    broadcast, rows, counts = await visit.database.query(_recipients, visit.context, visit.id, status, after)
    return visit.page(
        "broadcasts/recipients.html",
        broadcast=broadcast,
        rows=rows,
        counts=counts,
        chosen=status,
        page_size=PAGE,
        order=ORDER,
    )


def _recipients(
    db: Session, context: ConsoleContext, broadcast_id: int, status: str, after: int
) -> tuple[Broadcast, list[OutboxMessage], dict[str, int]]:
    broadcast = _get(db, broadcast_id)
    chosen = Status(status) if status in set(Status) else None
    rows = progress.outcomes(db, broadcast, status=chosen, after=after, limit=PAGE)
    return broadcast, rows, _statuses(db, context, broadcast).value


def _get(db: Session, broadcast_id: int) -> Broadcast:
    broadcast = db.get(Broadcast, broadcast_id)
    if broadcast is None:
        raise NotFound
    return broadcast
