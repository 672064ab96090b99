"""Questions and reports that wait for a person, and the person's answers."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts.models import Address, Contact, Reach
from bot.conversations.models import Ticket, TicketKind
from bot.conversations.talk import Talk
from bot.messaging import outbox, received
from bot.messaging.models import OutboxMessage, ReceivedFile
from bot.messaging.outbox import Message
from bot.staff import audit
from bot.staff.models import StaffUser


class ClosedAlready(Exception):
    """Somebody else has answered or closed the ticket: look at the list again."""


class NoAddress(Exception):
    """The person cannot be reached on any channel: close the ticket instead."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A ticket, whose it is, and where an answer would go."""

    ticket: Ticket
    contact: Contact
    address: Address | None
    files: list[ReceivedFile]


def take(talk: Talk, kind: TicketKind) -> None:
    """Keep a message for staff."""
    ticket = keep(talk, kind)
    talk.say("human.received" if kind == TicketKind.HUMAN else "report.received", number=ticket.id)


def keep(talk: Talk, kind: TicketKind, about: str | None = None) -> Ticket:
    """Keep a message for staff, without a word; `about` is what it asks about, such as "opportunity:12"."""
    ticket = Ticket(
        contact_id=talk.contact.id,
        kind=kind,
        about=about,
        text=talk.inbound.text or talk.inbound.kind,
        inbox_id=talk.inbox_id,
        opened_at=clock.now(),
    )
    talk.db.add(ticket)
    talk.db.flush()
    return ticket


def waiting(db: Session, limit: int) -> list[Waiting]:
    """Return the open tickets, the oldest first."""
    found = db.execute(
        select(Ticket, Contact)
        .join(Contact, Contact.id == Ticket.contact_id)
        .where(Ticket.closed_at.is_(None))
        .order_by(Ticket.opened_at, Ticket.id)
        .limit(limit)
    ).all()
    return [
        Waiting(ticket, contact, _address(db, contact.id), received.of_message(db, ticket.inbox_id or 0))
        for ticket, contact in found
    ]


def _address(db: Session, contact_id: int) -> Address | None:
    """Return where the person last wrote from."""
    return db.scalars(
        select(Address)
        .where(Address.contact_id == contact_id, Address.reach == Reach.OPEN)
        .order_by(Address.last_inbound_at.desc().nulls_last(), Address.id)
        .limit(1)
    ).one_or_none()


def reply(db: Session, ticket: Ticket, text: str, user: StaffUser) -> OutboxMessage:
    """Answer in the person's chat, and close."""
    _lock(db, ticket)
    address = _address(db, ticket.contact_id)
    if address is None:
        raise NoAddress
    row = outbox.reply(db, db.get_one(Contact, ticket.contact_id), address.id, address.channel, Message(text))
    ticket.closed_at = clock.now()
    db.flush()
    audit.record(db, user, "ticket.replied", "ticket", ticket.id, {"outbox": row.id})
    return row


def close(db: Session, ticket: Ticket, user: StaffUser) -> None:
    """Close without an answer."""
    _lock(db, ticket)
    ticket.closed_at = clock.now()
    db.flush()
    audit.record(db, user, "ticket.closed", "ticket", ticket.id)


def _lock(db: Session, ticket: Ticket) -> None:
    """Lock an open ticket: two colleagues do not both answer."""
    db.refresh(ticket, with_for_update=True)
    if ticket.closed_at is not None:
        raise ClosedAlready
