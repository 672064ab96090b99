"""Claim what is due, in small waves: what is claimed when a process dies is in doubt.

Looking what may go is the dear part, so it is done for many messages at a time and remembered; claiming is one short
statement for each, and takes nothing that has changed since.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from bot import clock
from bot.channels.base import Outbound, SenderKey, Template
from bot.content import Content, links
from bot.messaging import eligibility, openings, pacing, queueing, templates
from bot.messaging.eligibility import CHANNEL_OFF, End, Go, Person, Rules, Wait
from bot.messaging.models import IS_WAITING, OutboxMessage, Priority, Status
from bot.messaging.outbox import Message
from bot.messaging.pacing import Lease
from bot.messaging.queueing import DueMessage
from bot.messaging.sharing import Turn

#: Renders a message without a body of its own: (db, ref, language) -> content.
Renderer = Callable[[Session, int, str], Message]

#: Rendered contents that are remembered; a broadcast has one for each language.
MOST_RENDERED = 100
#: Messages that are looked at together while there are that many.
LOOK = 128
#: What was found to be free to go is looked at again after this long.
FRESH = timedelta(seconds=1)


class Ready(NamedTuple):
    """A message that may go now, as it will leave."""

    message: Outbound
    address_id: int
    priority: Priority
    calls: int  #: how many messages the provider counts it as


@dataclass(slots=True)
class Ahead:
    """Messages that were looked at and not claimed yet. Only a memory: the database knows them as waiting."""

    ready: list[Ready] = field(default_factory=list)
    looked_at: datetime | None = None

    def is_fresh(self, now: datetime) -> bool:
        return bool(self.ready) and self.looked_at is not None and timedelta() <= now - self.looked_at < FRESH

    def forget(self) -> None:
        """Let the next claim look anew: something more urgent may have come."""
        self.ready, self.looked_at = [], None


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
    lay_out: Callable[[Session, str], bool] = lambda _db, _reference: False  #: makes a file that lies nowhere yet
    paid_rate: float = 0  #: of messages that use the provider's paid rate; 0: there is none
    calls: Callable[[Outbound], int] = lambda _message: 1  #: how many messages the provider counts it as
    senders: frozenset[SenderKey] | None = None  #: that are switched on; None: all
    media_base: str = ""  #: what addresses of files that the provider fetches begin with
    daily_people: int = 0  #: whom we may write to outside the window in 24 hours; 0: no limit
    domains: tuple[str, ...] | None = None  #: to which links may lead in what staff wrote; None: to any
    #: What was rendered; None: it may not leave.
    rendered: dict[tuple[str, int, str], Message | None] = field(default_factory=dict)
    ahead: Ahead = field(default_factory=Ahead)
    turn: Turn = field(default_factory=Turn)

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
    calls: int


def claim(db: Session, desk: Desk, limit: int) -> list[Claimed]:
    """Take up to `limit` due messages, at most one for each contact; the caller commits before calling a provider."""
    now = clock.now()
    if not desk.turn.is_ours and pacing.is_held(db, desk.key, desk.worker, now):
        desk.turn.is_over()
        return []
    ids: list[int] = []
    if not desk.ahead.is_fresh(now):
        desk.ahead.forget()
        ids = queueing.due(db, desk.channel, desk.sender, _sight(desk, limit), now)
        if not ids:  # looked before locking: an idle sender must not write
            desk.turn.is_over()
            return []
    lease = pacing.lease(db, desk.key, desk.worker, now)
    if lease is None or (lease.paused_until and lease.paused_until > now):
        desk.ahead.forget()
        desk.turn.is_over()
        return []
    if not desk.turn.may_take(now):
        return []
    if ids:
        desk.ahead.ready = list(_Batch(db, desk, queueing.read(db, ids), now).sort())
        desk.ahead.looked_at = now
    return _take(db, desk, lease, limit, now)


def _sight(desk: Desk, limit: int) -> int:
    """Return how many messages to look at: no more than leave while that is fresh."""
    if limit <= 0:
        return 0
    return max(1, min(max(LOOK, limit), int(max(desk.rate, desk.paid_rate) * FRESH.total_seconds())))


class _Batch:
    """Due messages on their way to be claimed, held, ended, or handed to the other channel."""

    def __init__(self, db: Session, desk: Desk, rows: Sequence[DueMessage], now: datetime) -> None:
        self._db, self._desk, self._rows, self._now = db, desk, rows, now
        self._by_id = {row.id: row for row in rows}
        self._templates = templates.Approved(db, desk.content, desk.media_base)
        self._aside: list[dict[str, Any]] = []
        self._ready: list[Ready] = []

    def sort(self) -> list[Ready]:
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
        if (go.address.channel, go.address.sender) != (self._desk.channel, self._desk.sender):
            self._hand_over(row, (go.address.channel, go.address.sender))
            return
        message = self._render(row, person)
        if message is None:
            self._set_aside(row, End(Status.SUPPRESSED, "link_not_allowed"))
            return
        language = person.language or "en"
        template = None if go.in_window else self._templates.find(message, language)
        if go.in_window or template:
            outbound = _outbound(row, go, message, template, language, self._desk, self._now)
            self._ready.append(Ready(outbound, go.address.id, row.priority, self._desk.calls(outbound)))
        else:
            self._set_aside(row, Wait("window_closed", None))  # until the person writes

    def _hand_over(self, row: DueMessage, to: SenderKey) -> None:
        """Let the sender to which the person wrote take it from here, or wait until it is switched on."""
        if self._desk.senders is None or to in self._desk.senders:
            self._put_aside(row, Status.QUEUED, None, self._now, to)
        else:
            self._put_aside(row, Status.HELD, CHANNEL_OFF, None, to)

    def _render(self, row: DueMessage, person: Person) -> Message | None:
        """Return the content; None when what staff wrote has a link that is not allowed, by now."""
        if row.body is not None:
            return Message.from_json(row.body)
        key = (row.kind, row.ref or 0, person.language or "en")
        known = self._desk.rendered
        if key not in known:
            if len(known) >= MOST_RENDERED:
                known.clear()
            message = self._desk.renderers[row.kind](self._db, key[1], key[2])
            known[key] = message if _may_leave(message, self._desk.domains) else None
        return known[key]

    def _keep_budget(self) -> None:
        """Hold back those for whom the provider's number of people a day has no room."""
        opening = [ready for ready in self._ready if ready.message.template]
        if not opening or not self._desk.daily_people:
            return
        ids = [ready.address_id for ready in opening]
        allowed, until = openings.take(self._db, self._desk.key, self._desk.daily_people, ids, self._now)
        for ready in opening:
            if ready.address_id not in allowed:
                self._ready.remove(ready)
                self._set_aside(self._by_id[ready.message.id], Wait("daily_people", until))

    def _set_aside(self, row: DueMessage, decision: Wait | End) -> None:
        if isinstance(decision, Wait):
            self._put_aside(row, Status.HELD, decision.reason, decision.until)
        else:
            self._put_aside(row, decision.status, decision.reason, self._now)

    def _put_aside(
        self, row: DueMessage, status: Status, reason: str | None, due_at: datetime | None, to: SenderKey | None = None
    ) -> None:
        channel, sender = to or (row.channel, row.sender)
        self._aside.append(
            {
                "row": row.id,
                "new_status": status,
                "new_reason": reason,
                "new_due_at": due_at,
                "new_channel": channel,
                "new_sender": sender,
                "now": self._now,
            }
        )


