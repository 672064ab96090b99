"""Messages of unknown outcome: the provider was called and never answered. Only a person decides about them."""

from collections.abc import Sequence

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.broadcasts.models import KIND, Broadcast, BroadcastStatus
from bot.messaging import outbox
from bot.messaging.models import IS_IN_DOUBT, OutboxMessage, Status
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.roles import Permission
from bot.web.console.routes import Pages
from bot.web.console.visit import Refused, Visit

pages = Pages()

PAGE = 50
#: Most that one decision changes: the page says when some are left.
BATCH = 10_000


@pages.get("/uncertain", needs=Permission.BROADCAST_VIEW)
async def listing(visit: Visit) -> Response:
    broadcast, after = visit.query.number("broadcast"), visit.query.number("after") or 0
    rows, total = await visit.database.query(_list, broadcast, after)
    return visit.page("uncertain.html", rows=rows, total=total, broadcast=broadcast, page_size=PAGE)


def _list(db: Session, broadcast: int | None, after: int) -> tuple[list[OutboxMessage], int]:
    ids = _uncertain(broadcast)
    total = db.scalar(select(func.count()).select_from(ids.subquery())) or 0
    rows = select(OutboxMessage).where(OutboxMessage.id.in_(ids), OutboxMessage.id > after)
    return list(db.scalars(rows.order_by(OutboxMessage.id).limit(PAGE))), total


def _uncertain(broadcast: int | None) -> Select[int]:
    ids = select(OutboxMessage.id).where(IS_IN_DOUBT, OutboxMessage.status == Status.UNCERTAIN)
    return ids.where(OutboxMessage.kind == KIND, OutboxMessage.ref == broadcast) if broadcast else ids


@pages.post("/uncertain", needs=Permission.BROADCAST_SEND)
async def decide(visit: Visit) -> Response:
    form, broadcast = visit.form, visit.form.number("broadcast")
    ids = None if form.text("all") else form.numbers("message")
    action = {"resend": resend, "leave": leave}.get(form.text("do"))
    if action is None or ids == []:
        raise Refused("nothing_chosen")
    await visit.database.run(action, _uncertain(broadcast), ids, visit.user)
    visit.context.nudge()
    return visit.go("/uncertain", "decided")


def resend(db: Session, which: Select[int], ids: Sequence[int] | None, by: StaffUser) -> int:
    """Queue messages of unknown outcome again, at the risk that the person gets them twice; return how many."""
    rows = _locked(db, which, ids)
    outbox.resend(db, [row.id for row in rows])
    _reopen(db, {row.ref for row in rows if row.kind == KIND})
    audit.record(db, by, "outbox.resent", "outbox", len(rows), {"messages": [row.id for row in rows]})
    return len(rows)


def leave(db: Session, which: Select[int], ids: Sequence[int] | None, by: StaffUser) -> int:
    """Settle messages of unknown outcome as failed, never to be sent again; return how many."""
    rows = _locked(db, which, ids)
    outbox.leave(db, [row.id for row in rows])
    audit.record(db, by, "outbox.left", "outbox", len(rows), {"messages": [row.id for row in rows]})
    return len(rows)


def _locked(db: Session, which: Select[int], ids: Sequence[int] | None) -> list[OutboxMessage]:
    """Return the rows that are still uncertain: a receipt, or a colleague, may have been faster."""
    rows = select(OutboxMessage).where(OutboxMessage.id.in_(which)).order_by(OutboxMessage.id).limit(BATCH)
    if ids is not None:
        rows = rows.where(OutboxMessage.id.in_(ids))
    return list(db.scalars(rows.with_for_update(skip_locked=True)))


def _reopen(db: Session, broadcast_ids: set[int | None]) -> None:
    """A broadcast with an open recipient is not finished."""
    finished = select(Broadcast).where(Broadcast.id.in_(broadcast_ids), Broadcast.status == BroadcastStatus.FINISHED)
    for broadcast in db.scalars(finished.with_for_update()):
        broadcast.status, broadcast.finished_at = BroadcastStatus.SENDING, None
