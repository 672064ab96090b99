"""What is due and whose turn it is: urgent before less urgent, broadcasts in turn, one message a person at a time."""

import random
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby, zip_longest
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, bindparam, exists, func, or_, select, text
from sqlalchemy.orm import Session, aliased

from bot.db import UTCDateTime
from bot.messaging.models import IS_WAITING, LANES, OPEN, WAITING, OutboxMessage, Priority, Status


class DueMessage(NamedTuple):
    """An outbox row as delivery needs it; a plain tuple, since ORM objects would cost more than all the rest."""

    id: int
    contact_id: int
    channel: str
    sender: str
    priority: Priority
    purpose: str | None
    kind: str
    ref: int | None
    body: Any
    expires_at: datetime | None
    address_id: int | None


#: Jumps from lane to lane through the index, however many messages wait in each.
_OURS = "channel = :channel AND sender = :sender"
_LANES = text(f"""
    WITH RECURSIVE found(lane) AS (
        SELECT min(lane) FROM outbox WHERE {_OURS} AND {IS_WAITING.text}
        UNION ALL
        SELECT (SELECT min(lane) FROM outbox WHERE {_OURS} AND {IS_WAITING.text} AND lane > found.lane)
        FROM found WHERE found.lane IS NOT NULL
    )
    SELECT lane FROM found WHERE lane IS NOT NULL
""")  # noqa: S608 - only our own constant is inserted


def lanes(db: Session, channel: str, sender: str) -> list[int]:
    """Return the lanes in which something waits, the urgent first."""
    return list(db.scalars(_LANES, {"channel": channel, "sender": sender}))


def _head() -> Select[int, int]:
    """Select the first due messages of a lane whose contact has none before it.

    Before it is one that is with a provider, or queued earlier and due, or waiting for another try.
    """
    row, before = OutboxMessage, aliased(OutboxMessage)
    now = bindparam("now", type_=UTCDateTime)
    comes_first = and_(
        before.priority <= row.priority,
        before.id < row.id,
        or_(before.due_at <= now, and_(before.attempts > 0, before.due_at.is_not(None))),
    )
    # Behind a function, so that PostgreSQL looks up by contact: its statistics know nothing yet of a broadcast just
    # written, and the index of what waits seems to be short.
    is_sending = func.coalesce(before.status, "") == Status.SENDING
    has_one_before = exists().where(
        before.contact_id == row.contact_id, before.status.in_(OPEN), or_(is_sending, comes_first)
    )
    return (
        select(row.id, row.contact_id)
        .where(row.channel == bindparam("channel"), row.sender == bindparam("sender"), row.lane == bindparam("lane"))
        .where(IS_WAITING, row.due_at <= now)
        .where(~has_one_before)
        .order_by(row.due_at, row.id)
        .limit(bindparam("places"))
    )


# Statements of the hot path are built once: building costs more than running them.
_HEAD = _head()
_DUE = select(*(getattr(OutboxMessage, name) for name in DueMessage._fields)).where(
    OutboxMessage.id.in_(bindparam("ids", expanding=True)), OutboxMessage.status.in_(WAITING)
)


def due(db: Session, channel: str, sender: str, places: int, now: datetime) -> list[int]:
    """Return the ids of at most `places` due messages in order of service, one for each contact."""
    first: dict[int, int] = {}  #: contact -> message
    for _, of_one_priority in groupby(lanes(db, channel, sender), lambda lane: lane // LANES):
        heads = [_rows(db, channel, sender, lane, places, now) for lane in of_one_priority]
        random.shuffle(heads)  # a slow sender has one place at a time: it must not always be the same lane's
        for turn in zip_longest(*heads):  # one of each lane in turn
            for id, contact_id in filter(None, turn):
                first.setdefault(contact_id, id)
        if len(first) >= places:
            break
    return list(first.values())[:places]


def _rows(db: Session, channel: str, sender: str, lane: int, places: int, now: datetime) -> Sequence[tuple[int, int]]:
    where = {"channel": channel, "sender": sender, "lane": lane}
    rows = db.connection().execute(_HEAD, {**where, "places": places, "now": now})
    return [(id, contact_id) for id, contact_id in rows]


def read(db: Session, ids: Sequence[int]) -> list[DueMessage]:
    """Return those of these messages that still wait, in the order of `ids`."""
    found = {row[0]: DueMessage(*row) for row in db.connection().execute(_DUE, {"ids": ids})}
    return [found[id] for id in ids if id in found]
