"""What needs me, and how things stand."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session
from starlette.responses import Response

from bot import clock
from bot.broadcasts.models import Broadcast, BroadcastStatus
from bot.contacts.models import Contact, State
from bot.contacts.service import HOME_ZONE
from bot.content.languages import LANGUAGES
from bot.conversations import alike, threads
from bot.conversations.models import Ticket, TicketKind
from bot.db import lists
from bot.messaging import archiving, forgetting
from bot.messaging.models import IS_IN_DOUBT, Handling, InboxMessage, OutboxMessage, Status, Worker
from bot.opportunities import service as opportunities
from bot.staff.models import StaffUser
from bot.web.console import senders, texts
from bot.web.console.context import ConsoleContext
from bot.web.console.keeping import Kept, kept
from bot.web.console.routes import Open, Pages
from bot.web.console.visit import Visit

pages = Pages()

DAYS = 30
#: A worker says every few seconds that it is alive.
SILENT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """Figures over everybody."""

    states: list[tuple[str, int]]
    joined: list[tuple[date, int]]
    sending: list[tuple[str, int]]  #: today


@dataclass(frozen=True, slots=True)
class Figures:
    """How things stand."""

    approvals: int  #: drafts that somebody else wrote
    refused: int  #: drafts of mine that an approver sent back
    cards: int  #: investment cards that somebody else wrote
    reviews: int  #: published cards that are due, or past their last day
    uncertain: int
    parked: int
    unanswered: int  #: questions and reports of members
    unknown: int  #: threads that the bot could make nothing of
    copies: int  #: of erased people, that a provider would not delete
    alike: int  #: pairs of members who may be one person
    standing: Kept[Standing]
    health: list[senders.Health]
    alive: datetime | None  #: when a worker was last heard of


@pages.get("/", needs=Open.STAFF)
async def home(visit: Visit) -> Response:
    figures = await visit.database.query(read_figures, visit.context, visit.user)
    counts = {code: texts.count(visit.context.content, code) for code in LANGUAGES}
    # The page of texts shows one language: the one with most to do.
    todo = {state: sum(found[state] for found in counts.values()) for state in ("missing", "draft")}
    most = {state: max(LANGUAGES, key=lambda code: counts[code][state]) for state in todo}
    return visit.page("home.html", figures=figures, texts=todo, most=most, now=clock.now(), silent=SILENT)


def read_figures(db: Session, context: ConsoleContext, user: StaffUser) -> Figures:
    """Read everything on the page."""
    now = clock.now()
    draft = Broadcast.status == BroadcastStatus.DRAFT
    to_approve = select(Broadcast.id).where(
        draft, Broadcast.refused_at.is_(None), ~lists(db, Broadcast.writers, user.id)
    )
    refused = select(Broadcast.id).where(draft, Broadcast.author_id == user.id, Broadcast.refused_at.is_not(None))
    waiting = select(Ticket.id).where(*threads.waiting())
    uncertain = select(OutboxMessage.id).where(IS_IN_DOUBT, OutboxMessage.status == Status.UNCERTAIN)
    return Figures(
        approvals=_count(db, to_approve),
        refused=_count(db, refused),
        cards=opportunities.count_to_approve(db, user),
        reviews=opportunities.count_to_review(db),
        uncertain=_count(db, uncertain),
        parked=_count(db, select(InboxMessage.id).where(InboxMessage.handling == Handling.PARKED)),
        unanswered=_count(db, waiting.where(Ticket.kind != TicketKind.UNKNOWN)),
        unknown=_count(db, waiting.where(Ticket.kind == TicketKind.UNKNOWN)),
        copies=forgetting.count_left(db),
        alike=alike.count_waiting(db),
        standing=kept(db, context, "standing", lambda: _standing(db, now)),
        health=senders.read_health(db, context),
        alive=db.scalar(select(func.max(Worker.seen_at))),
    )


def _standing(db: Session, now: datetime) -> Standing:
    midnight = datetime.combine(now.astimezone(ZoneInfo(HOME_ZONE)).date(), time(), ZoneInfo(HOME_ZONE))
    first = archiving.first_since(db, OutboxMessage.id, OutboxMessage.created_at, midnight) - archiving.BESIDE
    today = OutboxMessage.id >= first, OutboxMessage.created_at >= midnight
    return Standing(
        states=_grouped(db, Contact.state, State),
        joined=_joined(db, now),
        sending=_grouped(db, OutboxMessage.status, Status, *today),
    )


def _count(db: Session, rows: Select[int]) -> int:
    return db.scalar(select(func.count()).select_from(rows.subquery())) or 0


def _grouped(
    db: Session, column: InstrumentedAttribute[Any], order: Iterable[str], *conditions: ColumnElement[bool]
) -> list[tuple[str, int]]:
    """Return how many rows have each value, in the order of the values."""
    rows = db.execute(select(column, func.count()).where(*conditions).group_by(column))
    counts: dict[Any, int] = dict(rows.all())
    return [(str(value), counts[value]) for value in order if value in counts]


def _joined(db: Session, now: datetime) -> list[tuple[date, int]]:
    """Return how many joined on each of the last days, days without any included."""
    first = now.date() - timedelta(days=DAYS - 1)
    day = func.date(Contact.joined_at)  # a date on PostgreSQL, its text on SQLite
    since = Contact.joined_at >= datetime.combine(first, time(), UTC)
    counts = {str(on): count for on, count in db.execute(select(day, func.count()).where(since).group_by(day))}
    days = [first + timedelta(days=number) for number in range(DAYS)]
    return [(on, counts.get(on.isoformat(), 0)) for on in days]
