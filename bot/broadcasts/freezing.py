"""Freeze an audience: one INSERT ... SELECT, whatever its size."""

from collections.abc import Iterator
from datetime import datetime
from itertools import product

from sqlalchemy import ColumnElement, String, Subquery, and_, case, cast, insert, literal, null, select
from sqlalchemy.orm import Session

from bot.broadcasts import times
from bot.broadcasts.audience import Audience
from bot.broadcasts.forecast import Standing, decide, standings
from bot.broadcasts.models import KIND, Broadcast
from bot.broadcasts.policy import Policy
from bot.messaging.eligibility import End
from bot.messaging.models import OutboxMessage, Priority, Status, lane


def freeze(db: Session, broadcast: Broadcast, policy: Policy, now: datetime, expires_at: datetime) -> int:
    """Write one row for each contact of the audience; those who may not get it at once with their end and reason.

    Only what cannot change by waiting is decided here; the rest when each message leaves.
    """
    audience = Audience.from_json(broadcast.audience)
    facts = standings(audience, broadcast.purpose, policy, now)
    zones = db.scalars(select(facts.c.zone).distinct()) if broadcast.at_local else ()
    ends = list(_ends(audience, broadcast.purpose, policy, now))
    values = {
        OutboxMessage.contact_id: facts.c.contact_id,
        OutboxMessage.channel: facts.c.preferred,
        OutboxMessage.sender: facts.c.sender,
        OutboxMessage.priority: literal(Priority.BROADCAST),
        OutboxMessage.purpose: literal(broadcast.purpose),
        OutboxMessage.kind: literal(KIND),
        OutboxMessage.ref: literal(broadcast.id),
        OutboxMessage.lane: literal(lane(Priority.BROADCAST, broadcast.id)),
        OutboxMessage.once: literal(f"{KIND}:{broadcast.id}:").concat(cast(facts.c.contact_id, String)),
        OutboxMessage.status: case(*((_matches(facts, who), end.status) for who, end in ends), else_=Status.QUEUED),
        OutboxMessage.reason: case(*((_matches(facts, who), end.reason) for who, end in ends), else_=null()),
        OutboxMessage.due_at: times.due_column(broadcast, zones, facts.c.zone, now),
        OutboxMessage.expires_at: literal(expires_at),
        OutboxMessage.created_at: literal(now),
        OutboxMessage.status_at: literal(now),
    }
    rows = select(*values.values()).select_from(facts).order_by(facts.c.contact_id)
    statement = insert(OutboxMessage).from_select(list(values), rows)
    inserted = db.execute(statement, execution_options={"preserve_rowcount": True})
    return int(inserted.rowcount)  # type: ignore[attr-defined]


def _ends(audience: Audience, purpose: str, policy: Policy, now: datetime) -> Iterator[tuple[Standing, End]]:
    """Ask the rules about every combination of facts that no waiting changes; yield those that end."""
    for state, granted, channel in product(audience.states, (True, False), ("any", None)):
        who = Standing(state, None, None, "any", granted, channel, in_window=True, capped=False)
        decision = decide(who, purpose, None, policy, now)
        if isinstance(decision, End):
            yield who, decision


def _matches(facts: Subquery, who: Standing) -> ColumnElement[bool]:
    channel = facts.c.channel
    return and_(
        facts.c.state == who.state,
        facts.c.granted == who.granted,
        channel.is_(None) if who.channel is None else channel.is_not(None),
    )
