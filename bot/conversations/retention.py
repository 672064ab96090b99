"""How long each kind of data is kept; what is due goes every day, and the audit trail says how much."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import Delete, Update, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from bot import clock
from bot.contacts.models import Address, Contact, State
from bot.conversations import rights
from bot.conversations.models import StaffChat, Ticket
from bot.conversations.tickets import STRANGERS
from bot.messaging import received
from bot.messaging.models import OPEN, Handling, InboxMessage, OutboxMessage
from bot.opportunities import leads
from bot.staff import audit

_BATCH = 500


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
    due = InboxMessage.payload.is_not(None), InboxMessage.received_at <= before
    return _count(db, update(InboxMessage).where(*due, InboxMessage.handling == Handling.DONE).values(payload=None))


def _forget_texts(db: Session, before: datetime) -> int:
    inbound = update(InboxMessage).where(InboxMessage.text.is_not(None), InboxMessage.received_at <= before)
    outbound = update(OutboxMessage).where(OutboxMessage.body.is_not(None), OutboxMessage.status_at <= before)
    ended = outbound.where(OutboxMessage.status.not_in(OPEN))
    return _count(db, inbound.values(text=None, payload=None)) + _count(db, ended.values(body=None))


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


def _silent(db: Session, states: tuple[State, ...], before: datetime) -> list[Contact]:
    """Return people in these states who have not written since."""
    last = select(func.max(Address.last_inbound_at)).where(Address.contact_id == Contact.id).scalar_subquery()
    silent = func.coalesce(last, Contact.created_at) <= before
    of_staff = select(Address.contact_id).join(StaffChat, StaffChat.address_id == Address.id)
    silent &= Contact.id.not_in(of_staff)  # they come and go in the console
    return list(db.scalars(select(Contact).where(Contact.state.in_(states), silent).order_by(Contact.id).limit(_BATCH)))


def _erase_silent(db: Session, before: datetime) -> int:
    found = _silent(db, (State.INVITED, State.NEW, State.UNDERAGE), before)
    for contact in found:
        rights.erase(db, contact)
    return len(found)


def _strip_left(db: Session, before: datetime) -> int:
    """Keep of people who left long ago what a new import must be held against: the address, and that they left."""
    found = [contact for contact in _silent(db, (State.STOPPED,), before) if contact.joined_at]
    for contact in found:
        rights.strip(db, contact, keep={Address.__tablename__})
    return len(found)