def _may_leave(message: Message, domains: tuple[str, ...] | None) -> bool:
    said = "\n".join([message.text, *message.variables.values(), *(button.label for button in message.buttons)])
    return domains is None or not links.foreign(said, domains)


# Statements of the hot path are built once: building costs more than running them.
_ASIDE = (
    update(OutboxMessage)
    .where(OutboxMessage.id == bindparam("row"))
    .values(
        status=bindparam("new_status"),
        reason=bindparam("new_reason"),
        due_at=bindparam("new_due_at"),
        channel=bindparam("new_channel"),
        sender=bindparam("new_sender"),
        status_at=bindparam("now"),
    )
)
#: Only what still waits and is due: a pause, a cancellation or STOP since we looked wins.
_TAKE = (
    update(OutboxMessage)
    .where(OutboxMessage.id == bindparam("row"), IS_WAITING, OutboxMessage.due_at <= bindparam("now"))
    .values(
        status=Status.SENDING,
        reason=None,
        claimed_by=bindparam("worker"),
        claimed_at=bindparam("now"),
        status_at=bindparam("now"),
        attempts=OutboxMessage.attempts + 1,
        address_id=bindparam("address"),
        owes_text=bindparam("by_template"),
        owes_file=bindparam("without_file"),
    )
)
_OURS = select(OutboxMessage.id).where(
    OutboxMessage.id.in_(bindparam("ids", expanding=True)),
    OutboxMessage.status == Status.SENDING,
    OutboxMessage.claimed_by == bindparam("worker"),
)


