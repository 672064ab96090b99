"""What a feed of a form is made of: entity sets and their typed columns, named so that every program takes them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache

from sqlalchemy.orm import Session

from bot.exports.cells import Cells, label_in
from bot.exports.options import Options
from bot.exports.service import forms_of
from bot.exports.variables import HEAD, Table, Variable, tables
from bot.feeds import following
from bot.surveys.form import Form, Type

_ODD = re.compile(r"[^A-Za-z0-9_]+")
_LONGEST = 100  # of the 128 characters that a name may have: the ending comes on top


class Edm(StrEnum):
    """Types of the OData standard that our columns have."""

    STRING = "Edm.String"
    INTEGER = "Edm.Int64"
    DECIMAL = "Edm.Decimal"
    DATE = "Edm.Date"
    BOOLEAN = "Edm.Boolean"


class Kind(StrEnum):
    """What the rows of an entity set are."""

    TABLE = "table"  #: respondents, or the turns of a repeat
    LONG = "long"  #: one answer a row
    GONE = "gone"  #: respondents whose rows readers must delete
    CODES = "codes"  #: questions and choices in words


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an entity set."""

    name: str
    type: Edm
    label: str = ""
    key: bool = False


@dataclass(frozen=True, eq=False)
class EntitySet:
    """One table that programs see."""

    name: str
    kind: Kind
    columns: tuple[Column, ...]
    table: Table | None = None

    @cached_property
    def keys(self) -> tuple[Column, ...]:
        """Return the columns that name a row."""
        return tuple(column for column in self.columns if column.key)

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Return where each column stands in a row."""
        return {column.name: place for place, column in enumerate(self.columns)}


@dataclass(frozen=True, eq=False)
class Shape:
    """Everything that programs see of one form."""

    form_id: str
    forms: Mapping[int, Form]  #: by survey id, the newest first
    tables: Sequence[Table]
    sets: Mapping[str, EntitySet]
    languages: tuple[str, ...]

    @cached_property
    def main(self) -> EntitySet:
        """Return the respondents."""
        return next(iter(self.sets.values()))

    @cached_property
    def cells(self) -> Mapping[Variable, Cells]:
        """Return what writes the replies to each question."""
        each = (variable for table in self.tables for variable in table.variables)
        return {variable: Cells(variable, self.languages, labels=False) for variable in each}


def shapes(db: Session) -> dict[str, Shape]:
    """Return the shape of each published form, by its id."""
    found: dict[str, Shape] = {}
    taken: set[str] = set()
    for survey in following.forms(db):
        versions = forms_of(db, survey, Options(all_versions=True))
        found[survey.form_id] = _shape(survey.form_id, tuple(versions.items()), frozenset(taken))
        taken |= found[survey.form_id].sets.keys()
    return found


@lru_cache(maxsize=64)
def _shape(form_id: str, versions: tuple[tuple[int, Form], ...], others: frozenset[str]) -> Shape:
    """Return the shape of a form in all its versions, with names that no other form has."""
    forms, taken = dict(versions), set(others)
    newest = next(iter(forms.values()))
    languages = tuple(dict.fromkeys([newest.default_language, *newest.languages]))
    found = tables(list(forms.values()), Options())
    sets = {}
    for table in found:
        name = free(f"{form_id}_{table.inside}" if table.name else form_id, taken)
        sets[name] = EntitySet(name, Kind.TABLE, _columns(table, languages), table)
    for ending, kind, columns in (
        ("answers", Kind.LONG, _LONG),
        ("withdrawn", Kind.GONE, _GONE),
        ("codebook", Kind.CODES, _CODES),
    ):
        name = free(f"{form_id}_{ending}", taken)
        sets[name] = EntitySet(name, kind, columns)
    return Shape(form_id, forms, found, sets, languages)


def free(name: str, taken: set[str]) -> str:
    """Return the name in letters that OData takes, with a number when it is taken; it is taken then."""
    plain = _ODD.sub("_", name)[:_LONGEST]
    plain = plain if plain[:1].isalpha() or plain[:1] == "_" else f"_{plain}"
    chosen, number = plain, 2
    while chosen.lower() in {each.lower() for each in taken}:
        chosen, number = f"{plain}_{number}", number + 1
    taken.add(chosen)
    return chosen


def _columns(table: Table, languages: tuple[str, ...]) -> tuple[Column, ...]:
    columns: list[Column] = []
    taken: set[str] = set()

    def add(wanted: str, kind: Edm, label: str = "", key: bool = False) -> None:
        columns.append(Column(free(wanted, taken), kind, label, key))

    for head in table.head:
        dated = head.startswith("day_") and head in HEAD
        kind = Edm.INTEGER if head in table.numbers else Edm.DATE if dated else Edm.STRING
        add(head, kind, "", head == "respondent" or head in table.numbers)
    for variable in table.variables:
        label = label_in(variable.question.label, languages)
        add(variable.name, edm_of(variable), label)
        add(f"{variable.name}_missing", Edm.STRING, f"{label} (why there is no answer)" if label else "")
        for code in variable.options:
            choice = label_in(variable.choices[code].label, languages) or code
            add(f"{variable.name}_{code}", Edm.INTEGER, f"{label}: {choice}")
    return tuple(columns)


def edm_of(variable: Variable) -> Edm:
    """Return the type of a question's answers; a calculation may give anything, so it stays text."""
    if variable.is_moment:
        return Edm.DATE
    types = {
        Type.INTEGER: Edm.INTEGER,
        Type.DECIMAL: Edm.DECIMAL,
        Type.RANGE: Edm.DECIMAL,
        Type.DATE: Edm.DATE,
        Type.BOOLEAN: Edm.BOOLEAN,
    }
    return types.get(variable.question.type, Edm.STRING)


_LONG = (
    Column("respondent", Edm.STRING, key=True),
    Column("set", Edm.STRING, "the entity set with a column for the question", True),
    Column("question", Edm.STRING, "the name of that column", True),
    Column("number", Edm.STRING, "of the repeats around the question: 2.1; empty outside repeats", True),
    Column("value", Edm.STRING),
    Column("label", Edm.STRING),
    Column("missing", Edm.STRING, "why there is no value"),
    Column("day", Edm.DATE, "on which it was answered (UTC)"),
)
_GONE = (
    Column("respondent", Edm.STRING, "whose rows must be deleted wherever they were copied to", True),
    Column("day", Edm.DATE, "since which the respondent is gone (UTC)"),
)
_CODES = (
    Column("set", Edm.STRING, key=True),
    Column("question", Edm.STRING, key=True),
    Column("code", Edm.STRING, "of a choice; empty for the question itself", True),
    Column("label", Edm.STRING),
)
