"""What staff do with the threads that wait for them: find, take, answer, note, close, hand back to the bot."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts.models import Address, Contact, Reach, State
from bot.content import Content, links
from bot.content.languages import SOURCE
from bot.conversations.models import Author, Ticket, TicketKind, TicketMessage
from bot.conversations.tickets import HOLD
from bot.messaging import outbox, templates
from bot.messaging.eligibility import WINDOW
from bot.messaging.models import OutboxMessage
from bot.messaging.outbox import Message
from bot.staff import audit
from bot.staff.models import StaffUser
from bot.staff.roles import Permission, allows, require

#: Asks, where free text may not go, whether the person wants to read our answer.
TEMPLATE = "staff_answer"
#: Over which the usual time to an answer is measured.
MEASURED = timedelta(days=30)
_MOST_MEASURED = 10_000
#: How long an answer of ours waits for a person who must write first.
WORTH_READING = timedelta(days=30)


class ClosedAlready(Exception):
    """Somebody else has answered or closed the thread: look at the list again."""


class NoAddress(Exception):
    """The person cannot be reached on any channel: close the thread instead."""


class LinkNotAllowed(Exception):
    """The answer has a link that leads to none of our domains: leave it out."""


class NotAllowed(Exception):
    """This colleague does not answer members: choose another."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which threads to list; what is empty leaves nothing out."""

    show: str = "waiting"  #: "waiting" for us, "theirs" to answer, "closed"
    kind: str = ""
    whose: str = ""  #: "mine", "nobody"
    language: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """How long people wait."""

    waiting: dict[str, int]  #: kind -> threads in which it is our turn
    oldest: datetime | None  #: since when the one waits that waits longest, of questions and reports
    median: timedelta | None  #: from a question or report to its first answer
    answered: int  #: how many that is the median of


@dataclass(frozen=True, slots=True)
class Place:
    """Where an answer would go, and whether free text may."""

    address: Address
    window_until: datetime | None  #: None: there is no window on this channel
    is_open: bool
    by_template: bool  #: an approved template can ask the person whether to read it


def waiting() -> tuple[ColumnElement[bool], ...]:
    """Return the conditions on a thread in which it is our turn."""
    return Ticket.closed_at.is_(None), Ticket.waiting_since.is_not(None)


def find(
    db: Session, chosen: Filter, user: StaffUser, *, after: int | None = None, limit: int = 50
) -> Sequence[tuple[Ticket, Contact, str | None]]:
    """Return threads with their person and whoever has them; open ones the oldest first, closed ones the newest."""
    rows = (
        select(Ticket, Contact, StaffUser.name)
        .join(Contact, Contact.id == Ticket.contact_id)
        .outerjoin(StaffUser, StaffUser.id == Ticket.assigned_to)
        .where(*_shown(chosen.show))
    )
    closed = chosen.show == "closed"
    if chosen.kind:
        rows = rows.where(Ticket.kind == chosen.kind)
    elif not closed:
        rows = rows.where(Ticket.kind != TicketKind.UNKNOWN)
    if chosen.whose in ("mine", "nobody"):
        rows = rows.where(Ticket.assigned_to == (user.id if chosen.whose == "mine" else None))
    if chosen.language:
        rows = rows.where(Contact.language == chosen.language)
    if chosen.channel:
        rows = rows.where(Contact.channel == chosen.channel)
    if after is not None:
        rows = rows.where(Ticket.id < after if closed else Ticket.id > after)
    rows = rows.order_by(Ticket.id.desc() if closed else Ticket.id).limit(limit)
    return [(ticket, contact, name) for ticket, contact, name in db.execute(rows)]


def _shown(show: str) -> tuple[ColumnElement[bool], ...]:
    if show == "closed":
        return (Ticket.closed_at.is_not(None),)
    return (Ticket.closed_at.is_(None), Ticket.waiting_since.is_(None)) if show == "theirs" else waiting()


def figures(db: Session) -> Figures:
    """Return how many wait, for how long, and how long an answer usually takes."""
    counts = db.execute(select(Ticket.kind, func.count()).where(*waiting()).group_by(Ticket.kind))
    by_kind = {str(kind): number for kind, number in counts}
    asked = Ticket.kind != TicketKind.UNKNOWN
    oldest = db.scalar(select(func.min(Ticket.waiting_since)).where(*waiting(), asked))
    answered = select(Ticket.opened_at, Ticket.answered_at).where(Ticket.answered_at > clock.now() - MEASURED, asked)
    times = [(at - opened).total_seconds() for opened, at in db.execute(answered.limit(_MOST_MEASURED)) if at]
    return Figures(by_kind, oldest, timedelta(seconds=statistics.median(times)) if times else None, len(times))


def messages(db: Session, ticket: Ticket) -> Sequence[tuple[TicketMessage, str | None, OutboxMessage | None]]:
    """Return what followed in a thread, with who of staff wrote it and what became of an answer."""
    rows = (
        select(TicketMessage, StaffUser.name, OutboxMessage)
        .outerjoin(StaffUser, StaffUser.id == TicketMessage.staff_id)
        .outerjoin(OutboxMessage, OutboxMessage.id == TicketMessage.outbox_id)
        .where(TicketMessage.ticket_id == ticket.id)
        .order_by(TicketMessage.id)
    )
    return [(said, name, row) for said, name, row in db.execute(rows)]


