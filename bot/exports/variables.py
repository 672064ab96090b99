"""The columns of a form: one table for the form and one for each repeat, linked by respondent and number.

Several versions of a form share columns: by name, where they ask the same type of question.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from bot.exports.options import ExportError, Options
from bot.exports.privacy import withheld
from bot.sentences import Sentence
from bot.surveys.form import Choice, Form, Group, Question, Repeat, Type

#: A number that a spreadsheet keeps as it was written: no leading zero, at most 15 digits.
NUMBER = re.compile(r"-?(?=[\d.]{1,16}$)(?:0|[1-9]\d*)(?:\.\d+)?", re.ASCII)
#: What is known of a respondent beside the answers: the first columns of the main table.
HEAD = (
    "respondent",
    "version",
    "disposition",
    "day_started",
    "day_completed",
    "language",
    "channel",
    "source",
    "occasion",
)
#: The column after them, when there are declared totals.
WEIGHT = "weight"


class Kind(StrEnum):
    """What the cells of a column hold, beside missing codes."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"


@dataclass(frozen=True, eq=False)
class Variable:
    """One question's columns; `versions` are the question by the number of the form, the newest first."""

    versions: Mapping[int, Question]
    name: str

    @cached_property
    def question(self) -> Question:
        """Return the question as the newest form that has it puts it."""
        return next(iter(self.versions.values()))

    @cached_property
    def choices(self) -> dict[str, Choice]:
        """Return the choices by code, the newest wording of each; a code that a form lists twice is one choice."""
        found: dict[str, Choice] = {}
        for question in self.versions.values():
            for choice in question.choices:
                found.setdefault(choice.value, choice)
        return found

    @property
    def options(self) -> list[str]:
        """Return the codes that get a 0/1 column each."""
        return list(self.choices) if self.question.type is Type.SELECT_MULTIPLE else []

    @property
    def headers(self) -> list[str]:
        """Return the name of the column, then of each option's."""
        return [self.name, *(f"{self.name}/{code}" for code in self.options)]

    @cached_property
    def takes_many(self) -> bool:
        """Tell whether an answer is a list of codes."""
        return self.question.type in {Type.SELECT_MULTIPLE, Type.RANK}

    def kinds(self, labels: bool) -> list[Kind]:
        """Return the kind of each column, with labels or codes in the first one."""
        return [self._kind(labels), *(Kind.NUMBER for _ in self.options)]

    def _kind(self, labels: bool) -> Kind:
        if self.question.type is Type.DATE or self.is_moment:
            return Kind.DATE
        if self.question.choices:
            coded = self.question.type is Type.SELECT_ONE and not labels
            return Kind.NUMBER if coded and all(map(NUMBER.fullmatch, self.choices)) else Kind.TEXT
        typed = {Type.INTEGER, Type.DECIMAL, Type.RANGE, Type.CALCULATE, Type.HIDDEN}
        return Kind.NUMBER if self.question.type in typed else Kind.TEXT

    @property
    def is_moment(self) -> bool:
        """Tell whether the value is a time of which only the day may leave."""
        preload = self.question.bind.preload
        return self.question.type is Type.DATETIME or (preload is not None and preload[0] == "timestamp")


@dataclass(frozen=True, eq=False)
class Table:
    """The variables outside repeats (name ""), or those of one repeat."""

    name: str
    inside: str  #: path of the repeat below the root of the form
    numbers: tuple[str, ...]  # the columns that number the repeats around it, itself included
    variables: tuple[Variable, ...]
    weighted: bool = False  #: whether a respondent's weight is a column

    @property
    def head(self) -> tuple[str, ...]:
        """Return the names of the columns before the variables."""
        if self.numbers:
            return ("respondent", *self.numbers)
        return (*HEAD, WEIGHT) if self.weighted else HEAD

    @property
    def head_kinds(self) -> list[Kind]:
        """Return the kinds of the columns before the variables."""
        if self.numbers:
            return [Kind.TEXT, *(Kind.NUMBER for _ in self.numbers)]
        kinds = [Kind.DATE if name.startswith("day_") else Kind.TEXT for name in HEAD]
        return [*kinds, Kind.NUMBER] if self.weighted else kinds

    @property
    def headers(self) -> list[str]:
        """Return the names of all columns."""
        return [*self.head, *(header for variable in self.variables for header in variable.headers)]

    def paths(self, number: int) -> list[str | None]:
        """Return the path of each variable in one version of the form, None where that does not ask it."""
        found = (variable.versions.get(number) for variable in self.variables)
        return [question.path if question else None for question in found]


def tables(forms: Sequence[Form], options: Options) -> list[Table]:
    """Return the main table, then one for each repeat, of the versions of a form, the newest first."""
    unknown = options.leave_out - {question.name for form in forms for question in form.questions()}
    if unknown:
        raise ExportError(
            Sentence(
                "The form has no question %(names)s: correct the names to leave out", names=", ".join(sorted(unknown))
            )
        )
    numbers: dict[str, tuple[str, ...]] = {}
    found: dict[str, dict[str, dict[int, Question]]] = {}  # by repeat, name of the column and version
    for number, form in enumerate(forms):
        hidden = withheld(form, options)
        for group, repeats in _scopes(form.root, ()):
            inside = "/".join(group.path.split("/")[2:])
            numbers.setdefault(inside, tuple(f"{repeat.name}_number" for repeat in repeats))
            questions = [q for q in _questions(group) if q.path not in hidden and q.type is not Type.NOTE]
            _add(found.setdefault(inside, {}), number, form, _named(group, questions, options))
    return [
        Table(
            name=inside.replace("/", "-"),
            inside=inside,
            numbers=numbers[inside],
            variables=tuple(Variable(versions, name) for name, versions in columns.items()),
            weighted=bool(options.targets) and not inside,
        )
        for inside, columns in found.items()
    ]


def _add(
    columns: dict[str, dict[int, Question]], number: int, form: Form, named: Iterator[tuple[str, Question]]
) -> None:
    """Add a version's questions; one whose type was another in a newer version has a column of its own."""
    for name, question in named:
        newer = next(iter(columns.get(name, {}).values()), None)
        other = newer is not None and newer.type is not question.type
        columns.setdefault(f"{name}_v{form.version}" if other else name, {})[number] = question


def _scopes(group: Group | Repeat, around: tuple[Repeat, ...]) -> Iterator[tuple[Group | Repeat, tuple[Repeat, ...]]]:
    yield group, around
    yield from _inner_scopes(group, around)


def _inner_scopes(
    group: Group | Repeat, around: tuple[Repeat, ...]
) -> Iterator[tuple[Group | Repeat, tuple[Repeat, ...]]]:
    for child in group.children:
        if isinstance(child, Repeat):
            yield from _scopes(child, (*around, child))
        elif isinstance(child, Group):
            yield from _inner_scopes(child, around)


def _questions(group: Group | Repeat) -> Iterator[Question]:
    """Yield the questions of the group that no inner repeat holds."""
    for child in group.children:
        if isinstance(child, Question):
            yield child
        elif isinstance(child, Group):
            yield from _questions(child)


def _named(group: Group | Repeat, questions: list[Question], options: Options) -> Iterator[tuple[str, Question]]:
    """Name the columns: a name that would stand twice gets its groups in front, whatever the options."""
    taken = Counter([*HEAD, WEIGHT, *(question.name for question in questions)])
    for question in questions:
        inside = question.path.removeprefix(f"{group.path}/")
        if options.groups or taken[question.name] > 1:
            yield inside if inside not in (*HEAD, WEIGHT) else f"{group.name}/{inside}", question
        else:
            yield question.name, question
