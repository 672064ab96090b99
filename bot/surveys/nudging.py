"""People who fell silent half-way are reminded of their open question: by themselves after a while, or by staff."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from bot.contacts.models import Contact, Purpose
from bot.content import Content
from bot.messaging import outbox
from bot.messaging.models import OutboxMessage, Priority
from bot.surveys import answers
from bot.surveys.faults import park
from bot.surveys.models import LIVE, Run, Survey
from bot.surveys.publishing import is_open_at
from bot.surveys.steps import put
from bot.surveys.turn import Turn
from bot.surveys.xpath.values import EvaluationError

KIND = "nudge"  #: of the outbox rows; `ref` is the run
#: Silence after which we remind, once each.
NUDGES = (timedelta(hours=24), timedelta(hours=72))
#: Staff may remind who was silent for this long, was not reminded since, and was not reminded too often.
_APART = timedelta(hours=24)
_MOST = 5
_BATCH = 500


def queue_due_nudges(db: Session, content: Content, now: datetime, after: Sequence[timedelta] = NUDGES) -> int:
    """Remind people who fell silent of their open question; return how many."""
    if not after:
        return 0
    due = or_(*(and_(Run.nudges == number, Run.updated_at <= now - wait) for number, wait in enumerate(after)))
    return _remind(db, content, _silent(now).where(due).limit(_BATCH))


def nudge_now(db: Session, content: Content, survey: Survey, now: datetime) -> int:
    """Remind everybody who is silent half-way, because staff say so; return how many."""
    return _remind(db, content, _silent(now).where(*_by_hand(survey, now)))


def count_silent(db: Session, survey: Survey, now: datetime) -> int:
    """Return how many people `nudge_now` would remind."""
    found = _silent(now).where(*_by_hand(survey, now)).with_only_columns(Run.id).order_by(None)
    return db.scalar(select(func.count()).select_from(found.subquery())) or 0


def _silent(now: datetime) -> Select[Run, Contact]:
    return (
        select(Run, Contact)
        .join(Survey, Survey.id == Run.survey_id)
        .join(Contact, Contact.id == Run.contact_id)
        .where(Run.disposition.in_(LIVE), Run.completed_at.is_(None), Run.fault.is_(None), is_open_at(now))
        .where(Run.paused.is_(False) | ~_is_busy_elsewhere())
        .order_by(Run.id)
    )


def _is_busy_elsewhere() -> ColumnElement[bool]:
    """Return the condition that what the person types belongs to another run, or will when they are reminded of it."""
    other = aliased(Run)
    later = and_(other.id > Run.id, other.completed_at.is_(None), other.fault.is_(None))
    return exists().where(
        other.contact_id == Run.contact_id,
        other.id != Run.id,
        other.disposition.in_(LIVE),
        other.paused.is_(False) | later,
    )


def _by_hand(survey: Survey, now: datetime) -> tuple[ColumnElement[bool], ...]:
    lately = exists().where(
        OutboxMessage.kind == KIND, OutboxMessage.ref == Run.id, OutboxMessage.created_at > now - _APART
    )
    return (Run.survey_id == survey.id, Run.updated_at <= now - _APART, Run.nudges < _MOST, ~lately)


def _remind(db: Session, content: Content, found: Select[Run, Contact]) -> int:
    # Who is writing at this moment is not silent.
    rows: Iterable[Row[Run, Contact]] = db.execute(found.with_for_update(of=Contact, skip_locked=True)).all()
    return sum(_nudge(db, content, contact, run) for run, contact in rows)


def _nudge(db: Session, content: Content, contact: Contact, run: Run) -> bool:
    try:
        turn = Turn.begin(db, content, contact, run, contact.channel)
        done = turn.session.answered()
        *_, question = put(turn)
        answers.settle(db, run, turn.form, turn.session)  # who is silent now may stay so
    except EvaluationError as error:
        park(run, error)
        return False
    left = max(1, turn.total(done, run.path or "") - len(done))
    head = content.catalogue.plural("survey.nudge", left, turn.language, title=turn.survey.title)
    message = outbox.Message(
        f"{head}\n\n{question.text}",
        question.buttons,
        template="survey_continue",
        variables={"title": turn.survey.title},
    )
    run.nudges += 1
    run.paused = False  # the question is put again: what the person types next answers it
    queued = outbox.queue(
        db,
        contact,
        message,
        kind=KIND,
        priority=Priority.BROADCAST,
        purpose=Purpose.SURVEYS,
        once=f"nudge:{run.id}:{run.started_at:%Y%m%d%H%M%S}:{run.nudges}",
        ref=run.id,
        expires_at=turn.survey.closes_at,
    )
    return queued is not None
