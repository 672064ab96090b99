"""What waits for a person: questions, reports, and what the bot could make nothing of."""

from datetime import timedelta

from sqlalchemy import Select, bindparam, or_, select, update

from bot import clock
from bot.contacts.models import Contact, State
from bot.conversations.models import Author, Ticket, TicketKind, TicketMessage
from bot.conversations.talk import Talk
from bot.db import UTCDateTime
from bot.messaging import outbox

#: For how long after the last word staff have a chat to themselves.
HOLD = timedelta(hours=24)
#: For how long what is said after an answer of staff belongs to it.
LATELY = timedelta(hours=24)
#: Who has not agreed to anything.
STRANGERS = (State.INVITED, State.NEW, State.DECLINED, State.UNDERAGE)
#: Asked at almost every message: built once, and read without storing first what other people's messages changed.
_HELD = (
    select(Ticket.id)
    .where(Ticket.contact_id == bindparam("contact_id"), Ticket.held_until > bindparam("now", type_=UTCDateTime))
    .order_by(Ticket.id.desc())
    .limit(1)
)


def is_stranger(contact: Contact) -> bool:
    """Say whether somebody has not agreed to anything: of them we keep what they choose to send staff, in words."""
    return contact.state in STRANGERS


def take(talk: Talk, kind: TicketKind) -> bool:
    """Keep a message for staff; False, and it is asked for again, when it has no words of a stranger."""
    if is_stranger(talk.contact) and not talk.inbound.text.strip():
        talk.say("human.in_words")
        return False
    ticket = keep(talk, kind)
    talk.say("human.received" if kind == TicketKind.HUMAN else "report.received", number=ticket.id)
    return True


def has_any(talk: Talk) -> bool:
    """Say whether we keep something that the person sent staff."""
    return talk.db.scalar(select(Ticket.id).where(Ticket.contact_id == talk.contact.id).limit(1)) is not None


def silence(talk: Talk) -> None:
    """Let no answer leave to what was asked until now: the person said STOP."""
    mine = Ticket.contact_id == talk.contact.id
    answers = select(TicketMessage.outbox_id).join(Ticket, Ticket.id == TicketMessage.ticket_id).where(mine)
    outbox.cancel(talk.db, answers.where(TicketMessage.outbox_id.is_not(None)), "stopped")
    talk.db.execute(update(Ticket).where(mine, Ticket.closed_at.is_(None)).values(unwanted=True))


def keep(talk: Talk, kind: TicketKind, about: str | None = None) -> Ticket:
    """Keep a message for staff, without a word; `about` is what it asks about, such as "opportunity:12"."""
    now = clock.now()
    ticket = Ticket(
        contact_id=talk.contact.id,
        kind=kind,
        about=about,
        text=_text(talk),
        inbox_id=talk.inbox_id,
        opened_at=now,
        waiting_since=now,
    )
    talk.db.add(ticket)
    talk.db.flush()
    return ticket


def take_held(talk: Talk) -> bool:
    """Hand a text to the staff who have the chat; False when nobody has it."""
    held = talk.db.connection().scalar(_HELD, {"contact_id": talk.contact.id, "now": clock.now()})
    if held is None:
        return False
    ticket = talk.db.get_one(Ticket, held)
    ticket.held_until = clock.now() + HOLD
    _add(talk, ticket)
    return True


def take_unknown(talk: Talk) -> None:
    """Keep what nobody else could make anything of: it may go on with a question, or be one."""
    recent = Ticket.answered_at.is_not(None) & (Ticket.closed_at > clock.now() - LATELY)
    mine = _newest(talk).where(or_(Ticket.closed_at.is_(None), recent))
    ticket = talk.db.scalars(mine.where(Ticket.kind != TicketKind.UNKNOWN)).first()
    if ticket is not None:
        _add(talk, ticket)
        talk.say("human.added")
        return
    talk.say("unknown.text" if talk.inbound.kind == "text" else "unknown.media")
    ticket = talk.db.scalars(mine.where(Ticket.kind == TicketKind.UNKNOWN)).first()
    if ticket is None:
        keep(talk, TicketKind.UNKNOWN)
    else:
        _add(talk, ticket)


def _newest(talk: Talk) -> Select[Ticket]:
    return select(Ticket).where(Ticket.contact_id == talk.contact.id).order_by(Ticket.id.desc()).limit(1)


def _add(talk: Talk, ticket: Ticket) -> None:
    """Add to a thread; a closed one is open again."""
    ticket.waiting_since, ticket.closed_at = ticket.waiting_since or clock.now(), None
    talk.db.add(
        TicketMessage(
            ticket_id=ticket.id,
            author=Author.CONTACT,
            text=_text(talk),
            inbox_id=talk.inbox_id,
            at=clock.now(),
        )
    )


def _text(talk: Talk) -> str:
    return talk.inbound.text or talk.inbound.kind