def place(db: Session, content: Content, ticket: Ticket, *, windows: frozenset[str]) -> Place | None:
    """Return where an answer would go now, or None where none may; `windows` are the channels that have one."""
    contact = db.get_one(Contact, ticket.contact_id)
    address = _address(db, contact, ticket)
    if address is None or address.channel not in windows:
        return Place(address, None, True, False) if address else None
    until = address.last_inbound_at + WINDOW if address.last_inbound_at else None
    found = templates.approved(db, content, _message("", ticket), contact.language or SOURCE)
    is_open = until is not None and until > clock.now()
    return Place(address, until, is_open, not is_open and found is not None)


def _address(db: Session, contact: Contact, ticket: Ticket) -> Address | None:
    """Return where the person last wrote from; who said STOP after asking is not written to."""
    if ticket.unwanted and contact.state != State.MEMBER:
        return None
    return db.scalars(
        select(Address)
        .where(Address.contact_id == contact.id, Address.reach == Reach.OPEN)
        .order_by(Address.last_inbound_at.desc().nulls_last(), Address.id)
        .limit(1)
    ).one_or_none()


def reply(
    db: Session,
    ticket: Ticket,
    text: str,
    user: StaffUser,
    *,
    domains: tuple[str, ...] = (),
    stay: bool = False,
    ask_first: bool = True,
) -> OutboxMessage:
    """Answer in the person's chat, and close; or `stay`: have the chat to ourselves until it is handed back.

    Where the channel's window is closed, a template asks whether the person wants to read it; or, without
    `ask_first`, the answer waits until they write. Links may lead to our `domains` only.
    """
    require(user, Permission.INBOX_REPLY)
    if links.foreign(text, domains):
        raise LinkNotAllowed
    _lock(db, ticket)
    contact = db.get_one(Contact, ticket.contact_id)
    address = _address(db, contact, ticket)
    if address is None:
        raise NoAddress
    message = _message(text, ticket) if ask_first else Message(text)
    row = outbox.reply(db, contact, address, message)
    now = clock.now()
    row.expires_at = now + WORTH_READING
    db.flush()
    _add(db, ticket, Author.STAFF, text, user, row)
    ticket.answered_at, ticket.waiting_since = ticket.answered_at or now, None
    ticket.assigned_to = ticket.assigned_to or user.id
    ticket.held_until = now + HOLD if stay else None
    ticket.closed_at = None if stay else now
    db.flush()
    audit.record(db, user, "ticket.replied", "ticket", ticket.id, {"outbox": row.id})
    return row


def _message(text: str, ticket: Ticket) -> Message:
    return Message(text, template=TEMPLATE, variables={"number": str(ticket.id)})


def note(db: Session, ticket: Ticket, text: str, user: StaffUser) -> None:
    """Leave a word for colleagues."""
    require(user, Permission.INBOX_REPLY)
    _add(db, ticket, Author.NOTE, text, user, None)
    audit.record(db, user, "ticket.noted", "ticket", ticket.id)


def _add(db: Session, ticket: Ticket, author: Author, text: str, user: StaffUser, row: OutboxMessage | None) -> None:
    said = TicketMessage(ticket_id=ticket.id, author=author, staff_id=user.id, text=text, at=clock.now())
    said.outbox_id = row.id if row else None
    db.add(said)
    db.flush()


def assign(db: Session, ticket: Ticket, to: StaffUser | None, by: StaffUser) -> None:
    """Give a thread to a colleague who may answer, or to nobody."""
    require(by, Permission.INBOX_REPLY)
    if to is not None and not allows(to, Permission.INBOX_REPLY):
        raise NotAllowed
    ticket.assigned_to = to.id if to else None
    db.flush()
    audit.record(db, by, "ticket.assigned", "ticket", ticket.id, {"to": ticket.assigned_to})


def close(db: Session, content: Content, ticket: Ticket, user: StaffUser, *, tell: bool = False) -> None:
    """Close, and `tell` the person; a chat that staff had goes back to the bot, which always says so."""
    require(user, Permission.INBOX_REPLY)
    _lock(db, ticket)
    was_held = ticket.held_until is not None and ticket.held_until > clock.now()
    ticket.closed_at, ticket.held_until, ticket.waiting_since = clock.now(), None, None
    db.flush()
    contact = db.get_one(Contact, ticket.contact_id)
    address = _address(db, contact, ticket) if was_held or tell else None
    if address is not None:
        key = "human.handed_back" if was_held else "human.closed"
        text = content.catalogue.text(key, contact.language or SOURCE)
        outbox.reply(db, contact, address, Message(text))
    audit.record(db, user, "ticket.closed", "ticket", ticket.id)


def _lock(db: Session, ticket: Ticket) -> None:
    """Lock an open thread: two colleagues do not both answer."""
    db.refresh(ticket, with_for_update=True)
    if ticket.closed_at is not None:
        raise ClosedAlready
