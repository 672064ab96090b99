"""Claim what is due, before any provider is called; settle what came of it, after."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from bot import clock
from bot.channels.base import Outbound, Template
from bot.contacts.models import Contact
from bot.content import Content
from bot.messaging import eligibility, pacing, templates
from bot.messaging.eligibility import End, Go, Rules, Wait
from bot.messaging.models import WAITING, OutboxMessage, Priority, Sender, Status
from bot.messaging.outbox import Message

#: Renders a message without a body of its own: (db, ref, language) -> content.
Renderer = Callable[[Session, int, str], Message]


@dataclass(frozen=True, slots=True)
class Desk:
    """What claiming needs to know of one sender."""

    channel: str
    sender: str
    rate: float
    has_window: bool
    worker: str
    rules: Rules
    content: Content
    renderers: Mapping[str, Renderer]

    @property
    def key(self) -> str:
        return f"{self.channel}:{self.sender}"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that is ours to send, and when."""

    message: Outbound
    at: datetime
    address_id: int
    priority: Priority


def claim(db: Session, desk: Desk, limit: int) -> list[Claimed]:
    """Take up to `limit` due messages, at most one for each contact; the caller commits before calling a provider."""
    if not _anything_due(db, desk, clock.now()):
        return []
    now = clock.now()
    sender = pacing.lock(db, desk.key)
    places = min(limit, pacing.free_places(sender, desk.rate, now))
    rows = _due(db, desk, places, now) if places else []
    facts = eligibility.read_facts(db, rows, now)
    ready: list[tuple[OutboxMessage, Go, Message, Template | None]] = []
    render = _Renderer(db, desk)
    for row in rows:
        decision = eligibility.decide(row, facts, desk.rules, now, has_window=desk.has_window)
        if isinstance(decision, Go) and decision.address.channel != desk.channel:
            row.channel = decision.address.channel  # the other channel's sender takes it from here
            continue
        if isinstance(decision, Go):
            message = render(row, facts.contacts[row.contact_id])
            decision, template = _form(db, desk, decision, message, facts.contacts[row.contact_id])
            if isinstance(decision, Go):
                ready.append((row, decision, message, template))
                continue
        _set_aside(row, decision, now)
    return _take(ready, sender, desk, now)


def _anything_due(db: Session, desk: Desk, now: datetime) -> bool:
    """Look before locking: an idle sender must not write."""
    due = select(OutboxMessage.id).where(
        OutboxMessage.channel == desk.channel, OutboxMessage.status.in_(WAITING), OutboxMessage.due_at <= now
    )
    return db.scalar(due.limit(1)) is not None


def _due(db: Session, desk: Desk, places: int, now: datetime) -> list[OutboxMessage]:
    """Return due rows in order of service, the first of each contact, none whose contact has one before it."""
    before = aliased(OutboxMessage)
    busy = exists().where(
        before.contact_id == OutboxMessage.contact_id,
        or_(
            before.status == Status.SENDING,
            (before.status == Status.QUEUED) & (before.attempts > 0) & (before.due_at > now),
        ),
    )
    rows = db.scalars(
        select(OutboxMessage)
        .where(
            OutboxMessage.channel == desk.channel,
            OutboxMessage.status.in_(WAITING),
            OutboxMessage.due_at <= now,
            ~busy,
        )
        .order_by(OutboxMessage.priority, OutboxMessage.id)
        .limit(places * 4)  # several may belong to one contact
        .with_for_update(skip_locked=True)
    )
    first: dict[int, OutboxMessage] = {}
    for row in rows:
        first.setdefault(row.contact_id, row)
    return list(first.values())[:places]


class _Renderer:
    """Renders what was queued without a body, once for each reference and language of a batch."""

    def __init__(self, db: Session, desk: Desk) -> None:
        self._db, self._desk = db, desk
        self._known: dict[tuple[str, int, str], Message] = {}

    def __call__(self, row: OutboxMessage, contact: Contact) -> Message:
        if row.body is not None:
            return Message.from_json(row.body)
        key = (row.kind, row.ref or 0, contact.language or "en")
        if key not in self._known:
            self._known[key] = self._desk.renderers[row.kind](self._db, key[1], key[2])
        return self._known[key]


def _form(db: Session, desk: Desk, go: Go, message: Message, contact: Contact) -> tuple[Go | Wait, Template | None]:
    """Choose free text inside the window, an approved template outside it, else wait for the person's word."""
    if go.in_window:
        return go, None
    template = templates.approved(db, desk.content, message, contact.language or "en")
    return (go, template) if template else (Wait("window_closed", None), None)


def _set_aside(row: OutboxMessage, decision: Go | Wait | End, now: datetime) -> None:
    if isinstance(decision, Wait):
        row.status, row.reason, row.due_at = Status.HELD, decision.reason, decision.until
    elif isinstance(decision, End):
        row.status, row.reason = decision.status, decision.reason
    row.status_at = now


def _take(
    ready: Sequence[tuple[OutboxMessage, Go, Message, Template | None]], sender: Sender, desk: Desk, now: datetime
) -> list[Claimed]:
    claimed = []
    for (row, go, message, template), at in zip(ready, pacing.take(sender, desk.rate, now, len(ready)), strict=True):
        row.status, row.reason, row.claimed_by, row.address_id = Status.SENDING, None, desk.worker, go.address.id
        row.attempts += 1
        row.status_at = now
        outbound = Outbound(
            id=row.id,
            address=go.address.value,
            text=message.text,
            buttons=message.buttons,
            media=message.media,
            template=template,
            edits=message.edits,
            valid_seconds=int((row.expires_at - now).total_seconds()) if row.expires_at else None,
        )
        claimed.append(Claimed(outbound, at, go.address.id, row.priority))
    return claimed


def give_back(db: Session, ids: Sequence[int]) -> None:
    """Return claimed messages that no provider was called for."""
    db.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id.in_(ids), OutboxMessage.status == Status.SENDING)
        .values(status=Status.QUEUED, claimed_by=None, attempts=OutboxMessage.attempts - 1, status_at=clock.now())
        .execution_options(synchronize_session=False)
    )
