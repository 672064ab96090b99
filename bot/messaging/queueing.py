"""What is due and whose turn it is: urgent before less urgent, broadcasts in turn, one message a person at a time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select, text, union_all
from sqlalchemy.orm import Session, aliased

from bot.messaging.models import IS_WAITING, LANES, WAITING, OutboxMessage, Priority, Status


class DueMessage(NamedTuple):
    """An outbox row as delivery needs it; a plain tuple, since ORM objects would cost more than all the rest."""

    id: int
    contact_id: int
    channel: str
    priority: Priority
    purpose: str | None
    kind: str
    ref: int | None
    body: Any
    expires_at: datetime | None
    address_id: int | None


#: Jumps from lane to lane through the index, however many messages wait in each.
_LANES = text(f"""
    WITH RECURSIVE found(lane) AS (
        SELECT min(lane) FROM outbox WHERE channel = :channel AND {IS_WAITING.text}
        UNION ALL
        SELECT (SELECT min(lane) FROM outbox WHERE channel = :channel AND {IS_WAITING.text} AND lane > found.lane)
        FROM found WHERE found.lane IS NOT NULL
    )
    SELECT lane FROM found WHERE lane IS NOT NULL
""")  # noqa: S608 - only our own constant is inserted


def lanes(db: Session, channel: str) -> list[int]:
    """Return the lanes in which something waits, the urgent first."""
    return list(db.scalars(_LANES, {"channel": channel}))


def due(db: Session, channel: str, places: int, now: datetime) -> list[int]:
    """Return the ids of at most `places` due messages in order of service, one for each contact."""
    found = lanes(db, channel)
    if not found:
        return []
    heads = [_head(channel, lane, places, now) for lane in found]
    rows = db.execute(heads[0] if len(heads) == 1 else union_all(*(select(head.subquery()) for head in heads)))
    return _in_turn([(row[0], row[1], row[2]) for row in rows], places)


def _head(channel: str, lane: int, places: int, now: datetime) -> Select[int, int, int]:
    """Select the first due messages of a lane whose contact has none before it."""
    return (
        select(OutboxMessage.id, OutboxMessage.contact_id, OutboxMessage.lane)
        .where(
            OutboxMessage.channel == channel,
            IS_WAITING,
            OutboxMessage.lane == lane,
            OutboxMessage.due_at <= now,
            ~_has_one_before(now),
        )
        .order_by(OutboxMessage.due_at, OutboxMessage.id)
        .limit(places)
    )


def _has_one_before(now: datetime) -> ColumnElement[bool]:
    """With a provider, or queued earlier and due, or waiting for another try."""
    before = aliased(OutboxMessage)
    comes_first = and_(
        before.status.in_(WAITING),
        before.priority <= OutboxMessage.priority,
        before.id < OutboxMessage.id,
        or_(before.due_at <= now, and_(before.attempts > 0, before.due_at.is_not(None))),
    )
    return exists().where(
        before.contact_id == OutboxMessage.contact_id, or_(before.status == Status.SENDING, comes_first)
    )


def _in_turn(rows: Sequence[tuple[int, int, int]], places: int) -> list[int]:
    """Take one of each lane in turn, all of a priority before the next one."""
    taken: dict[int, int] = {}  #: lane -> how many of it come before this row
    order = []
    for id, contact_id, lane in rows:
        turn = taken.get(lane, 0)
        taken[lane] = turn + 1
        order.append((lane // LANES, turn, lane, id, contact_id))
    first: dict[int, int] = {}
    for *_, id, contact_id in sorted(order):
        first.setdefault(contact_id, id)
    return list(first.values())[:places]


def lock(db: Session, ids: Sequence[int]) -> list[DueMessage]:
    """Lock these messages and return those that still wait, in the order of `ids`."""
    row = OutboxMessage
    columns = (
        row.id, row.contact_id, row.channel, row.priority, row.purpose,
        row.kind, row.ref, row.body, row.expires_at, row.address_id,
    )  # fmt: skip
    statement = select(*columns).where(row.id.in_(ids), row.status.in_(WAITING)).with_for_update(skip_locked=True)
    found = {message.id: DueMessage(*message) for message in db.execute(statement)}
    return [found[id] for id in ids if id in found]
