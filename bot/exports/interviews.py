"""Stream interviews out of the database, some thousand at a time: a row for each, all its answers in one text.

The database puts the answers together, in a tenth of the time that a row for each would take here. Answers stay
numbers: what many people said is read once.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, Text, cast, func, literal, select
from sqlalchemy.orm import Session

from bot.contacts.models import Contact
from bot.exports.cases import Person, Reply, day_of, place, reply_of, stream
from bot.exports.models import Export, ExportMember
from bot.surveys.models import Answer, Run, Survey

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PEOPLE = 2000  # in memory, however many there are
_MARK = "\x1f"  # between the parts of an answer; only the last of them, the value, may have it too
_DAY = 10  # characters before the answers


class Place(NamedTuple):
    """Where an answer stands: in which version of the form, at which path, in which turns of repeats."""

    survey_id: int
    path: str
    numbers: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Interviews:
    """Some interviews; each answer is a number in `people_of` and one in `replies_of`, at the same index."""

    people: list[Person]
    places: list[Place]
    replies: list[Reply]  #: each that was given at a place, once
    place_of: "NDArray[np.int64]"  #: of each reply
    people_of: "NDArray[np.int64]"  #: whose an answer is
    replies_of: "NDArray[np.int64]"  #: which reply it is
    newest: str  #: day of the newest answer, "" when there is none


def read(db: Session, export: Export, free_text: bool, days: bool) -> Iterator[Interviews]:
    """Yield the interviews of an export by respondent id: an order that says nothing of the one in the database.

    Replies have their day only with `days`: it makes each of them another one every day.
    """
    query = _interviews(db, export, free_text, days)
    with db.connection().execute(query, execution_options={"yield_per": _PEOPLE}) as found:
        for rows in found.partitions():
            reading = _Reading()
            for row in rows:
                reading.add(row)
            if free_text:
                reading.add_words(stream(db, _words(db, export, rows[0].respondent, rows[-1].respondent)))
            yield reading.done()


class _Reading:
    """Interviews on their way out of the rows."""

    def __init__(self) -> None:
        self._people: list[Person] = []
        self._places: dict[Place, int] = {}
        self._replies: list[Reply] = []
        self._place_of: list[int] = []
        self._known: dict[int, _Known] = {}
        self._lengths: list[int] = []
        self._given: list[int] = []
        self._newest = ""
        self._words: list[tuple[int, int]] = []

    def add(self, row: Row[*tuple[Any, ...]]) -> None:
        """Add an interview with its answers."""
        *about, day_completed, source, answers = row
        respondent, survey_id, version, disposition, day_started, language, channel, occasion = about
        self._people.append(
            Person(
                *(respondent, survey_id, version, disposition, day_started, day_completed or ""),
                *(language, channel, source or "", occasion),
            )
        )
        before = len(self._given)
        if answers:
            self._newest = max(self._newest, answers[:_DAY])
            self._given += map(self._known_of(survey_id).__getitem__, json.loads(answers[_DAY:]))
        self._lengths.append(len(self._given) - before)

    def add_words(self, rows: Iterator[Row[*tuple[Any, ...]]]) -> None:
        """Add what people said in their own words."""
        lines = {person.respondent: line for line, person in enumerate(self._people)}
        for respondent, path, words, day in rows:
            if (line := lines.get(respondent)) is not None:
                self._newest = max(self._newest, day)
                token = _MARK.join((path, "", day, words))
                self._words.append((line, self._known_of(self._people[line].survey_id)[token]))

    def done(self) -> Interviews:
        """Return all of them."""
        import numpy as np

        people_of = np.repeat(np.arange(len(self._people)), self._lengths)
        own = np.array(self._words, dtype=np.int64).reshape(-1, 2)
        return Interviews(
            people=self._people,
            places=list(self._places),
            replies=self._replies,
            place_of=np.array(self._place_of, dtype=np.int64),
            people_of=np.concatenate([people_of, own[:, 0]]),
            replies_of=np.concatenate([np.array(self._given, dtype=np.int64), own[:, 1]]),
            newest=self._newest,
        )

    def _known_of(self, survey_id: int) -> "_Known":
        return self._known.setdefault(survey_id, _Known(survey_id, self._places, self._replies, self._place_of))


class _Known(dict[str, int]):
    """The number of each reply by what the database says of it; a new one is read and gets the next."""

    def __init__(self, survey_id: int, places: dict[Place, int], replies: list[Reply], place_of: list[int]) -> None:
        self._survey_id, self._places, self._replies, self._place_of = survey_id, places, replies, place_of
        self._paths: dict[str, int] = {}

    def __missing__(self, token: str) -> int:
        path, missing, day, value = token.split(_MARK, 3)
        if path not in self._paths:
            self._paths[path] = self._places.setdefault(Place(self._survey_id, *place(path)), len(self._places))
        self._place_of.append(self._paths[path])
        number = self[token] = len(self._replies)
        self._replies.append(reply_of(value, missing, day))
        return number


def _interviews(db: Session, export: Export, free_text: bool, days: bool) -> Select[*tuple[Any, ...]]:
    return (
        select(
            ExportMember.respondent,
            Run.survey_id,
            Survey.version,
            Run.disposition,
            day_of(db, Run.started_at),
            Run.language,
            Run.channel,
            Run.occasion,
            day_of(db, Run.completed_at),
            Contact.source,
            _answers(db, free_text, days),
        )
        .join(Run, Run.id == ExportMember.run_id)
        .join(Survey, Survey.id == Run.survey_id)
        .join(Contact, Contact.id == Run.contact_id)
        .where(ExportMember.export_id == export.id)
        .order_by(ExportMember.respondent)
    )


def _answers(db: Session, free_text: bool, days: bool) -> ColumnElement[str | None]:
    """Return the newest day and a JSON list of all answers but those that only a key opens; NULL when there is none."""
    mark = literal(_MARK)
    day = day_of(db, Answer.at) if days else literal("")
    token = Answer.path + mark + func.coalesce(Answer.missing, "") + mark + day + mark
    token += func.coalesce(Answer.value, "")
    listed = func.json_group_array if db.get_bind().dialect.name == "sqlite" else func.json_agg
    query = select(day_of(db, func.max(Answer.at)) + cast(listed(token), Text))
    query = query.where(Answer.run_id == Run.id, Answer.superseded_at.is_(None), Answer.relevant)
    return (query.where(Answer.private.is_(None)) if free_text else query).correlate(Run).scalar_subquery()


def _words(db: Session, export: Export, first: str, last: str) -> Select[*tuple[Any, ...]]:
    return (
        select(ExportMember.respondent, Answer.path, Answer.private, day_of(db, Answer.at))
        .join(Answer, Answer.run_id == ExportMember.run_id)
        .where(ExportMember.export_id == export.id, ExportMember.respondent.between(first, last))
        .where(Answer.superseded_at.is_(None), Answer.relevant, Answer.private.is_not(None))
        .order_by(ExportMember.respondent, Answer.path)
    )
