"""A survey form: frozen, complete, free of sheet and XML; every expression in it is already compiled.

`load` (in `bot.surveys.xform`) makes one of an XLSForm or an XForm; `bot.surveys.engine` runs it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from bot.surveys.xpath.compiler import Expression
from bot.surveys.xpath.nodes import Element


@dataclass(frozen=True)
class Problem:
    """One thing wrong (or lost) in a form, with the cure, and the place where known."""

    message: str
    sheet: str | None = None
    row: int | None = None
    column: str | None = None

    def __str__(self) -> str:
        place = [self.sheet, f"row {self.row}" if self.row else None, f"column {self.column}" if self.column else None]
        prefix = ", ".join(filter(None, place))
        return f"{prefix}: {self.message}" if prefix else self.message


class FormError(Exception):
    """Refuse a form; `problems` say where, what is wrong and the cure."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


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


class Keep(StrEnum):
    """A calculation that is not simply the last result: when the kept value is written again."""

    RESULT = "result"  # it can be edited: when the result changes
    READS = "reads"  # it depends on the moment or on chance: when anything else that it reads changes


CHOOSING = {Type.SELECT_ONE, Type.SELECT_MULTIPLE, Type.RANK}
Parts = tuple[str | Expression, ...]  # a text with the values it shows in between


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
    """Options computed at each moment: the nodes chosen, then value and label of each; `known` are those of a list."""

    nodeset: Expression
    value: Expression
    label: Expression | None
    known: Mapping[Element, Choice]
    fixed: bool  # the same at every moment


@dataclass(frozen=True)
class Range:
    """The bounds and step of a range question."""

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
    asked: bool = True  # False: no control, a note, or an optional control that a chat has not (see `Form.warnings`)
    choices: tuple[Choice, ...] = ()
    itemset: Itemset | None = None
    range: Range | None = None
    other: str | None = None  # path of the text question that or_other put after this one
    keep: Keep | None = None


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
class Seed:
    """A node of the instance as the form starts it: its default, its children, instances of repeats included."""

    path: str
    text: str
    children: "tuple[Seed, ...]"
    attributes: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Action:
    """A setvalue: at these events `target` gets `value`; `source` is the question whose change is the event."""

    events: frozenset[str]
    target: str
    value: Expression
    source: str | None


@dataclass(frozen=True, eq=False)
class Form:
    """A whole form. Immutable: a new upload is a new Form with another `sha256`."""

    id: str
    version: str
    title: str
    default_language: str
    languages: tuple[str, ...]  # as in the sheet, "English (en)"; ("",) for a form without translations
    root: Group = field(repr=False)
    nodes: Mapping[str, Node] = field(repr=False)  # every node by path, in document order
    ranks: Mapping[str, int] = field(repr=False)  # by path: what a node reads has a lower one, but for circles
    timed: frozenset[str] = field(repr=False)  # paths of what may change by the passing of time alone
    daily: frozenset[str] = field(repr=False)  # paths of what may change with the day, and not before
    actions: tuple[Action, ...] = field(repr=False)
    seed: Seed = field(repr=False)
    templates: Mapping[str, Seed] = field(repr=False)  # of repeats, by path
    instances: Mapping[str, Element] = field(repr=False)  # choice lists and attached files
    itext: Mapping[str, Text] = field(repr=False)
    warnings: tuple[Problem, ...]  # what is lost or degraded in chat
    sha256: str  # of the XForm and its media together
    xform: str = field(repr=False)  # the XForm's XML: `load(form.xform.encode(), "form.xml", media)` gives this form
    media: Mapping[str, bytes] = field(repr=False)  # attached files by name

    def questions(self) -> Iterator[Question]:
        """Yield every question in document order, calculations and hidden values included."""
        return (node for node in self.nodes.values() if isinstance(node, Question))

    def wording(self, text: Text, language: str) -> Wording | None:
        """Return a text in `language`, else in the default language; None for a text the form has not."""
        return text.get(language) or text.get(self.default_language)