def _take(db: Session, desk: Desk, lease: Lease, limit: int, now: datetime) -> list[Claimed]:
    """Claim for the places that are free, of the provider's and of the pace."""
    wave = list(_wave(desk, lease, limit, now))
    if not wave:
        return []
    ours = _write(db, desk, wave, now)
    unpaid = [one for one in wave if one.message.id in ours and not one.message.paid]
    paid = [one for one in wave if one.message.id in ours and one.message.paid]
    times, next_at = pacing.take(lease.next_at, desk.rate, now, [one.calls for one in unpaid])
    if paid:
        paid_times, next_paid_at = pacing.take(
            lease.next_paid_at or now, desk.paid_rate, now, [one.calls for one in paid]
        )
        lease, times = lease._replace(next_paid_at=next_paid_at), times + paid_times
    pacing.note(db, desk.key, desk.worker, lease._replace(next_at=next_at), now)
    return [
        Claimed(one.message, at, now, one.address_id, one.priority, one.calls)
        for one, at in zip(unpaid + paid, times, strict=True)
    ]


def _wave(desk: Desk, lease: Lease, limit: int, now: datetime) -> Iterator[Ready]:
    """Take out of what was looked at, in order of service, what has a place."""
    places = pacing.free_places(lease.next_at, desk.rate, now)
    paid_places = pacing.free_places(lease.next_paid_at or now, desk.paid_rate, now) if desk.paid_rate else 0
    left = []
    for one in desk.ahead.ready:
        room = paid_places if one.message.paid else places
        if limit <= 0 or room <= 0:
            left.append(one)
            continue
        limit -= 1
        if one.message.paid:
            paid_places -= one.calls
        else:
            places -= one.calls
        yield one
    desk.ahead.ready = left
    if limit > 0 and paid_places > 0:
        desk.ahead.forget()  # what waits for the slower pace must not keep the faster one waiting


def _write(db: Session, desk: Desk, wave: Sequence[Ready], now: datetime) -> set[int]:
    """Write the claims, and return the ids that are ours."""
    ids = sorted(one.message.id for one in wave)  # two processes lock rows in the same order
    by_id = {one.message.id: one for one in wave}
    rows = [
        {
            "row": id,
            "address": by_id[id].address_id,
            "by_template": (template := by_id[id].message.template) is not None,
            "without_file": template is not None and not template.file_variable,
            "worker": desk.worker,
            "now": now,
        }
        for id in ids
    ]
    if db.connection().execute(_TAKE, rows).rowcount == len(ids):
        return set(ids)
    return set(db.scalars(_OURS, {"ids": ids, "worker": desk.worker}))


def _outbound(
    row: DueMessage, go: Go, message: Message, template: Template | None, language: str, desk: Desk, now: datetime
) -> Outbound:
    return Outbound(
        id=row.id,
        address=go.address.value,
        text=message.text,
        buttons=message.buttons,
        menu=desk.content.catalogue.text("button.choose", language) if message.buttons else "",
        media=message.media,
        album=message.album,
        template=template,
        edits=message.edits,
        valid_seconds=int((row.expires_at - now).total_seconds()) if row.expires_at else None,
        paid=message.paid and desk.paid_rate > 0,
    )
