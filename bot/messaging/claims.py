"""Claim what is due, before any provider is called."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, update
from sqlalchemy.orm import Session

from bot import clock
from bot.channels.base import Media, Outbound, Template
from bot.content import Content
from bot.messaging import eligibility, made, openings, pacing, queueing, templates
from bot.messaging.eligibility import End, Go, Person, Rules, Wait
from bot.messaging.models import OutboxMessage, Priority, Sender, Status
from bot.messaging.outbox import Message
from bot.messaging.queueing import DueMessage

#: Renders a message without a body of its own: (db, ref, language) -> content.
Renderer = Callable[[Session, int, str], Message]

#: Rendered contents that are remembered; a broadcast has one for each language.
MOST_RENDERED = 100


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
    pays: bool = False  #: broadcasts may use the provider's paid rate
    lay_out: Callable[[Session, str], bool] = lambda _db, _reference: False  #: makes a file that lies nowhere yet
    daily_people: int = 0  #: whom we may write to outside the window in 24 hours; 0: no limit
    rendered: dict[tuple[str, int, str], Message] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"{self.channel}:{self.sender}"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that is ours to send, and when."""

    message: Outbound
    at: datetime
    claimed_at: datetime
    address_id: int
    priority: Priority


class _Ready(NamedTuple):
    row: DueMessage
    go: Go
    message: Message
    template: Template | None
    language: str


def claim(db: Session, desk: Desk, limit: int) -> list[Claimed]:
    """Take up to `limit` due messages, at most one for each contact; the caller commits before calling a provider."""
    now = clock.now()
    ids = queueing.due(db, desk.channel, limit, now)
    if not ids:  # looked before locking: an idle sender must not write
        return []
    sender = pacing.lock(db, desk.key)
    if not pacing.lease(sender, desk.worker, now):
        return []
    places = pacing.free_places(sender, desk.rate, now)
    rows = queueing.lock(db, ids[:places]) if places else []
    ready = _Batch(db, desk, rows, now).sort()
    return _take(db, ready, sender, desk, now)


class _Batch:
    """Due messages on their way to be claimed, held, ended, or handed to the other channel."""

    def __init__(self, db: Session, desk: Desk, rows: Sequence[DueMessage], now: datetime) -> None:
        self._db, self._desk, self._rows, self._now = db, desk, rows, now
        self._templates = templates.Approved(db, desk.content)
        self._aside: list[dict[str, Any]] = []
        self._ready: list[_Ready] = []

    def sort(self) -> list[_Ready]:
        """Decide about each message; write down all but those that are ready to go."""
        facts = eligibility.read_facts(self._db, self._rows, self._now)
        has_window = self._desk.has_window
        for row in self._rows:
            decision = eligibility.decide(row, facts, self._desk.rules, self._now, has_window=has_window)
            if isinstance(decision, Go):
                self._go(row, decision, facts.contacts[row.contact_id])
            else:
                self._set_aside(row, decision)
        self._keep_budget()
        if self._aside:
            self._db.connection().execute(_ASIDE, self._aside)
        return self._ready

    def _go(self, row: DueMessage, go: Go, person: Person) -> None:
        if go.address.channel != self._desk.channel:
            # The other channel's sender takes it from here.
            self._put_aside(row, Status.QUEUED, None, self._now, go.address.channel)
            return
        message = self._render(row, person)
        language = person.language or "en"
        template = None if go.in_window else self._templates.find(message, language)
        if go.in_window or template:
            self._ready.append(_Ready(row, go, self._with_file(message), template, language))
        else:
            self._set_aside(row, Wait("window_closed", None))  # until the person writes

    def _with_file(self, message: Message) -> Message:
        """Have the files made that go with a message; the words go without one that cannot be made any more."""
        media = message.media if message.media and self._lies(message.media) else None
        album = tuple(filter(self._lies, message.album))
        return (
            message if (media, album) == (message.media, message.album) else replace(message, media=media, album=album)
        )

    def _lies(self, media: Media) -> bool:
        return not made.is_made(media.reference) or self._desk.lay_out(self._db, media.reference)

    def _render(self, row: DueMessage, person: Person) -> Message:
        if row.body is not None:
            return Message.from_json(row.body)
        key = (row.kind, row.ref or 0, person.language or "en")
        known = self._desk.rendered
        if key not in known:
            if len(known) >= MOST_RENDERED:
                known.clear()
            known[key] = self._desk.renderers[row.kind](self._db, key[1], key[2])
        return known[key]

    def _keep_budget(self) -> None:
        """Hold back those for whom the provider's number of people a day has no room."""
        opening = [ready for ready in self._ready if ready.template]
        if not opening or not self._desk.daily_people:
            return
        ids = [ready.go.address.id for ready in opening]
        allowed, until = openings.take(self._db, self._desk.key, self._desk.daily_people, ids, self._now)
        for ready in opening:
            if ready.go.address.id not in allowed:
                self._ready.remove(ready)
                self._set_aside(ready.row, Wait("daily_people", until))

    def _set_aside(self, row: DueMessage, decision: Wait | End) -> None:
        if isinstance(decision, Wait):
            self._put_aside(row, Status.HELD, decision.reason, decision.until, row.channel)
        else:
            self._put_aside(row, decision.status, decision.reason, self._now, row.channel)

    def _put_aside(
        self, row: DueMessage, status: Status, reason: str | None, due_at: datetime | None, channel: str
    ) -> None:
        self._aside.append(
            {
                "row": row.id,
                "new_status": status,
                "new_reason": reason,
                "new_due_at": due_at,
                "new_channel": channel,
                "now": self._now,
            }
        )


# Statements of the hot path are built once: building costs more than running them.
_ASIDE = (
    update(OutboxMessage)
    .where(OutboxMessage.id == bindparam("row"))
    .values(
        status=bindparam("new_status"),
        reason=bindparam("new_reason"),
        due_at=bindparam("new_due_at"),
        channel=bindparam("new_channel"),
        status_at=bindparam("now"),
    )
)
_TAKE = (
    update(OutboxMessage)
    .where(OutboxMessage.id == bindparam("row"))
    .values(
        status=Status.SENDING,
        reason=None,
        claimed_by=bindparam("worker"),
        claimed_at=bindparam("now"),
        status_at=bindparam("now"),
        attempts=OutboxMessage.attempts + 1,
        address_id=bindparam("address"),
        owes_text=bindparam("by_template"),
    )
)


def _take(db: Session, ready: Sequence[_Ready], sender: Sender, desk: Desk, now: datetime) -> list[Claimed]:
    if not ready:
        return []
    rows = [
        {
            "row": one.row.id,
            "address": one.go.address.id,
            "by_template": one.template is not None,
            "worker": desk.worker,
            "now": now,
        }
        for one in ready
    ]
    db.connection().execute(_TAKE, rows)
    times = pacing.take(sender, desk.rate, now, len(ready))
    return [
        Claimed(_outbound(one, desk, now), at, now, one.go.address.id, one.row.priority)
        for one, at in zip(ready, times, strict=True)
    ]


def _outbound(ready: _Ready, desk: Desk, now: datetime) -> Outbound:
    row, message = ready.row, ready.message
    return Outbound(
        id=row.id,
        address=ready.go.address.value,
        text=message.text,
        buttons=message.buttons,
        menu=desk.content.catalogue.text("button.choose", ready.language) if message.buttons else "",
        media=message.media,
        album=message.album,
        template=ready.template,
        edits=message.edits,
        valid_seconds=int((row.expires_at - now).total_seconds()) if row.expires_at else None,
        paid=desk.pays and row.priority == Priority.BROADCAST,
    )
