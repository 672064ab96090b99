"""What waits for a person: questions and reports of members, and messages the program failed on."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from bot import clock
from bot.contacts.models import Address, Contact, Reach
from bot.conversations.models import Ticket
from bot.messaging import outbox
from bot.messaging.models import Handling, InboxMessage
from bot.messaging.outbox import Message
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.roles import Permission
from bot.web.console.routes import Pages
from bot.web.console.visit import Refused, Visit, found

pages = Pages()

PAGE = 50
REPLY_LIMIT = 1600  #: characters: the shorter of the channels' limits


@dataclass(frozen=True, slots=True)
class Waiting:
    """A question, and where an answer would go."""

    ticket: Ticket
    contact: Contact
    address: Address | None


@pages.get("/inbox", needs=Permission.INBOX_REPLY)
async def listing(visit: Visit) -> Response:
    waiting, parked = await visit.database.query(_list)
    return visit.page("inbox.html", waiting=waiting, parked=parked, limit=REPLY_LIMIT, page_size=PAGE)


def _list(db: Session) -> tuple[list[Waiting], list[InboxMessage]]:
    tickets = db.execute(
        select(Ticket, Contact)
        .join(Contact, Contact.id == Ticket.contact_id)
        .where(Ticket.closed_at.is_(None))
        .order_by(Ticket.opened_at, Ticket.id)
        .limit(PAGE)
    ).all()
    parked = select(InboxMessage).where(InboxMessage.handling == Handling.PARKED).order_by(InboxMessage.id).limit(PAGE)
    waiting = [Waiting(ticket, contact, _address(db, contact.id)) for ticket, contact in tickets]
    return waiting, list(db.scalars(parked))


def _address(db: Session, contact_id: int) -> Address | None:
    """Return where the person last wrote from."""
    return db.scalars(
        select(Address)
        .where(Address.contact_id == contact_id, Address.reach == Reach.OPEN)
        .order_by(Address.last_inbound_at.desc().nulls_last(), Address.id)
        .limit(1)
    ).one_or_none()


@pages.post("/inbox/{id:row}/reply", needs=Permission.INBOX_REPLY)
async def reply(visit: Visit) -> Response:
    text = visit.form.text("text")
    if not 0 < len(text) <= REPLY_LIMIT:
        raise Refused("reply_length")
    await visit.database.run(_reply, visit.id, text, visit.user)
    visit.context.nudge()
    return visit.go("/inbox", "replied")


def _reply(db: Session, ticket_id: int, text: str, user: StaffUser) -> None:
    ticket = _open_ticket(db, ticket_id)
    address = _address(db, ticket.contact_id)
    if address is None:
        raise Refused("no_address")
    row = outbox.reply(db, db.get_one(Contact, ticket.contact_id), address.id, address.channel, Message(text))
    ticket.closed_at = clock.now()
    db.flush()
    audit.record(db, user, "ticket.replied", "ticket", ticket.id, {"outbox": row.id})


@pages.post("/inbox/{id:row}/close", needs=Permission.INBOX_REPLY)
async def close(visit: Visit) -> Response:
    await visit.database.run(_close, visit.id, visit.user)
    return visit.go("/inbox", "closed")


def _close(db: Session, ticket_id: int, user: StaffUser) -> None:
    ticket = _open_ticket(db, ticket_id)
    ticket.closed_at = clock.now()
    audit.record(db, user, "ticket.closed", "ticket", ticket.id)


def _open_ticket(db: Session, ticket_id: int) -> Ticket:
    """Return the ticket, locked: two colleagues do not both answer."""
    ticket = found(db.get(Ticket, ticket_id, with_for_update=True))
    if ticket.closed_at is not None:
        raise Refused("closed_already")
    return ticket


@pages.post("/inbox/parked/{id:row}/retry", needs=Permission.INBOX_REPLY)
async def retry(visit: Visit) -> Response:
    await visit.database.run(_retry, visit.id, visit.user)
    return visit.go("/inbox", "retried")


def _retry(db: Session, inbox_id: int, user: StaffUser) -> None:
    """Let the job that handles parked messages try this one again."""
    row = found(db.get(InboxMessage, inbox_id))
    row.attempts = 0
    audit.record(db, user, "inbox.retried", "inbox", row.id)
