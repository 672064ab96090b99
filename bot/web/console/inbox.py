"""What waits for a person: threads of members, and messages the program failed on."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot import clock
from bot.content import Content
from bot.conversations import threads
from bot.conversations.models import Ticket
from bot.conversations.threads import Figures, Filter
from bot.messaging.models import Handling, InboxMessage
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.roles import Permission
from bot.web.console.routes import Pages
from bot.web.console.visit import Refused, Visit, found
from bot.web.forms import Form

pages = Pages()

PAGE = 50
CHOICES = {"show": ("waiting", "theirs", "closed"), "whose": ("mine", "nobody")}


@pages.get("/inbox", needs=Permission.INBOX_REPLY)
async def listing(visit: Visit) -> Response:
    chosen, after = read_filter(visit.query), visit.query.number("after")
    rows, figures, parked = await visit.database.query(_list, chosen, visit.user, after)
    channels = tuple(visit.context.policy.channels)
    return visit.page(
        "inbox/list.html",
        rows=rows,
        chosen=chosen,
        figures=figures,
        parked=parked,
        channels=channels,
        now=clock.now(),
        page_size=PAGE,
    )


def read_filter(form: Form) -> Filter:
    """Return the chosen filter; what it does not know counts as not chosen."""
    show, whose = form.text("show"), form.text("whose")
    return Filter(
        show=show if show in CHOICES["show"] else "waiting",
        kind=form.text("kind")[:16],
        whose=whose if whose in CHOICES["whose"] else "",
        language=form.text("language")[:8],
        channel=form.text("channel")[:16],
    )


def _list(
    db: Session, chosen: Filter, user: StaffUser, after: int | None
) -> tuple[Sequence[Any], Figures, Sequence[InboxMessage]]:
    parked = select(InboxMessage).where(InboxMessage.handling == Handling.PARKED).order_by(InboxMessage.id).limit(PAGE)
    rows = threads.find(db, chosen, user, after=after, limit=PAGE)
    return rows, threads.figures(db), db.scalars(parked).all()


@pages.post("/inbox/close", needs=Permission.INBOX_REPLY)
async def close_many(visit: Visit) -> Response:
    ids = visit.form.numbers("thread")[:PAGE]
    if not ids:
        raise Refused("nothing_chosen")
    await visit.database.run(_close_many, visit.context.content, ids, visit.user)
    return visit.go("/inbox", "closed")


def _close_many(db: Session, content: Content, ids: list[int], user: StaffUser) -> None:
    """Close what is still open of these: a colleague may have been faster."""
    still = select(Ticket).where(Ticket.id.in_(ids), Ticket.closed_at.is_(None)).order_by(Ticket.id)
    for ticket in db.scalars(still.with_for_update()):
        threads.close(db, content, ticket, user)


@pages.post("/inbox/parked/{id:row}/retry", needs=Permission.INBOX_REPLY)
async def retry(visit: Visit) -> Response:
    await visit.database.run(_retry, visit.id, visit.user)
    return visit.go("/inbox", "retried")


def _retry(db: Session, inbox_id: int, user: StaffUser) -> None:
    """Let the job that handles parked messages try this one again."""
    row = found(db.get(InboxMessage, inbox_id))
    row.attempts = 0
    audit.record(db, user, "inbox.retried", "inbox", row.id)
