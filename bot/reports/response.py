"""How good a survey's response was: from its report's figures where a plan has them, so that both say the same."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from bot.disclosure import releases
from bot.disclosure.suppression import THRESHOLD
from bot.exports import response
from bot.exports.response import Response
from bot.reports import plan, service
from bot.reports.counting import ALL, CHAIN, OUTCOME, SOURCE
from bot.surveys.models import Survey

_TABLES = {OUTCOME: "outcome", SOURCE: "source", CHAIN: "links"}


def publish(db: Session, messages_dir: Path, survey: Survey, least: int = THRESHOLD) -> Response:
    """Publish the response to a form; while few more came, the figures of the last time stand."""
    if survey.form_id in plan.forms(messages_dir):
        service.publish(db, messages_dir, survey.form_id, least)
        if found := latest(db, messages_dir, survey):
            return found
    return response.publish(db, survey, least)


def latest(db: Session, messages_dir: Path, survey: Survey) -> Response | None:
    """Return what was published last; None when nothing was."""
    planned = survey.form_id in plan.forms(messages_dir)
    made = releases.latest(db, service.subject_of(survey.form_id)) if planned else None
    if made:
        return _of_report(made.at, made.figures)
    found = releases.latest(db, response.subject(survey.form_id))
    if found is None:
        return None
    return response.of_cells(found.at, {(table, code): count for (table, code), count in found.figures.items()})


def _of_report(at: datetime, figures: Mapping[tuple[str, ...], int | None]) -> Response:
    """Return the response from the cells of a report; which standing is in which group is nobody's to see."""
    return response.of_cells(
        at,
        {
            (_TABLES[question], said): count
            for (question, said, origin), count in figures.items()
            if question in _TABLES and origin == ALL and "/" not in said
        },
    )
