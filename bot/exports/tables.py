"""Rows of analysis tables out of interviews: wide (one respondent a row) and long (one question a row)."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

from bot.exports.cases import Case, Missing, Reply
from bot.exports.variables import Table, Variable, label_in
from bot.surveys.form import Form, Repeat

Given = tuple[str, Missing | None]  # what a reply holds beside its day
Cell = TypeVar("Cell")
LONG_HEAD = ("respondent", "question", "number", "value", "label", "missing", "day")
_ABSENT = {missing: Reply("", missing, "") for missing in Missing}
_REMEMBERED = 4096  # answers to one question, so that a question with many codes cannot fill the memory


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


def records(cases: Iterable[Case], form: Form, tables: list[Table]) -> Iterator[Record]:
    """Yield each interview's line of the main table, then its lines of the repeats."""
    places = _places(form)
    for case in cases:
        last = max((_position(places[path], numbers) for path, numbers in case.replies if path in places), default=())
        for table in tables:
            for numbers in _numbers(case, table):
                replies = [
                    case.replies.get((path, numbers)) or _absent(case, _position(places[path], numbers) > last)
                    for path in table.paths
                ]
                yield Record(case, table, numbers, replies)


def _absent(case: Case, after_last: bool) -> Reply:
    """Tell why there is no answer: what the last answer has passed was not asked, the rest depends on how it ended."""
    return _ABSENT[case.unreached if after_last else Missing.NOT_ASKED]


def _places(form: Form) -> dict[str, tuple[int, ...]]:
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


def _position(place: tuple[int, ...], numbers: tuple[int, ...]) -> tuple[int, ...]:
    """Return what sorts an answer where the interview asked it: repeat, its number, ..., question."""
    if not numbers:
        return place
    return (*(part for pair in zip(place, numbers, strict=False) for part in pair), place[-1])


def _numbers(case: Case, table: Table) -> list[tuple[int, ...]]:
    if not table.numbers:
        return [()]
    inside, depth = f"{table.path}/", len(table.numbers)
    return sorted({numbers[:depth] for path, numbers in case.replies if path.startswith(inside)})


class Cells:
    """Write one variable's replies as cells, with codes or with labels in one language."""

    def __init__(self, variable: Variable, form: Form, language: str | None, labels: bool) -> None:
        self._many, self._is_moment = variable.takes_many, variable.is_moment
        self._options = variable.options
        self.labels = {
            code: label_in(choice.label, form, language) or code for code, choice in variable.choices.items()
        }
        self._shown = self.labels if labels else {code: code for code in self.labels}
        self._wide: dict[Given, tuple[str, ...]] = {}
        self._long: dict[Given, tuple[str, str, str]] = {}

    def wide(self, reply: Reply) -> tuple[str, ...]:
        """Return the cell of the answer, then one of 0 and 1 for each option."""
        given = reply[:2]
        return self._wide.get(given) or _keep(self._wide, given, (self._cell(*given), *self._marks(*given)))

    def long(self, reply: Reply) -> tuple[str, str, str]:
        """Return value, label and missing code."""
        given = reply[:2]
        return self._long.get(given) or _keep(self._long, given, self._told(*given))

    def _told(self, given: str, missing: Missing | None) -> tuple[str, str, str]:
        value = self._value(given)
        return value, self._join(value, self.labels) if value and self.labels else "", missing or ""

    def _cell(self, given: str, missing: Missing | None) -> str:
        if missing and not given:
            return missing
        return self._join(self._value(given), self._shown)

    def _marks(self, given: str, missing: Missing | None) -> Iterator[str]:
        chosen = set(given.split())
        for code in self._options:
            yield "1" if code in chosen else missing or "0"

    def _value(self, given: str) -> str:
        return given[:10] if self._is_moment else given

    def _join(self, value: str, shown: dict[str, str]) -> str:
        if not self._many:
            return shown.get(value, value)
        codes = [shown.get(code, code) for code in value.split()]
        return (" " if shown is not self.labels else "; ").join(codes)


def _keep(memory: dict[Given, Cell], given: Given, cells: Cell) -> Cell:
    if len(memory) < _REMEMBERED:
        memory[given] = cells
    return cells
