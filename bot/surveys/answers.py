"""Answer rows: written as they come, corrected by a new row, marked when they become moot."""

import re
from collections.abc import Collection, Iterable

from sqlalchemy import Update, bindparam, delete, select, update
from sqlalchemy.orm import Session

from bot import clock
from bot.db import UTCDateTime
from bot.messaging import received
from bot.messaging.models import ReceivedFile
from bot.surveys.engine import Session as Engine
from bot.surveys.form import Form, Question, Type
from bot.surveys.models import Answer, Disposition, Missing, Run

#: Codes of choices that mean "prefer not to say".
REFUSALS = frozenset({"pnts", "refused", "prefer_not_to_say"})
_INDEX = re.compile(r"\[\d+\]")
#: What may name a person or their home is encrypted.
_FILES = {Type.IMAGE, Type.AUDIO, Type.VIDEO, Type.FILE}
_PRIVATE = {Type.TEXT, Type.GEOPOINT, *_FILES}

_SUPERSEDE = (
    update(Answer.__table__)  # type: ignore[arg-type]
    .where(Answer.run_id == bindparam("of_run"), Answer.path == bindparam("at_path"), Answer.superseded_at.is_(None))
    .values(superseded_at=bindparam("now", type_=UTCDateTime))
)


def record(db: Session, run: Run, path: str, question: Question, value: str, said: str) -> None:
    """Keep an answer; no value means that the question was skipped. An earlier answer becomes history."""
    missing = None if value else Missing.INVALID if run.failures else Missing.SKIPPED
    if question.type in {Type.SELECT_ONE, Type.SELECT_MULTIPLE} and REFUSALS.intersection(value.split()):
        missing = Missing.REFUSED
    supersede(db, run, path)
    add(db, run, path, question, value, said, missing)
    if run.disposition == Disposition.STARTED:
        run.disposition = Disposition.PARTIAL


def supersede(db: Session, run: Run, path: str) -> None:
    """Make the current answer to a question history: the stored one, not one that is still to be flushed."""
    db.connection().execute(_SUPERSEDE, {"of_run": run.id, "at_path": path, "now": clock.now()})


def add(db: Session, run: Run, path: str, question: Question, value: str, said: str, missing: Missing | None) -> None:
    """Add a row."""
    private = question.type in _PRIVATE
    if question.type in _FILES and (file := received.find(db, value)):
        file.run_id = run.id
    db.add(
        Answer(
            run_id=run.id,
            path=path,
            name=question.name,
            value=value if value and not private else None,
            private=value if value and private else None,
            said=said,
            missing=missing,
            language=run.language,
            channel=run.channel,
            shown_at=run.shown_at if run.path == path else None,
            at=clock.now(),
        )
    )


def mark(db: Session, run: Run, paths: Iterable[str], *, relevant: bool) -> None:
    """Mark the current answers to these questions as counting or not."""
    wanted = list(paths)
    if wanted:
        db.execute(_current(run).where(Answer.path.in_(wanted)).values(relevant=relevant))


def settle(db: Session, run: Run, form: Form, session: Engine) -> None:
    """Say of every current answer whether it counts in the end, and keep what the form calculated."""
    db.execute(_current(run).values(relevant=Answer.path.in_(session.answered())))
    calculated = {
        path: (question, value)
        for path, value in session.values().items()
        if isinstance(question := form.nodes[bare(path)], Question) and not question.asked and "/meta/" not in path
    }
    kept = _kept(db, run, calculated)
    for path, (question, value) in calculated.items():
        if kept.get(path) == value:
            db.execute(_current(run).where(Answer.path == path).values(relevant=True))
            continue
        if path in kept:
            supersede(db, run, path)
        add(db, run, path, question, value, "", None)


def _kept(db: Session, run: Run, paths: Collection[str]) -> dict[str, str]:
    query = select(Answer.path, Answer.value, Answer.private).where(
        Answer.run_id == run.id, Answer.path.in_(paths), Answer.superseded_at.is_(None)
    )
    return {path: value or private or "" for path, value, private in db.execute(query)}


def forget(db: Session, run: Run) -> None:
    """Erase every answer of a run, with the files."""
    for file in db.scalars(select(ReceivedFile).where(ReceivedFile.run_id == run.id)):
        received.forget(db, file)
    db.execute(delete(Answer).where(Answer.run_id == run.id).execution_options(synchronize_session=False))


def has(db: Session, run: Run, path: str) -> bool:
    """Tell whether the question has a current answer."""
    current = select(Answer.id).where(Answer.run_id == run.id, Answer.path == path, Answer.superseded_at.is_(None))
    return db.scalar(current) is not None


def holding(db: Session, run: Run, value: str) -> Answer | None:
    """Return the current answer of this value, which may be encrypted."""
    current = select(Answer).where(Answer.run_id == run.id, Answer.superseded_at.is_(None))
    return next((row for row in db.scalars(current) if value in (row.value, row.private)), None)


def last(db: Session, run: Run) -> Answer | None:
    """Return the answer that came last."""
    current = select(Answer).where(Answer.run_id == run.id, Answer.superseded_at.is_(None))
    return db.scalars(current.order_by(Answer.id.desc()).limit(1)).one_or_none()


def bare(path: str) -> str:
    """Return a path without the numbers of repeats, as the form has it."""
    return _INDEX.sub("", path)


def _current(run: Run) -> Update:
    statement = update(Answer).where(Answer.run_id == run.id, Answer.superseded_at.is_(None))
    return statement.execution_options(synchronize_session=False)
