"""A survey form: frozen, complete, free of sheet and XML; every expression in it is already compiled."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class FormError(Exception):
    """Refuse a form; `problems` say where, what is wrong and the cure."""

    def __init__(self, problems: "list[Problem]") -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True)
class Problem:
    """One thing wrong (or lost) in a form, with the place where known."""

    message: str
    sheet: str | None = None
    row: int | None = None
    column: str | None = None

    def __str__(self) -> str:
        place = [self.sheet, f"row {self.row}" if self.row else None, f"column {self.column}" if self.column else None]
        prefix = ", ".join(filter(None, place))
        return f"{prefix}: {self.message}" if prefix else self.message


class Type(StrEnum):
    """What a question takes; CALCULATE and HIDDEN have no control and are never asked."""

    SELECT_ONE = "select_one"
    SELECT_MULTIPLE = "select_multiple"
    RANK = "rank"
    INTEGER = "integer"
    DECIMAL = "decimal"
    TEXT = "text"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    DATETIME = "dateTime"
    GEOPOINT = "geopoint"
    GEOTRACE = "geotrace"
    GEOSHAPE = "geoshape"
    BARCODE = "barcode"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    FILE = "file"
    NOTE = "note"
    ACKNOWLEDGE = "acknowledge"
    RANGE = "range"
    CALCULATE = "calculate"
    HIDDEN = "hidden"


@dataclass(frozen=True, eq=False)
class Expression:
    """An XPath expression as written, and the same compiled: `run(context)` gives a str, float, bool or node list."""

    source: str
    run: Callable[[Any], Any] = field(repr=False)


Parts = tuple["str | Expression", ...]  # a text with the values it shows in between


@dataclass(frozen=True, eq=False)
class Wording:
    """One text in one language: its parts, and the files that go with it by kind (image, audio, video, big-image)."""

    parts: Parts = ()
    guidance: Parts = ()
    media: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return "".join(part if isinstance(part, str) else f"${{{part.source.strip()}}}" for part in self.parts)


Text = Mapping[str, Wording]  # by language; a language without its own wording is absent


@dataclass(frozen=True, eq=False)
class Choice:
    """One option of a question: its code and its label; `columns` are the other columns of the choices sheet."""

    value: str
    label: Text
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Itemset:
    """Options computed at each moment: the nodes chosen, then value and label of each."""

    nodeset: Expression
    value: Expression
    label: Expression | None
    seed: Expression | None = None
    randomized: bool = False


@dataclass(frozen=True, eq=False)
class Range:
    """The bounds and step of a range question, as numbers."""

    start: float
    end: float
    step: float


@dataclass(frozen=True, eq=False)
class Bind:
    """What the model says of a node; None where it says nothing."""

    type: str = "string"
    relevant: Expression | None = None
    required: Expression | None = None
    readonly: Expression | None = None
    constraint: Expression | None = None
    calculate: Expression | None = None
    constraint_message: Text = field(default_factory=dict)
    required_message: Text = field(default_factory=dict)
    preload: tuple[str, str] | None = None  # jr:preload, jr:preloadParams
    save_to: str | None = None  # the entity property this answer is saved to


@dataclass(frozen=True, eq=False)
class Node:
    """A place in the form; `path` is the XForm's, without indexes: /data/household/member/age."""

    path: str
    name: str
    bind: Bind
    label: Text
    hint: Text
    appearance: frozenset[str]


@dataclass(frozen=True, eq=False)
class Question(Node):
    """A node with a value. `choices` are all that may ever be offered; the engine tells which are offered now."""

    type: Type
    default: str = ""
    choices: tuple[Choice, ...] = ()
    itemset: Itemset | None = None
    range: Range | None = None
    other: str | None = None  # path of the text question that or_other added after this one
    asked: bool = True  # False: no control, read-only for good, or a refused optional control (see `Form.warnings`)


@dataclass(frozen=True, eq=False)
class Group(Node):
    """A group of nodes; the root of the form is one."""

    children: tuple[Node, ...]


@dataclass(frozen=True, eq=False)
class Repeat(Node):
    """Nodes that come any number of times: `count` when the form counts them, else the member is asked for another."""

    children: tuple[Node, ...]
    count: Expression | None = None
    fixed: bool = False  # jr:noAddRemove: no "add another?"


@dataclass(frozen=True, eq=False)
class Form:
    """A whole form. Immutable: a new upload is a new Form with another `sha256`."""

    id: str
    version: str
    title: str
    default_language: str
    languages: tuple[str, ...]  # as in the sheet, "English (en)"; ("",) for a form without translations
    root: Group
    warnings: tuple[Problem, ...]  # what is degraded in chat
    sha256: str  # of xform and media together
    xform: str  # the XForm XML; `load(form.xform, "form.xml")` gives this form again
    media: Mapping[str, bytes] = field(repr=False)  # attached files by name (csv, xml, geojson)
    nodes: Mapping[str, Node] = field(repr=False)  # every node by path

    def questions(self) -> Iterator[Question]:
        """Yield every question in document order, calculations and hidden values included."""
        return (node for node in self.nodes.values() if isinstance(node, Question))
