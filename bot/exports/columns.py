"""Interviews as blocks of analysis tables, of which each column is written as a whole."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from bot.exports.blocks import places_of, position
from bot.exports.cases import Given, Missing, Person, Reply
from bot.exports.interviews import Interviews, Place
from bot.exports.variables import Table, Variable
from bot.surveys.form import Form

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: The first replies of every block: there is none, for a reason.
_ABSENT = [Reply(Given("", missing), "") for missing in Missing]
_REASONS = {missing: number for number, missing in enumerate(Missing)}
_Position = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Column:
    """The replies to one question in a block: most questions have few, so that a cell is worked out once."""

    variable: Variable
    given: Sequence[Reply]  #: what may have been replied to any question
    numbers: "NDArray[np.int64]"  #: for each line where its reply stands among them

    @cached_property
    def replies(self) -> list[Reply]:
        """Return each reply to this question."""
        return [self.given[number] for number in self._coded[0].tolist()]

    @cached_property
    def distinct(self) -> list[Given]:
        """Return the same without the days."""
        return [reply.given for reply in self.replies]

    @cached_property
    def indexes(self) -> list[int]:
        """Return for each line where its reply stands in `replies`."""
        found: list[int] = self._coded[1].tolist()
        return found

    @cached_property
    def counts(self) -> list[int]:
        """Return how many lines have each of `replies`."""
        found: list[int] = self._coded[2].tolist()
        return found

    @cached_property
    def _coded(self) -> "tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]":
        import numpy as np

        return np.unique(self.numbers, return_inverse=True, return_counts=True)

    def spread(self, shown: Sequence[str]) -> list[str]:
        """Return for each line what is written of its reply; `shown` has it for each of `replies`."""
        return [shown[index] for index in self.indexes]


@dataclass(frozen=True, eq=False)
class Block:
    """Some lines of one table."""

    table: Table
    people: list[Person]  #: whose each line is
    numbers: list[tuple[int, ...]]  #: of the repeats around each line
    columns: list[Column]
    newest: str  #: day of the newest answer to anything, "" when there is none

    @cached_property
    def heads(self) -> list[tuple[str, ...]]:
        """Return the cells before the replies."""
        if not self.table.numbers:
            return [person.head for person in self.people]
        lines = zip(self.people, self.numbers, strict=True)
        return [(person.respondent, *map(str, numbers)) for person, numbers in lines]


def blocks(interviews: Iterable[Interviews], forms: Mapping[int, Form], tables: Sequence[Table]) -> Iterator[Block]:
    """Yield the lines of some interviews after the other, table by table; `forms` are the versions by survey id."""
    order = {id: places_of(form) for id, form in forms.items()}
    layouts = [_Layout(table, forms) for table in tables]
    for some in interviews:
        yield from _Cut(some, order, layouts).blocks()


class _Layout:
    """Where the columns of a table stand in each version of the form."""

    def __init__(self, table: Table, forms: Mapping[int, Form]) -> None:
        self.table, self.depth = table, len(table.numbers)
        self.paths = {id: table.paths(number) for number, id in enumerate(forms)}
        self._inside = {id: f"{form.root.path}/{table.inside}/" for id, form in forms.items()}
        self._columns = {
            (id, path): column for id, paths in self.paths.items() for column, path in enumerate(paths) if path
        }

    def key(self, place: Place) -> tuple[int, ...] | None:
        """Return the numbers of the line that an answer belongs to, itself or its inner repeats; None: to none."""
        if not self.depth:
            return () if not place.numbers else None
        inside = len(place.numbers) >= self.depth and place.path.startswith(self._inside[place.survey_id])
        return place.numbers[: self.depth] if inside else None

    def column(self, place: Place) -> int:
        """Return the column of an answer, -1 when the table has none for it."""
        mine = len(place.numbers) == self.depth
        return self._columns.get((place.survey_id, place.path), -1) if mine else -1


class _Cut:
    """Some interviews cut into columns."""

    def __init__(
        self, some: Interviews, order: Mapping[int, Mapping[str, _Position]], layouts: Sequence[_Layout]
    ) -> None:
        import numpy as np

        self._some, self._order, self._layouts = some, order, layouts
        self._replies = [*_ABSENT, *some.replies]
        versions = {id: number for number, id in enumerate(order)}
        self._version = np.array([versions[person.survey_id] for person in some.people])
        self._unreached = np.array([_REASONS[person.unreached] for person in some.people])
        self._where = some.place_of[some.replies_of]  # of each answer

    def blocks(self) -> Iterator[Block]:
        """Yield the lines of each table that has any."""
        import numpy as np

        keys = [self._keys(layout) for layout in self._layouts]
        spots = [self._spots(*each) for each in zip(self._layouts, keys, strict=True)]
        answered = [self._at(*place) for place in self._some.places]
        ranks = _ranked([*answered, *(spot for table in spots for line in table for spot in line)])
        last = np.full(len(self._some.people), -1)
        np.maximum.at(last, self._some.people_of, np.array([ranks[spot] for spot in answered], np.int64)[self._where])
        for layout, mine, table in zip(self._layouts, keys, spots, strict=True):
            if mine:
                asked = np.array([[ranks[spot] for spot in line] for line in table]).reshape(len(table), -1)
                yield self._block(layout, mine, asked, last)

    def _at(self, survey_id: int, path: str | None, numbers: tuple[int, ...]) -> _Position:
        """Return what sorts a question where the interview asks it; () when this version does not."""
        found = self._order[survey_id].get(path) if path else None
        return position(found, numbers) if found else ()

    def _keys(self, layout: _Layout) -> list[tuple[int, ...]]:
        """Return the numbers that lines of a table have, in order."""
        if not layout.depth:
            return [()]
        return sorted({key for place in self._some.places if (key := layout.key(place)) is not None})

    def _spots(self, layout: _Layout, keys: list[tuple[int, ...]]) -> list[list[_Position]]:
        """Return where each column stands, for each version and each of the numbers."""
        return [[self._at(id, path, key) for path in layout.paths[id]] for id in self._order for key in keys]

    def _block(
        self, layout: _Layout, keys: list[tuple[int, ...]], asked: "NDArray[np.int64]", last: "NDArray[np.int64]"
    ) -> Block:
        """Write what is missing into all cells, then the replies over it."""
        import numpy as np

        some, number = self._some, {key: number for number, key in enumerate(keys)}
        key_of = np.array([number.get(layout.key(place), -1) for place in some.places], np.int64)[self._where]  # type: ignore[arg-type]
        column_of = np.array([layout.column(place) for place in some.places], np.int64)[self._where]
        line_of = some.people_of * len(keys) + key_of
        lines = np.unique(line_of[key_of >= 0]) if layout.depth else np.arange(len(some.people))
        person, key = np.divmod(lines, len(keys))
        spots = asked[self._version[person] * len(keys) + key].T
        cells = np.where(spots > last[person], self._unreached[person], _REASONS[Missing.NOT_ASKED])
        mine = (column_of >= 0) & (key_of >= 0)
        cells[column_of[mine], np.searchsorted(lines, line_of[mine])] = some.replies_of[mine] + len(_ABSENT)
        return Block(
            layout.table,
            [some.people[each] for each in person.tolist()],
            [keys[each] for each in key.tolist()],
            [Column(*each) for each in zip(layout.table.variables, [self._replies] * len(cells), cells, strict=True)],
            some.newest,
        )


def _ranked(positions: Iterable[_Position]) -> dict[_Position, int]:
    """Return numbers that compare as the positions do; -1 for a question that a version does not ask."""
    return {spot: rank for rank, spot in enumerate(sorted({(), *positions}), -1)}
