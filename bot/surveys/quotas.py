"""How many answers are wanted of whom: cells such as "residence=ZA,gender=female", counted in completed runs."""

from collections.abc import Iterable, Mapping

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from bot.contacts.models import Contact
from bot.db import take_turn_for_places
from bot.surveys.models import Disposition, Run, RunCell, Survey
from bot.surveys.publishing import form_of
from bot.surveys.turn import Turn

#: What a cell may be made of besides the questions of the form.
PROFILE = ("origin", "residence", "language", "source", "channel")
CELL_LIMIT = 255


class BadQuota(ValueError):
    """A line cannot be read; the message is the line."""


def read(text: str) -> dict[str, int]:
    """Read quotas as staff write them, a cell on each line: `residence=ZA, gender=female: 50`."""
    quotas: dict[str, int] = {}
    for line in filter(str.strip, text.splitlines()):
        written, _, most = line.rpartition(":")
        pairs = [pair.partition("=") for pair in written.split(",")]
        cell = ",".join(f"{name.strip()}={value.strip()}" for name, _, value in pairs)
        whole = all(name.strip() and value.strip() for name, _, value in pairs)
        if not whole or not most.strip().isdecimal() or len(cell) > CELL_LIMIT or len(most) > 9:
            raise BadQuota(line.strip())
        quotas[cell] = int(most)
    return quotas


def unknown(survey: Survey, quotas: Iterable[str]) -> list[str]:
    """Return the names in quotas that are neither a question of the form nor in the profile."""
    known = {*PROFILE, *(question.name for question in form_of(survey).questions())}
    return sorted({name for cell in quotas for name, _ in _pairs(cell)} - known)


def is_full_for(db: Session, survey: Survey, contact: Contact) -> bool:
    """Tell of somebody who has not begun whether enough people like them have answered."""
    return bool(survey.quotas) and _any_full(db, survey, _profile(survey, contact))


def is_full(turn: Turn) -> bool:
    """Tell whether enough people like this one have answered, as far as the answers say by now."""
    if not turn.survey.quotas or turn.run.completed_at:  # who corrects an answer is counted already
        return False
    return _any_full(turn.db, turn.survey, _facts(turn))


def take(turn: Turn) -> bool:
    """Count a completed run in its cells; False, and nothing is counted, when somebody took the last place meanwhile.

    One run at a time, until its transaction ends.
    """
    if turn.survey.quotas:
        take_turn_for_places(turn.db)
        if is_full(turn):
            return False
    turn.db.execute(delete(RunCell).where(RunCell.run_id == turn.run.id))
    facts = _facts(turn) if turn.survey.quotas else {}
    cells = [cell for cell in turn.survey.quotas if _holds(cell, facts)]
    turn.db.add_all(RunCell(run_id=turn.run.id, cell=cell) for cell in cells)
    return True


def filled(db: Session, survey: Survey) -> dict[str, int]:
    """Return how many completed runs count in each cell."""
    rows = db.execute(
        select(RunCell.cell, func.count())
        .join(Run, Run.id == RunCell.run_id)
        .where(Run.survey_id == survey.id, Run.disposition == Disposition.COMPLETED)
        .group_by(RunCell.cell)
    )
    counts: dict[str, int] = dict(rows.all())
    return {cell: counts.get(cell, 0) for cell in survey.quotas}


def _any_full(db: Session, survey: Survey, facts: Mapping[str, str]) -> bool:
    cells = [cell for cell in survey.quotas if _holds(cell, facts)]
    counts = filled(db, survey) if cells else {}
    return any(counts[cell] >= survey.quotas[cell] for cell in cells)


def _holds(cell: str, facts: Mapping[str, str]) -> bool:
    return all(value in facts.get(name, "").split() for name, value in _pairs(cell))


def _pairs(cell: str) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in (pair.partition("=") for pair in cell.split(","))]


def _facts(turn: Turn) -> dict[str, str]:
    answers = {path.rpartition("/")[2]: value for path, value in turn.session.values().items() if "[" not in path}
    return _profile(turn.survey, turn.contact) | answers


def _profile(survey: Survey, contact: Contact) -> dict[str, str]:
    """Return what the profile says; what the form asks itself is known by the answer only."""
    asked = {question.name for question in form_of(survey).questions() if question.asked}
    return {name: getattr(contact, name) or "" for name in PROFILE if name not in asked}
