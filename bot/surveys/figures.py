"""How a survey goes: how far people came, where they stop, what stopped them. SELECTs, never counters."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.content import Content
from bot.surveys.answers import bare
from bot.surveys.asking import form_language
from bot.surveys.models import LIVE, Answer, Disposition, Run, Survey
from bot.surveys.publishing import form_of

_LEFT = (*LIVE, Disposition.EXPIRED, Disposition.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class Stop:
    """A question: how many answered it, and at how many runs it is the open one, or was when they ended."""

    name: str
    label: str
    answered: int
    stopped: int


def dispositions(db: Session, survey_id: int) -> dict[str, int]:
    """Return how many runs there are of each disposition, in the order of a run's life."""
    counted = db.execute(
        select(Run.disposition, func.count()).where(Run.survey_id == survey_id).group_by(Run.disposition)
    )
    counts: dict[str, int] = dict(counted.all())
    return {str(code): counts[code] for code in Disposition if code in counts}


def drop_off(db: Session, survey: Survey, language: str, content: Content) -> list[Stop]:
    """Return every question that is asked, in order, with how many came so far and how many stand there.

    Labels are in the form's language nearest to `language`.
    """
    answered = dict(
        db.execute(
            select(Answer.name, func.count(func.distinct(Answer.run_id)))
            .join(Run, Run.id == Answer.run_id)
            .where(Run.survey_id == survey.id, Answer.superseded_at.is_(None), Answer.relevant)
            .group_by(Answer.name)
        ).all()
    )
    stopped: dict[str, int] = {}
    standing = (Run.survey_id == survey.id, Run.disposition.in_(_LEFT), Run.completed_at.is_(None))
    for path, count in db.execute(select(Run.path, func.count()).where(*standing).group_by(Run.path)):
        stopped[bare(path or "")] = stopped.get(bare(path or ""), 0) + count
    form = form_of(survey)
    spoken = form_language(form, language, content)
    return [
        Stop(one.name, label, answered.get(one.name, 0), stopped.get(one.path, 0))
        for one in form.questions()
        if one.asked and (label := str(form.wording(one.label, spoken) or one.name))
    ]


def faults(db: Session, survey_id: int) -> Iterator[tuple[str, int]]:
    """Yield the questions whose expressions failed, and how many runs wait there."""
    rows = db.execute(
        select(Run.fault, func.count())
        .where(Run.survey_id == survey_id, Run.fault.is_not(None), Run.disposition.in_(LIVE))
        .group_by(Run.fault)
    )
    yield from ((str(fault), count) for fault, count in rows)
