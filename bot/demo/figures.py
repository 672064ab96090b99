"""What the play came to: read from the database, one SELECT for each number."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.broadcasts import progress
from bot.broadcasts.models import Broadcast
from bot.contacts.models import Contact, State
from bot.messaging.models import OutboxMessage, Status
from bot.surveys.models import Answer, Disposition, Run

_ARRIVED = (Status.SENT, Status.DELIVERED, Status.READ)


def people(db: Session) -> dict[str, int]:
    """Return how many are members, said no (or were too young), and stopped; together everybody who wrote."""
    rows = db.execute(select(Contact.state, func.count()).group_by(Contact.state))
    states = {State(state): count for state, count in rows}
    return {
        "members": states.get(State.MEMBER, 0),
        "declined": states.get(State.DECLINED, 0) + states.get(State.UNDERAGE, 0),
        "stopped": states.get(State.STOPPED, 0),
    }


def broadcast(db: Session, id: int) -> dict[str, int]:
    """Return the audience and one number for each status."""
    row = db.get_one(Broadcast, id)
    return {"audience": row.audience_count or 0, **dict(sorted(progress.statuses(db, row).items()))}


def survey(db: Session) -> dict[str, int]:
    """Return how many began, how many sent all in, and how many answers count."""
    started = db.scalar(select(func.count()).select_from(Run)) or 0
    completed = db.scalar(select(func.count()).where(Run.disposition == Disposition.COMPLETED)) or 0
    answers = (
        select(func.count())
        .select_from(Answer)
        .where(Answer.superseded_at.is_(None), Answer.relevant, Answer.missing.is_(None))
    )
    return {"started": started, "completed": completed, "answers": db.scalar(answers) or 0}


def reminders(db: Session) -> int:
    """Return how many reminders were sent."""
    sent = select(func.count()).where(OutboxMessage.kind == "reminder", OutboxMessage.status.in_(_ARRIVED))
    return db.scalar(sent) or 0


def under_way(db: Session, *kinds: str) -> int:
    """Return how many messages are due or with a provider."""
    waiting = select(func.count()).where(OutboxMessage.status.in_((Status.QUEUED, Status.SENDING)))
    return db.scalar(waiting.where(OutboxMessage.kind.in_(kinds)) if kinds else waiting) or 0


def last_broadcast(db: Session) -> int:
    """Return the id of the newest broadcast."""
    return db.scalars(select(Broadcast.id).order_by(Broadcast.id.desc()).limit(1)).one()


def summary(db: Session, broadcast_id: int) -> dict[str, Any]:
    """Return everything but the exports."""
    return {
        **people(db),
        "broadcast": broadcast(db, broadcast_id),
        "survey": survey(db),
        "reminders": reminders(db),
    }
