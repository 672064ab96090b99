"""How long each kind of data is kept; what is due goes every day, and the audit trail says how much."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Delete, Update, and_, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts.models import Address, Contact, State
from bot.conversations import rights
from bot.conversations.models import StaffChat, Ticket
from bot.conversations.tickets import STRANGERS
from bot.messaging import received
from bot.messaging.models import HAS_BODY, HAS_PAYLOAD, HAS_TEXT, OPEN, InboxMessage, OutboxMessage
from bot.opportunities import leads
from bot.staff import audit

_BATCH = 500
#: Messages whose texts go in one transaction: nobody waits long for the rows, or for SQLite's only writer.
_TEXTS = 5000


@dataclass(frozen=True, slots=True)
class Periods:
    """How long after its last use each kind of data goes."""

    payloads: timedelta = timedelta(days=30)  #: the providers' raw calls, kept to try a failed message again
    messages: timedelta = timedelta(days=365)  #: texts to and from members, and files that answer no survey
    tickets: timedelta = timedelta(days=365)  #: closed questions and reports
    strangers_tickets: timedelta = timedelta(days=30)  #: the same of who has not joined; open ones go with `strangers`
    leads: timedelta = timedelta(days=365)  #: name and number of who was interested in a card, after it ended
    strangers: timedelta = timedelta(days=90)  #: who was invited or wrote and never answered, and who is too young
    left: timedelta = timedelta(days=730)  #: everything of who said STOP, but that they did


@dataclass(frozen=True, slots=True)
class Report:
    """How much went of each kind."""

    payloads: int
    messages: int
    files: int
    tickets: int
    leads: int
    strangers: int
    left: int


def apply(db: Session, periods: Periods = Periods()) -> int:
    """Let go of what is due and note the counts; return how much it was."""
    now = clock.now()
    report = Report(
        payloads=_forget_payloads(db, now - periods.payloads),
        messages=_forget_texts(db, now - periods.messages),
        files=received.let_go(db, now - periods.messages),
        tickets=_forget_tickets(db, now, periods),
        leads=leads.let_go(db, now - periods.leads),
        strangers=_erase_silent(db, now - periods.strangers),
        left=_strip_left(db, now - periods.left),
    )
    total: int = sum(asdict(report).values())
    if total:
        audit.record(db, None, "retention.applied", "retention", now.date(), asdict(report))
    return total


def _forget_payloads(db: Session, before: datetime) -> int:
    due = select(InboxMessage.id).where(HAS_PAYLOAD, InboxMessage.received_at <= before)
    some = due.order_by(InboxMessage.received_at).limit(_TEXTS)
    return _count(db, update(InboxMessage).where(InboxMessage.id.in_(some)).values(payload=None))


def _forget_texts(db: Session, before: datetime) -> int:
    said = select(InboxMessage.id).where(HAS_TEXT, InboxMessage.received_at <= before)
    sent = select(OutboxMessage.id).where(HAS_BODY, OutboxMessage.status_at <= before)
    some = said.order_by(InboxMessage.received_at).limit(_TEXTS)
    ended = sent.where(OutboxMessage.status.not_in(OPEN)).order_by(OutboxMessage.status_at).limit(_TEXTS)
    inbound = update(InboxMessage).where(InboxMessage.id.in_(some)).values(text=None, payload=None)
    outbound = update(OutboxMessage).where(OutboxMessage.id.in_(ended)).values(body=None)
    return _count(db, inbound) + _count(db, outbound)


def _forget_tickets(db: Session, now: datetime, periods: Periods) -> int:
    strangers = Ticket.contact_id.in_(select(Contact.id).where(Contact.state.in_(STRANGERS)))
    sooner = or_(
        Ticket.closed_at <= now - periods.strangers_tickets,
        and_(Ticket.closed_at.is_(None), Ticket.opened_at <= now - periods.strangers),
    )
    due = or_(Ticket.closed_at <= now - periods.tickets, and_(strangers, sooner))
    return _count(db, delete(Ticket).where(due))


def _count(db: Session, statement: Update | Delete) -> int:
    done = db.execute(statement.execution_options(synchronize_session=False))
    return int(done.rowcount)  # type: ignore[attr-defined]


def _silent(db: Session, before: datetime, *whose: ColumnElement[bool]) -> list[Contact]:
    """Return some of these people who have not written since."""
    last = select(func.max(Address.last_inbound_at)).where(Address.contact_id == Contact.id).scalar_subquery()
    silent = func.coalesce(last, Contact.created_at) <= before
    of_staff = exists().where(Address.contact_id == Contact.id, StaffChat.address_id == Address.id)
    rows = select(Contact).where(*whose, silent, ~of_staff)  # staff come and go in the console
    return list(db.scalars(rows.order_by(Contact.id).limit(_BATCH)))


def _erase_silent(db: Session, before: datetime) -> int:
    found = _silent(db, before, Contact.state.in_((State.INVITED, State.NEW, State.UNDERAGE)))
    for contact in found:
        rights.erase(db, contact)
    return len(found)


def _strip_left(db: Session, before: datetime) -> int:
    """Keep of people who left long ago what a new import must be held against: the address, and that they left."""
    # Who is stripped has no time of joining any more.
    found = _silent(db, before, Contact.state == State.STOPPED, Contact.joined_at.is_not(None))
    for contact in found:
        rights.strip(db, contact, keep={Address.__tablename__})
    return len(found)
