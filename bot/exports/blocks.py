"""Interviews as lines of analysis tables, one after the other, for whoever reads few: columns.py has many at once."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import repeat
from typing import NamedTuple

from bot.exports.cases import Case, Given, Missing, Reply
from bot.exports.variables import Table
from bot.surveys.form import Form, Repeat

_ABSENT = {missing: Reply(Given("", missing), "") for missing in Missing}


class Record(NamedTuple):
    """One line of one table: a reply for each of its variables, absent ones with their reason."""

    case: Case
    table: Table
    numbers: tuple[int, ...]  #: of the repeats around it
    replies: list[Reply]

    @property
    def head(self) -> tuple[str, ...]:
        """Return the cells before the replies."""
        return (self.case.respondent, *map(str, self.numbers)) if self.numbers else self.case.head


class _Version:
    """Where the questions of one version of a form stand."""

    def __init__(self, number: int, form: Form, tables: list[Table]) -> None:
        self._places = places_of(form)
        self.tables = [(table, table.paths(number), f"{form.root.path}/{table.inside}/") for table in tables]

    def records(self, case: Case) -> Iterator[Record]:
        """Yield an interview's line of the main table, then its lines of the repeats."""
        last = self._last(case)
        for table, paths, inside in self.tables:
            for numbers in _numbers(case, table, inside):
                given = case.replies.get(numbers, {})
                replies = [
                    (given.get(path) if path else None) or self._absent(case, path, numbers, last) for path in paths
                ]
                yield Record(case, table, numbers, replies)

    def _last(self, case: Case) -> tuple[int, ...]:
        places = self._places
        outside = max(map(places.get, case.replies.get((), {}), repeat(())), default=())
        inside = (
            position(places[path], numbers)
            for numbers, replies in case.replies.items()
            for path in (replies if numbers else ())
            if path in places
        )
        return max(outside, max(inside, default=()))

    def _absent(self, case: Case, path: str | None, numbers: tuple[int, ...], last: tuple[int, ...]) -> Reply:
        """Tell why there is no answer: what the last answer has passed was not asked, the rest depends on the end."""
        if path is None:
            return _ABSENT[Missing.NOT_ASKED]
        return _ABSENT[case.unreached if position(self._places[path], numbers) > last else Missing.NOT_ASKED]


def records(cases: Iterable[Case], forms: Mapping[int, Form], tables: list[Table]) -> Iterator[Record]:
    """Yield the lines of each interview; `forms` are the versions by survey id, in the order of the tables'."""
    versions = {id: _Version(number, form, tables) for number, (id, form) in enumerate(forms.items())}
    for case in cases:
        yield from versions[case.survey_id].records(case)


def places_of(form: Form) -> dict[str, tuple[int, ...]]:
    """Return where each question stands: the number of each repeat around it among the nodes, then its own."""
    order = {path: number for number, path in enumerate(form.nodes)}
    repeats = [path for path, node in form.nodes.items() if isinstance(node, Repeat)]
    return {
        question.path: (
            *(order[path] for path in repeats if question.path.startswith(f"{path}/")),
            order[question.path],
        )
        for question in form.questions()
    }


def position(place: tuple[int, ...], numbers: tuple[int, ...]) -> tuple[int, ...]:
    """Return what sorts an answer where the interview asked it: repeat, its number, ..., question."""
    if not numbers:
        return place
    return (*(part for pair in zip(place, numbers, strict=False) for part in pair), place[-1])


def _numbers(case: Case, table: Table, inside: str) -> list[tuple[int, ...]]:
    if not table.numbers:
        return [()]
    depth = len(table.numbers)
    return sorted(
        {
            numbers[:depth]
            for numbers, replies in case.replies.items()
            if len(numbers) >= depth and any(path.startswith(inside) for path in replies)
        }
    )
