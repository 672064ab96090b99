"""Stream interviews out of the database: one merge of two ordered cursors, one interview in memory at a time."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, String, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot.contacts.models import Contact
from bot.exports.models import Export, ExportMember
from bot.surveys import models
from bot.surveys.models import Answer, Disposition, Run

_CHUNK = 2000
_INDEX = re.compile(r"\[(\d+)\]")


class Missing(StrEnum):
    """Why a cell has no answer: the letters are extended missing values in Stata, and text in a spreadsheet's mean."""

    NOT_ASKED = ".n"
    SKIPPED = ".s"
    REFUSED = ".r"
    TIMED_OUT = ".t"
    WITHDREW = ".w"
    OPEN = ".o"


MEANINGS = {
    Missing.NOT_ASKED: "not asked: the form's logic did not put this question to the person",
    Missing.SKIPPED: "skipped: the person was asked and passed over the question",
    Missing.REFUSED: "refused: the person declined to answer the question",
    Missing.TIMED_OUT: "timed out: open or still to come when the interview fell silent and was closed",
    Missing.WITHDREW: "withdrew: the person declined to take part, or left the interview before this question",
    Missing.OPEN: "not reached yet: the interview is still open",
}
_RECORDED = {
    models.Missing.SKIPPED: Missing.SKIPPED,
    models.Missing.REFUSED: Missing.REFUSED,
    models.Missing.TIMED_OUT: Missing.TIMED_OUT,
}
#: What is missing after the last answer, by how the interview stands; one that ended properly came to its end.
_UNREACHED = {
    Disposition.INVITED: Missing.OPEN,
    Disposition.STARTED: Missing.OPEN,
    Disposition.PARTIAL: Missing.OPEN,
    Disposition.EXPIRED: Missing.TIMED_OUT,
    Disposition.WITHDRAWN: Missing.WITHDREW,
    Disposition.REFUSED: Missing.WITHDREW,
}


class Reply(NamedTuple):
    """The answer to one question: a value, or why there is none; a refusal by a choice of the form has both."""

    value: str
    missing: Missing | None
    day: str


Place = tuple[str, tuple[int, ...]]  # a path without indexes, and the index of each repeat around it


@dataclass(frozen=True, slots=True)
class Case:
    """One interview, with nothing finer than a day and nothing that names the person."""

    respondent: str
    disposition: str
    day_started: str
    day_completed: str
    language: str
    channel: str
    source: str
    occasion: str
    replies: dict[Place, Reply]

    @property
    def head(self) -> tuple[str, ...]:
        """Return the cells of the first columns, as variables.HEAD names them."""
        return (
            self.respondent,
            self.disposition,
            self.day_started,
            self.day_completed,
            self.language,
            self.channel,
            self.source,
            self.occasion,
        )

    @property
    def unreached(self) -> Missing:
        return _UNREACHED.get(Disposition(self.disposition), Missing.NOT_ASKED)


def cases(db: Session, export: Export, free_text: bool) -> Iterator[Case]:
    """Yield the interviews of an export by respondent id: an order that says nothing of the one in the database."""
    answers = groupby(_stream(db, _answers(db, export, free_text)), key=itemgetter(0))
    respondent, rows = next(answers, ("", ()))
    for run in _stream(db, _runs(db, export)):
        while respondent and respondent < run.respondent:  # erased between the two cursors
            respondent, rows = next(answers, ("", ()))
        replies: dict[Place, Reply] = {}
        if run.respondent == respondent:
            replies = _replies(rows)
            respondent, rows = next(answers, ("", ()))
        yield Case(
            respondent=run.respondent,
            disposition=run.disposition,
            day_started=run.day_started,
            day_completed=run.day_completed or "",
            language=run.language,
            channel=run.channel,
            source=run.source or "",
            occasion=run.occasion,
            replies=replies,
        )


def _stream(db: Session, query: Select[*tuple[Any, ...]]) -> Iterator[Row[*tuple[Any, ...]]]:
    # On the connection: the session would look at each of a million rows for objects to load.
    yield from db.connection().execute(query, execution_options={"yield_per": _CHUNK})


def _runs(db: Session, export: Export) -> Select[*tuple[Any, ...]]:
    return (
        select(
            ExportMember.respondent,
            Run.disposition,
            _day(db, Run.started_at).label("day_started"),
            _day(db, Run.completed_at).label("day_completed"),
            Run.language,
            Run.channel,
            Contact.source,
            Run.occasion,
        )
        .join(Run, Run.id == ExportMember.run_id)
        .join(Contact, Contact.id == Run.contact_id)
        .where(ExportMember.export_id == export.id)
        .order_by(ExportMember.respondent)
    )


def _answers(db: Session, export: Export, free_text: bool) -> Select[*tuple[Any, ...]]:
    words = (Answer.private,) if free_text else ()
    return (
        select(ExportMember.respondent, Answer.path, Answer.value, Answer.missing, _day(db, Answer.at), *words)
        .join(Answer, Answer.run_id == ExportMember.run_id)
        .where(ExportMember.export_id == export.id, Answer.superseded_at.is_(None), Answer.relevant)
        .order_by(ExportMember.respondent)
    )


def _replies(rows: Iterable[Any]) -> dict[Place, Reply]:
    replies = {}
    for _, path, value, missing, day, *words in rows:
        given = value or (words[0] if words else None) or ""
        # A calculation that came to nothing has a row without value or reason.
        reason = _RECORDED[missing] if missing else None if given else Missing.NOT_ASKED
        replies[_place(path)] = Reply(given, reason, day)
    return replies


def _place(path: str) -> Place:
    if "[" not in path:
        return path, ()
    return _INDEX.sub("", path), tuple(map(int, _INDEX.findall(path)))


def _day(db: Session, column: InstrumentedAttribute[Any]) -> ColumnElement[str]:
    """Return the day in UTC, cut in the database: a million times are never made here."""
    if db.get_bind().dialect.name == "sqlite":
        return func.date(column, type_=String)
    return func.to_char(func.timezone("UTC", column), "YYYY-MM-DD")
