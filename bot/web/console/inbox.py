"""What waits for a person: questions and reports of members, and messages the program failed on."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot.conversations import tickets
from bot.conversations.models import Ticket
from bot.conversations.tickets import Waiting
from bot.messaging.models import Handling, InboxMessage
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.roles import Permission
from bot.web.console.routes import Pages
from bot.web.console.visit import Refused, Visit, found

pages = Pages()

PAGE = 50
REPLY_LIMIT = 1600  #: characters: the shorter of the channels' limits


@pages.get("/inbox", needs=Permission.INBOX_REPLY)
async def listing(visit: Visit) -> Response:
    waiting, parked = await visit.database.query(_list)
    return visit.page("inbox.html", waiting=waiting, parked=parked, limit=REPLY_LIMIT, page_size=PAGE)


def _list(db: Session) -> tuple[list[Waiting], list[InboxMessage]]:
    parked = select(InboxMessage).where(InboxMessage.handling == Handling.PARKED).order_by(InboxMessage.id).limit(PAGE)
    return tickets.waiting(db, PAGE), list(db.scalars(parked))


@pages.post("/inbox/{id:row}/reply", needs=Permission.INBOX_REPLY)
async def reply(visit: Visit) -> Response:
    text = visit.form.text("text")
    if not 0 < len(text) <= REPLY_LIMIT:
        raise Refused("reply_length")
    await visit.database.run(_reply, visit.id, text, visit.user)
    visit.context.nudge()
    return visit.go("/inbox", "replied")


def _reply(db: Session, ticket_id: int, text: str, user: StaffUser) -> None:
    with _refusing():
        tickets.reply(db, found(db.get(Ticket, ticket_id)), text, user)


@pages.post("/inbox/{id:row}/close", needs=Permission.INBOX_REPLY)
async def close(visit: Visit) -> Response:
    await visit.database.run(_close, visit.id, visit.user)
    return visit.go("/inbox", "closed")


def _close(db: Session, ticket_id: int, user: StaffUser) -> None:
    with _refusing():
        tickets.close(db, found(db.get(Ticket, ticket_id)), user)


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except tickets.ClosedAlready:
        raise Refused("closed_already") from None
    except tickets.NoAddress:
        raise Refused("no_address") from None


@pages.post("/inbox/parked/{id:row}/retry", needs=Permission.INBOX_REPLY)
async def retry(visit: Visit) -> Response:
    await visit.database.run(_retry, visit.id, visit.user)
    return visit.go("/inbox", "retried")


def _retry(db: Session, inbox_id: int, user: StaffUser) -> None:
    """Let the job that handles parked messages try this one again."""
    row = found(db.get(InboxMessage, inbox_id))
    row.attempts = 0
    audit.record(db, user, "inbox.retried", "inbox", row.id)
