"""The life of a run outside a conversation: found, begun, nudged, expired, withdrawn."""

import random
from datetime import datetime, timedelta

from sqlalchemy import Select, bindparam, case, func, or_, select, update
from sqlalchemy.orm import Session, joinedload

from bot import clock
from bot.contacts.models import Contact
from bot.contacts.service import zone_of
from bot.content import Content
from bot.surveys import answers, awake
from bot.surveys.asking import form_language
from bot.surveys.ending import CORRECTABLE, tell
from bot.surveys.engine import start
from bot.surveys.form import Question
from bot.surveys.models import LIVE, Disposition, Missing, Run, Status, Survey
from bot.surveys.publishing import form_of, is_open_at
from bot.surveys.turn import REVIEW
from bot.surveys.xpath.values import EvaluationError

EXPIRY = timedelta(days=14)
_BATCH = 500


#: Asked at almost every message: built once, and read without storing first what other people's messages changed.
_OPEN_RUN = (
    select(Run)
    .options(joinedload(Run.survey, innerjoin=True))
    .where(Run.contact_id == bindparam("contact_id"), Run.disposition.in_(LIVE), Run.paused.is_(False))
    .order_by(Run.updated_at.desc())
    .limit(1)
    .execution_options(autoflush=False)
)


def open_run(db: Session, contact: Contact) -> Run | None:
    """Return the run that the contact is in the middle of and has not paused, as stored before this message."""
    return db.scalars(_OPEN_RUN, {"contact_id": contact.id}).one_or_none()


def left_last(db: Session, contact: Contact) -> Run | None:
    """Return the run that the contact left unfinished last."""
    return db.scalars(_live(contact).order_by(Run.updated_at.desc()).limit(1)).one_or_none()


def latest(db: Session, contact: Contact, form_id: str, occasion: str = "") -> Run | None:
    """Return the contact's last run through any version of a form, for one occasion."""
    return db.scalars(
        select(Run)
        .join(Survey, Survey.id == Run.survey_id)
        .where(Run.contact_id == contact.id, Survey.form_id == form_id, Run.occasion == occasion)
        .order_by(Run.id.desc())
        .limit(1)
    ).one_or_none()


def through(db: Session, contact: Contact, survey_id: int) -> Run | None:
    """Return the contact's run through one survey; of several, for different occasions, the one last touched."""
    found = select(Run).where(Run.contact_id == contact.id, Run.survey_id == survey_id)
    live_first = case((Run.disposition.in_(LIVE), 0), else_=1)
    return db.scalars(found.order_by(live_first, Run.updated_at.desc()).limit(1)).one_or_none()


def create(
    db: Session,
    content: Content,
    contact: Contact,
    channel: str,
    survey: Survey,
    old: Run | None,
    seed: int | None = None,
    occasion: str = "",
) -> Run:
    """Begin a run; somebody who had refused, and comes back, begins the same one anew."""
    run = (
        old
        if old and old.survey_id == survey.id
        else Run(survey_id=survey.id, contact_id=contact.id, occasion=occasion)
    )
    form, now = form_of(survey), clock.now()
    language = contact.language or "en"
    state = start(
        form,
        now=now,
        tz=zone_of(contact),
        language=form_language(form, language, content),
        seed=random.getrandbits(31) if seed is None else seed,
    )
    run.disposition, run.state = Disposition.STARTED, state.to_json()
    run.language, run.channel = language, channel
    run.path, run.draft, run.page, run.failures, run.nudges = None, None, 0, 0, 0
    run.shown_at = None
    run.paused = False
    run.started_at = run.updated_at = now
    run.completed_at = None
    db.add(run)
    db.flush()
    return run


def pause_others(db: Session, run: Run) -> None:
    """Leave one run only that answers belong to."""
    others = update(Run).where(Run.contact_id == run.contact_id, Run.id != run.id, Run.disposition.in_(LIVE))
    db.execute(others.values(paused=True))


def count_runs(db: Session, contact: Contact) -> int:
    """Return to how many surveys we keep answers of the contact."""
    kept = (*LIVE, Disposition.COMPLETED, Disposition.EXPIRED, Disposition.WITHDRAWN)
    query = select(func.count()).where(Run.contact_id == contact.id, Run.disposition.in_(kept))
    return db.scalar(query) or 0


def withdraw(db: Session, contact: Contact) -> int:
    """End the runs of a contact who leaves; return how many. Answers stay, in case the person comes back."""
    found = db.execute(_live(contact).add_columns(Survey).join(Survey, Survey.id == Run.survey_id)).all()
    for run, survey in found:
        _leave(db, contact, run, survey, Disposition.WITHDRAWN)
    db.flush()
    return len(found)


def _live(contact: Contact) -> Select[Run]:
    return select(Run).where(Run.contact_id == contact.id, Run.disposition.in_(LIVE))


def expire(db: Session, now: datetime, after: timedelta = EXPIRY) -> int:
    """End runs that fell silent, or whose survey closed, and keep their answers; return how many."""
    silent = or_(Run.updated_at <= now - after, Survey.status != Status.OPEN, Survey.closes_at <= now)
    found = db.execute(
        select(Run, Survey, Contact)
        .join(Survey, Survey.id == Run.survey_id)
        .join(Contact, Contact.id == Run.contact_id)
        .where(Run.disposition.in_(LIVE), silent)
        .order_by(Run.id)
        .limit(_BATCH)
        .with_for_update(of=Contact, skip_locked=True)  # who is writing at this moment is not silent
    ).all()
    for run, survey, contact in found:
        _leave(db, contact, run, survey, Disposition.EXPIRED)
        question = form_of(survey).nodes.get(answers.bare(run.path or ""))
        if run.path and isinstance(question, Question) and not answers.has(db, run, run.path):
            answers.add(db, run, run.path, question, "", "", Missing.TIMED_OUT)
    db.flush()
    return len(found)


def _leave(db: Session, contact: Contact, run: Run, survey: Survey, disposition: Disposition) -> None:
    """End a run half-way, with what its form calculates of the answers; who was correcting answers has completed it."""
    run.disposition = Disposition.COMPLETED if run.completed_at else disposition
    tell(db, run)
    form = form_of(survey)
    try:
        session = awake.wake(run.id, form, run.state, clock.now(), zone_of(contact))
        answers.settle(db, run, form, session)
    except EvaluationError as error:
        run.fault = error.place[:128]


def reopen(db: Session, contact: Contact, now: datetime) -> Run | None:
    """Open the answers that were sent last once more; None when it is too late."""
    query = (
        select(Run)
        .join(Survey, Survey.id == Run.survey_id)
        .where(Run.contact_id == contact.id, Run.disposition == Disposition.COMPLETED)
        .where(Run.completed_at > now - CORRECTABLE, is_open_at(now))
    )
    run = db.scalars(query.order_by(Run.completed_at.desc()).limit(1)).one_or_none()
    if run is not None:
        run.disposition, run.path = Disposition.PARTIAL, REVIEW
    return run
