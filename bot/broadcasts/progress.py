"""How a broadcast stands: always a SELECT, never a counter."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from bot import clock
from bot.broadcasts.models import KIND, Broadcast, BroadcastStatus
from bot.contacts.models import Contact
from bot.messaging import eligibility, outbox
from bot.messaging.models import OPEN, WAITING, OutboxMessage, Status
from bot.staff import audit
from bot.webhooks import service as webhooks
from bot.webhooks.models import Kind

#: People of the frozen audience who have had their data erased since: their rows are gone with them.
ERASED = "erased"
#: A country is shown by itself from so many recipients on.
LEAST = 5


@dataclass(frozen=True, slots=True)
class Progress:
    """Recipients by the status in which each is now; the numbers add up to the audience, in every breakdown."""

    audience: int
    statuses: Mapping[str, int]
    by_channel: Mapping[str, Mapping[str, int]]  #: channel -> status -> recipients
    by_language: Mapping[str, Mapping[str, int]]
    by_country: Mapping[str, Mapping[str, int]]  #: of residence; small ones together under ""
    by_reason: Mapping[str, Mapping[str, int]]  #: "" where there is no reason


def statuses(db: Session, broadcast: Broadcast) -> dict[str, int]:
    """Return recipients by status: cheap enough for a page that looks every second."""
    if broadcast.summed_at:
        found: dict[str, int] = {}
        for number, *_, status in broadcast.sums:
            found[status] = found.get(status, 0) + number
    else:
        found = eligibility.count_by_status(db, KIND, broadcast.id)
    return found | _erased(broadcast, sum(found.values()))


def _erased(broadcast: Broadcast, present: int) -> dict[str, int]:
    gone = (broadcast.audience_count or 0) - present
    return {ERASED: gone} if gone else {}


def progress(db: Session, broadcast: Broadcast) -> Progress:
    """Return recipients by status, and by status within each channel, language and reason."""
    by: tuple[dict[str, Counter[str]], ...] = ({}, {}, {}, {})
    total: Counter[str] = Counter()
    for number, *keys, status in counted(db, broadcast):
        total[status] += number
        for breakdown, key in zip(by, keys, strict=True):
            breakdown.setdefault(key or "", Counter())[status] += number
    channels, languages, countries, reasons = by
    by = (channels, languages, _without_small(countries), reasons)
    erased = _erased(broadcast, total.total())
    if erased:
        for breakdown in by:
            breakdown[ERASED] = Counter(erased)
    return Progress(broadcast.audience_count or 0, dict(total) | erased, *by)


def counted(db: Session, broadcast: Broadcast) -> list[list[Any]]:
    """Return how many recipients there are by channel, language, country, reason and status, in this order."""
    if broadcast.summed_at:
        return list(broadcast.sums)
    row = OutboxMessage
    columns = (row.channel, Contact.language, Contact.residence, row.reason, row.status)
    grouped = (
        select(func.count(), *columns)
        .join(Contact, Contact.id == row.contact_id)
        .where(row.kind == KIND, row.ref == broadcast.id)
        .group_by(*columns)
    )
    return [list(found) for found in db.execute(grouped)]


def _without_small(by_country: Mapping[str, Counter[str]]) -> dict[str, Counter[str]]:
    """Return the countries with at least LEAST recipients; all others, and the smallest of these if need be, as one."""
    order = sorted(by_country, key=lambda code: by_country[code].total())
    together = by_country.get("", Counter())
    shown = {code: by_country[code] for code in order if code}
    for code in order:
        enough = together.total() >= LEAST or not together
        if code and (shown[code].total() < LEAST or not enough):
            together = together + shown.pop(code)
    return shown | ({"": together} if together else {})


def outcomes(
    db: Session, broadcast: Broadcast, *, status: Status | None = None, after: int = 0, limit: int = 50
) -> list[OutboxMessage]:
    """Return one page of the frozen recipients, after the outbox id `after`."""
    rows = select(OutboxMessage).where(
        OutboxMessage.kind == KIND, OutboxMessage.ref == broadcast.id, OutboxMessage.id > after
    )
    if status:
        rows = rows.where(OutboxMessage.status == status)
    return list(db.scalars(rows.order_by(OutboxMessage.id).limit(limit)))


def close_finished(db: Session) -> int:
    """Mark what was sent and has no open recipient as finished; a job calls it. Return how many."""
    running = select(Broadcast).where(
        Broadcast.status.in_((BroadcastStatus.SENDING, BroadcastStatus.PAUSED)), ~_has(*OPEN)
    )
    finished = list(db.scalars(running.with_for_update(skip_locked=True)))
    for broadcast in finished:
        broadcast.status, broadcast.finished_at = BroadcastStatus.FINISHED, clock.now()
        db.flush()
        counts = statuses(db, broadcast)
        webhooks.emit(db, Kind.BROADCAST_FINISHED, {"broadcast": broadcast.id, "statuses": counts})
        audit.record(db, None, "broadcast.finished", KIND, broadcast.id, counts)
    return len(finished)


def follow_delivery(db: Session) -> None:
    """Bring broadcast and outbox together again; a job calls it.

    Delivery pauses rows by itself when a provider refuses the content, and what was with a provider at the moment
    of a pause or cancellation may come back to wait for another try.
    """
    for broadcast in _with_rows(db, BroadcastStatus.PAUSED, _has(Status.QUEUED)):
        outbox.pause(db, KIND, broadcast.id)
    for broadcast in _with_rows(db, BroadcastStatus.CANCELLED, _has(*WAITING)):
        outbox.cancel_ref(db, KIND, broadcast.id, "broadcast_cancelled")
    paused = _has(Status.HELD, reason="paused")
    for broadcast in _with_rows(db, BroadcastStatus.SENDING, paused):
        broadcast.status = BroadcastStatus.PAUSED
        broadcast.pause_reason = db.scalar(
            select(OutboxMessage.reason)
            .where(OutboxMessage.kind == KIND, OutboxMessage.ref == broadcast.id, OutboxMessage.status == Status.HELD)
            .where(OutboxMessage.reason.startswith("paused"))
            .limit(1)
        )
        db.flush()
        audit.record(db, None, "broadcast.paused", KIND, broadcast.id, {"reason": broadcast.pause_reason})


def _with_rows(db: Session, status: BroadcastStatus, condition: ColumnElement[bool]) -> list[Broadcast]:
    found = select(Broadcast).where(Broadcast.status == status, condition)
    return list(db.scalars(found.with_for_update(skip_locked=True)))


def _has(*status: Status, reason: str | None = None) -> ColumnElement[bool]:
    rows = exists().where(
        OutboxMessage.kind == KIND, OutboxMessage.ref == Broadcast.id, OutboxMessage.status.in_(status)
    )
    return rows.where(OutboxMessage.reason.startswith(reason)) if reason else rows
