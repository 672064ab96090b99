"""On which days a survey takes answers, and its end; what waits in the outbox follows."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.messaging import outbox
from bot.surveys import inviting, nudging
from bot.surveys.models import Run, Status, Survey


class BadDays(ValueError):
    """A survey would close before it opens."""


def schedule(db: Session, survey: Survey, opens_at: datetime | None, closes_at: datetime | None) -> None:
    """Say from when until when a survey takes answers; invitations that wait go out when it opens."""
    if opens_at and closes_at and opens_at >= closes_at:
        raise BadDays
    survey.opens_at, survey.closes_at = opens_at, closes_at
    now = clock.now()
    outbox.postpone_ref(db, inviting.KIND, survey.id, max(now, opens_at or now))
    outbox.expire_ref(db, inviting.KIND, survey.id, closes_at)
    db.flush()


def close(db: Session, survey: Survey) -> int:
    """Take no more answers, neither from new people nor from those half-way; return how many messages did not leave."""
    survey.status = Status.CLOSED
    db.flush()
    runs = select(Run.id).where(Run.survey_id == survey.id)
    invitations = outbox.cancel_ref(db, inviting.KIND, survey.id, "survey_closed")
    return invitations + outbox.cancel_refs(db, nudging.KIND, runs, "survey_closed")
