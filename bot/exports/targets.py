"""Totals that staff declare, kept with the form: exports, reports and the console weigh to the same ones."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.exports import weighting
from bot.exports.options import Options, Target
from bot.surveys.models import Survey
from bot.surveys.publishing import form_of


def keep(db: Session, survey: Survey, text: str) -> tuple[Target, ...]:
    """Keep the targets of a CSV for all versions of a form; raise ExportError with what to put right. "" keeps none."""
    wanted = weighting.read(text) if text.strip() else ()
    weighting.check([form_of(survey)], Options(targets=wanted))
    for version in db.scalars(select(Survey).where(Survey.form_id == survey.form_id)):
        version.targets = None
    survey.targets = [list(target) for target in wanted] or None
    db.flush()
    return wanted


def kept(db: Session, form_id: str) -> tuple[Target, ...]:
    """Return the targets that are kept for a form."""
    found = db.scalars(select(Survey.targets).where(Survey.form_id == form_id, Survey.targets.is_not(None))).first()
    return tuple((str(a), str(b), float(c), str(d), str(e)) for a, b, c, d, e in found or ())
