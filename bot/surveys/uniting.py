"""Two runs of one person in one survey: one stays the answer set, the other's answers are kept as superseded."""

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from bot import clock
from bot.surveys.models import Answer, Disposition, Run


def unite(db: Session, gone: int, into: int) -> None:
    """Leave one run of each survey and occasion for the two contacts: the completed one, else the one touched last."""
    runs = db.scalars(select(Run).where(Run.contact_id.in_((gone, into))).order_by(Run.id)).all()
    by_survey: dict[tuple[int, str], list[Run]] = {}
    for run in runs:
        by_survey.setdefault((run.survey_id, run.occasion), []).append(run)
    for pair in by_survey.values():
        if len(pair) > 1:
            kept = max(pair, key=lambda run: (run.disposition == Disposition.COMPLETED, run.updated_at))
            for lost in pair:
                if lost is not kept:
                    _fold(db, lost.id, kept.id)
    db.expire_all()


def _fold(db: Session, lost: int, kept: int) -> None:
    moved = {"run_id": kept, "superseded_at": func.coalesce(Answer.superseded_at, clock.now())}
    quiet = {"synchronize_session": False}
    db.execute(update(Answer).where(Answer.run_id == lost).values(moved).execution_options(**quiet))
    db.execute(delete(Run).where(Run.id == lost).execution_options(**quiet))
