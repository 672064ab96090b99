"""What interviews are to exports: who was asked, what was answered, and why it was not."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, String, func
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot.exports.wording import wording
from bot.surveys import models
from bot.surveys.models import Disposition

_CHUNK = 2000
_REMEMBERED = 50_000
_INDEX = re.compile(r"\[(\d+)\]")


class Missing(StrEnum):
    """Why a cell has no answer: the letters are extended missing values in Stata, and text in a spreadsheet's mean."""

    NOT_ASKED = ".n"
    SKIPPED = ".s"
    REFUSED = ".r"
    TIMED_OUT = ".t"
    WITHDREW = ".w"
    OPEN = ".o"
    MASKED = ".m"
    INVALID = ".i"
    ERASED = ".e"


MEANINGS: dict[Missing, str] = {missing: wording()["missing"][missing.name.lower()] for missing in Missing}
RECORDED = {
    models.Missing.SKIPPED: Missing.SKIPPED,
    models.Missing.REFUSED: Missing.REFUSED,
    models.Missing.TIMED_OUT: Missing.TIMED_OUT,
    models.Missing.INVALID: Missing.INVALID,
}
#: What is missing after the last answer, by how the interview stands; one that ended properly came to its end.
_UNREACHED = {
    Disposition.INVITED: Missing.OPEN,
    Disposition.STARTED: Missing.OPEN,
    Disposition.PARTIAL: Missing.OPEN,
    Disposition.EXPIRED: Missing.TIMED_OUT,
    Disposition.WITHDRAWN: Missing.WITHDREW,
    Disposition.REFUSED: Missing.WITHDREW,
    Disposition.INELIGIBLE: Missing.ERASED,
    Disposition.QUOTA_FULL: Missing.ERASED,
}


class Given(NamedTuple):
    """What was answered: a value, or why there is none; a refusal by a choice of the form has both."""

    value: str
    missing: Missing | None


class Reply(NamedTuple):
    """The answer to one question, and the day on which it was given."""

    given: Given
    day: str


#: The replies by path, those of each repeat apart: () is outside repeats, (2, 1) the first in the second.
Replies = dict[tuple[int, ...], dict[str, Reply]]


@dataclass(frozen=True, slots=True)
class Person:
    """Who was interviewed, with nothing finer than a day and nothing that names the person."""

    respondent: str
    survey_id: int  #: the version of the form that was answered
    version: str
    disposition: str
    day_started: str
    day_completed: str
    language: str
    channel: str
    source: str
    occasion: str
    weight: str | None = field(default=None, kw_only=True)  #: None: the export has none; "": the person has none

    @property
    def head(self) -> tuple[str, ...]:
        """Return the cells of the first columns, as variables.HEAD names them."""
        return (
            self.respondent,
            self.version,
            self.disposition,
            self.day_started,
            self.day_completed,
            self.language,
            self.channel,
            self.source,
            self.occasion,
            *(() if self.weight is None else (self.weight,)),
        )

    @property
    def unreached(self) -> Missing:
        """Return why there is no answer to what comes after the last one."""
        return _UNREACHED.get(Disposition(self.disposition), Missing.NOT_ASKED)


@dataclass(frozen=True, slots=True)
class Case(Person):
    """One interview with what was answered in it."""

    replies: Replies


def stream(db: Session, query: Select[*tuple[Any, ...]]) -> Iterator[Row[*tuple[Any, ...]]]:
    """Yield rows from the connection: the session would look at each of a million for objects to load."""
    with db.connection().execute(query, execution_options={"yield_per": _CHUNK}) as found:
        for chunk in found.partitions():
            yield from chunk


def plain(db: Session, query: Select[*tuple[Any, ...]]) -> Iterator[Any]:
    """Yield rows as SQLite's driver gives them, in half the time: for columns that need no translation."""
    if db.get_bind().dialect.name != "sqlite":  # where rows come from a cursor on the server, read ahead
        yield from stream(db, query)
        return
    result = db.connection().execute(query)
    try:
        while rows := result.cursor.fetchmany(_CHUNK):
            yield from rows
    finally:
        result.close()


class Known(dict[tuple[str | None, str | None, str], Reply]):
    """Replies by what the row holds: most people give one of few, and a new object for each would fill the memory."""

    def __missing__(self, row: tuple[str | None, str | None, str]) -> Reply:
        value, missing, day = row
        reply = reply_of(value or "", missing, day)
        if len(self) < _REMEMBERED:
            self[row] = reply
        return reply


def reply_of(value: str, missing: str | None, day: str) -> Reply:
    """Return what a row says; a calculation that came to nothing has a row without value or reason."""
    if missing:
        return Reply(Given(value, RECORDED[models.Missing(missing)]), day)
    return Reply(Given(value, None if value else Missing.NOT_ASKED), day)


def replies_of(rows: Iterable[Any], known: Known) -> Replies:
    replies: Replies = {}
    outside = replies.setdefault((), {})
    for _, path, value, missing, day, *words in rows:
        reply = known[value or (words[0] if words else None), missing, day]
        if "[" in path:
            bare, numbers = place(path)
            replies.setdefault(numbers, {})[bare] = reply
        else:
            outside[path] = reply
    return replies


def place(path: str) -> tuple[str, tuple[int, ...]]:
    """Return a path without the numbers of repeats, and the numbers."""
    return _INDEX.sub("", path), tuple(map(int, _INDEX.findall(path)))


def day_of(db: Session, column: InstrumentedAttribute[Any] | ColumnElement[Any]) -> ColumnElement[str]:
    """Return the day in UTC, cut in the database: a million times are never made here."""
    if db.get_bind().dialect.name == "sqlite":
        return func.date(column, type_=String)
    return func.to_char(func.timezone("UTC", column), "YYYY-MM-DD")
