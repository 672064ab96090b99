"""Broadcasts that go out again and again: each turn is a broadcast of its own, with its own audience and results."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from bot import clock
from bot.broadcasts import checks, rendering, service, targets, times
from bot.broadcasts.models import KIND, Broadcast, BroadcastStatus
from bot.broadcasts.policy import Policy
from bot.content import Content
from bot.staff import audit, roles
from bot.staff.models import StaffUser
from bot.staff.roles import Permission


def take_turns(db: Session, content: Content, policy: Policy) -> int:
    """Send the turns that are due; a job calls it. Return how many.

    The approval of the first turn covers those that say the very same to an audience that did not grow by much;
    any other waits as a draft for a second person.
    """
    later = aliased(Broadcast)
    last = select(Broadcast).where(
        Broadcast.repeat.is_not(None),
        Broadcast.sent_at.is_not(None),
        Broadcast.status != BroadcastStatus.CANCELLED,
        ~select(later.id).where(later.repeats == Broadcast.id).exists(),
    )
    return sum(_take_turn(db, content, policy, one) for one in db.scalars(last.with_for_update(skip_locked=True)))


def _take_turn(db: Session, content: Content, policy: Policy, earlier: Broadcast) -> bool:
    now = clock.now()
    at = times.following(earlier, now)
    lead = times.AHEAD if earlier.at_local else timedelta()  # in the east it is time long before
    if at is None or at - lead > now or (earlier.repeat_until and at > earlier.repeat_until):
        return False
    turn = _copy(earlier)
    shift = at - (earlier.scheduled_at or earlier.sent_at or at)
    turn.scheduled_at, turn.created_at, turn.edited_at, turn.repeats = at, now, now, earlier.id
    turn.expires_at = earlier.expires_at + shift if earlier.expires_at else None
    turn.content_hash = rendering.content_hash(content, turn)
    db.add(turn)
    db.flush()
    is_late = turn.expires_at is not None and turn.expires_at <= now
    if earlier.approved_hash == rendering.content_hash(content, earlier) and not is_late:
        _approve_like(turn, earlier)
        is_void = service.why_void(db, content, turn) or checks.foreign_links(turn, policy)
        if not is_void and not targets.is_dead(db, content, turn):
            service.send(db, content, turn, None, policy)
            return True
        turn.status, turn.approved_hash, turn.approved_by = BroadcastStatus.DRAFT, None, None
    audit.record(db, None, "broadcast.turn_waits", KIND, turn.id, {"repeats": earlier.id})
    return True


def _copy(earlier: Broadcast) -> Broadcast:
    turn = Broadcast(author_id=earlier.author_id, writers=list(earlier.writers), status=BroadcastStatus.DRAFT)
    service.fill(turn, service.Draft.of(earlier))
    return turn


def _approve_like(turn: Broadcast, earlier: Broadcast) -> None:
    turn.status, turn.approved_hash = BroadcastStatus.APPROVED, turn.content_hash
    turn.approved_by, turn.approved_at = earlier.approved_by, earlier.approved_at
    turn.approved_audience_count = earlier.approved_audience_count


def stop(db: Session, broadcast: Broadcast, by: StaffUser) -> None:
    """Let no further turn follow."""
    roles.require(by, Permission.BROADCAST_SEND)
    db.refresh(broadcast, with_for_update=True)
    broadcast.repeat = broadcast.repeat_until = None
    db.flush()
    audit.record(db, by, "broadcast.repeat_stopped", KIND, broadcast.id)
