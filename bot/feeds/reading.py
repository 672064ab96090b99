"""The rows of a feed as tuples of plain values, streamed in the order of their keys from wherever a reader stopped."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, and_, select, true
from sqlalchemy.orm import Session

from bot.contacts.models import Contact
from bot.exports.blocks import Record, records
from bot.exports.cases import Case, Given, Known, day_of, plain, replies_of
from bot.exports.cells import label_in
from bot.exports.variables import NUMBER, Table, Variable
from bot.feeds.models import Feed, FeedRow
from bot.feeds.shapes import Edm, EntitySet, Kind, Shape, edm_of
from bot.surveys.models import Answer, Run, Survey

#: The value is not what the question's type says: it stands as it was given among the answers, one a row.
INVALID = ".i"
_PEOPLE = 250  #: respondents in memory
_MOST = 1001
_TRUTH = {"true": True, "1": True, "false": False, "0": False}

Key = tuple[Any, ...]
Row = tuple[Any, ...]
#: A row is here as long as its run is; whoever was erased since the feed was compared is not.
_SAME = and_(Run.id == FeedRow.run_id, Run.started_at == FeedRow.started_at)


@dataclass(frozen=True)
class Reader:
    """Reads one entity set of one feed."""

    db: Session
    feed: Feed
    shape: Shape
    set: EntitySet

    def rows(self, after: Key = (), backwards: bool = False, people: int | None = None) -> Iterator[tuple[Key, Row]]:
        """Yield key and values of each row behind a key; `people` are read at once, when somebody knows how many."""
        at_once = min(people or _PEOPLE, _MOST)
        match self.set.kind:
            case Kind.GONE:
                yield from self._gone(after, backwards, at_once)
            case Kind.CODES:
                coded = sorted(((row[:3], row) for row in _codes(self.shape)), key=itemgetter(0), reverse=backwards)
                yield from (line for line in coded if _behind(line[0], after, backwards))
            case _:
                yield from self._lines(after, backwards, at_once)

    def of(self, respondents: Sequence[str]) -> dict[str, list[Row]]:
        """Return the rows of these respondents; who is gone has none."""
        people = self._cases(FeedRow.respondent.in_(respondents), len(respondents))
        found: dict[str, list[Row]] = {}
        for key, row in self._in_order(people, (), backwards=False):
            found.setdefault(key[0], []).append(row)
        return found

    def _gone(self, after: Key, backwards: bool, at_once: int) -> Iterator[tuple[Key, Row]]:
        order = FeedRow.respondent.desc() if backwards else FeedRow.respondent
        rows = select(FeedRow.respondent, FeedRow.gone_at).where(FeedRow.feed_id == self.feed.id).order_by(order)
        last = after[0] if after else None
        while True:
            some = rows.where(FeedRow.gone_at.is_not(None), _beyond(last, backwards)).limit(at_once)
            found = self.db.execute(some).all()
            for respondent, at in found:
                yield (respondent,), (respondent, at.date().isoformat() if at else None)
            if len(found) < at_once:
                return
            last = found[-1][0]

    def _lines(self, after: Key, backwards: bool, at_once: int) -> Iterator[tuple[Key, Row]]:
        """Yield the lines of the respondent at whom the reader stopped that come behind, then those of the others."""
        if len(after) > 1:
            yield from self._in_order(self._cases(FeedRow.respondent == after[0], 1), after, backwards)
        last = after[0] if after else None
        while True:
            people = self._cases(_beyond(last, backwards), at_once, backwards)
            yield from self._in_order(people, (), backwards)
            if len(people) < at_once:
                return
            last = people[-1].respondent

    def _in_order(self, people: Sequence[Case], after: Key, backwards: bool) -> Iterator[tuple[Key, Row]]:
        tables = [self.set.table] if self.set.table else list(self.shape.tables)
        found = records(people, self.shape.forms, tables)
        for _, mine in groupby(found, key=lambda record: record.case.respondent):
            lines = (line for record in mine for line in self._written(record))
            if len(self.set.keys) == 1:  # one for each respondent
                yield from lines
            else:
                chosen = (line for line in lines if _behind(line[0], after, backwards))
                yield from sorted(chosen, key=itemgetter(0), reverse=backwards)

    def _written(self, record: Record) -> Iterator[tuple[Key, Row]]:
        write = self._writers[record.table]
        if self.set.table:
            yield (record.case.respondent, *record.numbers), write.row(record)
        else:
            yield from write.answers(record)

    @cached_property
    def _writers(self) -> dict[Table, "_Writer"]:
        return {each.table: _Writer(self.shape, each, each.table) for each in self.shape.sets.values() if each.table}

    @cached_property
    def _known(self) -> Known:
        return Known()

    def _cases(self, chosen: ColumnElement[bool], most: int, backwards: bool = False) -> list[Case]:
        mine = (FeedRow.feed_id == self.feed.id, FeedRow.gone_at.is_(None), chosen)
        order = FeedRow.respondent.desc() if backwards else FeedRow.respondent
        people = (
            select(
                *(FeedRow.respondent, Run.survey_id, Survey.version, Run.disposition),
                *(day_of(self.db, Run.started_at), day_of(self.db, Run.completed_at)),
                *(Run.language, Run.channel, Contact.source, Run.occasion, Run.id),
            )
            .join(Run, _SAME)
            .join(Survey, Survey.id == Run.survey_id)
            .join(Contact, Contact.id == Run.contact_id)
            .where(*mine, Run.survey_id.in_(self.shape.forms))
            .order_by(order)
            .limit(most)
        )
        found: Sequence[Any] = self.db.connection().execute(people).all()
        given = (
            select(Answer.run_id, Answer.path, Answer.value, Answer.missing, day_of(self.db, Answer.at))
            .where(Answer.run_id.in_([row[-1] for row in found]), Answer.superseded_at.is_(None), Answer.relevant)
            .order_by(Answer.run_id)
        )
        grouped = groupby(plain(self.db, given), key=itemgetter(0))
        replies = {run_id: replies_of(rows, self._known) for run_id, rows in grouped}
        return [
            Case(
                respondent=who,
                survey_id=survey_id,
                version=version,
                disposition=disposition,
                day_started=began,
                day_completed=ended or "",
                language=language,
                channel=channel,
                source=source or "",
                occasion=occasion,
                replies=replies.get(run_id, {}),
            )
            for who, survey_id, version, disposition, began, ended, language, channel, source, occasion, run_id in found
        ]


class _Writer:
    """Write the lines of one table; each distinct reply is worked out once."""

    def __init__(self, shape: Shape, entity_set: EntitySet, table: Table) -> None:
        columns = iter(entity_set.columns[len(table.head) :])
        self._columns: list[tuple[Variable, dict[Given, Row], str]] = []
        for variable in table.variables:
            name = next(columns).name
            for _ in range(1 + len(variable.options)):
                next(columns)
            self._columns.append((variable, {}, name))
        self._shape, self._set = shape, entity_set.name
        self._answers: dict[tuple[str, Given], Row] = {}

    def row(self, record: Record) -> Row:
        """Return the values of a line."""
        case = record.case
        head = (case.respondent, *record.numbers) if record.numbers else tuple(cell or None for cell in case.head)
        values = list(head)
        for (variable, worked, _), reply in zip(self._columns, record.replies, strict=True):
            given = reply.given
            cells = worked.get(given)
            if cells is None:
                cells = worked[given] = self._cells(variable, given)
            values += cells
        return tuple(values)

    def answers(self, record: Record) -> Iterator[tuple[Key, Row]]:
        """Yield each reply of a line, with its key."""
        respondent, number = record.case.respondent, ".".join(map(str, record.numbers))
        for (variable, _, name), (given, day) in zip(self._columns, record.replies, strict=True):
            said = self._answers.get((name, given))
            if said is None:
                value, label, missing = self._shape.cells[variable].long(given)
                said = self._answers[name, given] = (value or None, label or None, missing or None)
            key = (respondent, self._set, name, number)
            yield key, (*key, *said, day or None)

    def _cells(self, variable: Variable, given: Given) -> Row:
        """Return a reply as value, reason and marks."""
        cells = self._shape.cells[variable]
        value = typed(cells.value(given), edm_of(variable))
        missing = given.missing or (INVALID if value is None and given.value else None)
        marks = (int(mark) if mark in ("0", "1") else None for mark in cells.marks(given))
        return (value, str(missing) if missing else None, *marks)


def typed(value: str, kind: Edm) -> Any:
    """Return a value as JSON has it; None when there is none, or it is not of that type."""
    if not value or kind is Edm.STRING:
        return value or None
    if kind is Edm.DATE:
        return value if _is_day(value) else None
    if kind is Edm.BOOLEAN:
        return _TRUTH.get(value)
    if not NUMBER.fullmatch(value):
        return None
    if kind is Edm.DECIMAL:
        return float(value)
    return int(value) if "." not in value else None


def _is_day(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return len(value) == len("2026-01-31")


def _beyond(last: str | None, backwards: bool) -> ColumnElement[bool]:
    if last is None:
        return true()
    return FeedRow.respondent < last if backwards else FeedRow.respondent > last


def _behind(key: Key, after: Key, backwards: bool) -> bool:
    return not after or (key < after if backwards else key > after)


def _codes(shape: Shape) -> Iterator[Row]:
    """Yield the wording of each question, then of its choices."""
    for each in shape.sets.values():
        columns = iter(each.columns[len(each.table.head) :] if each.table else ())
        for variable in each.table.variables if each.table else ():
            name = next(columns)
            yield each.name, name.name, "", name.label or None
            for _ in range(1 + len(variable.options)):
                next(columns)
            for code, choice in variable.choices.items():
                yield each.name, name.name, code, label_in(choice.label, shape.languages) or None
