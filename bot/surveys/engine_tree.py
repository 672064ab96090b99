"""The instance of a run as live nodes: what is computed when read is kept until something that it read changes."""

import hashlib
import math
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bot.surveys.engine_values import stored
from bot.surveys.form import CHOOSING, Choice, Group, Keep, Node, Question, Repeat, Seed, Type, Wording
from bot.surveys.xpath.compiler import Expression, evaluated
from bot.surveys.xpath.nodes import Element
from bot.surveys.xpath.values import Context, Value, to_boolean, to_nodes, to_number, to_string

if TYPE_CHECKING:
    from bot.surveys.engine_run import Run

MAX_REPEATS = 1_000  # instances of one repeat, whatever its count says
MAX_NODES = 50_000  # of one run: counted repeats within counted repeats grow no further
NOWHERE = sys.maxsize


class Live(Element):
    """A node of the running instance: a group or an instance of a repeat; a `Field` has a value."""

    __slots__ = (
        "_deciding", "_path", "_path_at", "_relevant", "_relevant_at",
        "lockable", "node", "order", "readers", "run", "spans",
    )  # fmt: skip

    static = False

    def __init__(self, node: Node, parent: Element, run: "Run") -> None:
        super().__init__(node.name, parent)
        self.node = node
        self.run = run
        run.size += 1
        self.spans: list[Span] = []
        self._relevant, self._relevant_at = True, -1
        self._deciding = False  # whether it is relevant is being computed
        self._path, self._path_at = "", -1
        self.order = NOWHERE  # among the places where something is asked or said
        self.readers: dict[Live | Span, None] = {}  # what was computed from this node
        self.lockable: bool = node.bind.readonly is not None or (isinstance(parent, Live) and parent.lockable)

    @property
    def path(self) -> str:
        """Return the path with the index of each repeat."""
        if self._path_at != self.run.shape:
            index = f"[{self.index}]" if isinstance(self.node, Repeat) else ""
            above = self.parent.path if isinstance(self.parent, Live) else ""
            self._path, self._path_at = f"{above}/{self.name}{index}", self.run.shape
        return self._path

    @property
    def span(self) -> "Span | None":
        """Return the repeat that this is an instance of."""
        spans = self.parent.spans if isinstance(self.parent, Live) else ()
        return next((span for span in spans if span.node is self.node), None)

    @property
    def index(self) -> int:
        """Return which instance of its repeat this is, from 1; 0 when it is none."""
        instances = self.span.instances if self.span else ()
        return next((i for i, other in enumerate(instances, 1) if other is self), 0)

    def string(self) -> str:
        """Return the value as expressions see it."""
        if self._deciding:
            return ""  # once() in a condition of its own
        value = super().string()
        if self.run.reads is not None:
            self.run.reads.append(value)
        return value

    def named(self, name: str) -> Sequence[Element]:
        """Return the children called `name`; a counted repeat is counted first."""
        for span in self.spans:
            if span.node.name == name:
                span.sync()
        found = super().named(name)
        if self.run.reads is not None:
            self.run.reads.append(str(len(found)))
        return found

    def settle(self) -> None:
        """Compute what others may read."""
        self.relevant()

    def forget(self) -> None:
        """Let what was computed here be computed again."""
        self._relevant_at = -1

    def relevant(self) -> bool:
        """Tell whether the node takes part."""
        run, reader = self.run, self.run.reader
        self._read_by(reader)
        if self._relevant_at == run.epoch:
            return self._relevant
        self._relevant_at, self._relevant = run.epoch, True  # a condition on itself is refused at upload
        run.reader, self._deciding = self, True
        try:
            above = self.parent.relevant() if isinstance(self.parent, Live) else True
            condition = self.node.bind.relevant
            self._relevant = above and (condition is None or to_boolean(self.evaluate(condition)))
        finally:
            run.reader, self._deciding = reader, False
        return self._relevant

    def readonly(self) -> bool:
        """Tell whether the node, or a group it is in, cannot be answered."""
        if not self.lockable:
            return False
        run, reader = self.run, self.run.reader
        self._read_by(reader)
        run.reader = self
        try:
            above = self.parent.readonly() if isinstance(self.parent, Live) else False
            return above or self.holds(self.node.bind.readonly)
        finally:
            run.reader = reader

    def _read_by(self, reader: "Live | Span | None") -> None:
        if reader is not None and reader is not self:
            self.readers[reader] = None

    def required(self) -> bool:
        """Tell whether an answer is needed."""
        return self.holds(self.node.bind.required)

    def holds(self, condition: Expression | None) -> bool:
        """Evaluate a condition; one that is not there does not hold."""
        return condition is not None and to_boolean(self.evaluate(condition))

    def evaluate(self, expression: Expression) -> Value:
        """Evaluate an expression here."""
        self.run.draws.pop(self, None)
        return evaluated(expression, Context(self.run, self))

    def below(self) -> "Iterator[Live | Span]":
        """Yield the children in document order; a repeat's instances as one span."""
        if not self.spans:
            yield from self.children  # type: ignore[misc]
            return
        spans = {span.node.name: span for span in self.spans}
        for child in self.node.children if isinstance(self.node, Group | Repeat) else ():
            yield spans.get(child.name) or super().named(child.name)[0]  # type: ignore[misc]


class Field(Live):
    """A live question. `base` is what was answered, set or kept, whether it counts or not."""

    __slots__ = ("_busy", "_glimpsed", "_value", "_value_at", "base", "done", "print", "question", "seen")

    def __init__(self, question: Question, parent: Element, run: "Run", base: str = "") -> None:
        super().__init__(question, parent, run)
        self.question = question
        self.base = base
        self.done = ""  # "answered" or "skipped"
        self.print: str | None = None  # of what the kept value of a calculation was made of
        self.seen: str | None = None  # the value that setvalue actions last saw
        self._value, self._value_at = "", -1
        self._busy = False
        self._glimpsed: str | None = None  # what others read before the value was ready

    def string(self) -> str:
        """Return the value as expressions see it."""
        value = self.value()
        if self.run.reads is not None:
            self.run.reads.append(value)
        return value

    def settle(self) -> None:
        """Compute what others may read, and what is kept from now on."""
        self.value()
        self.readonly()  # whether it is asked depends on it

    def mark(self, done: str) -> None:
        """Note what the member did: "answered", "skipped", or nothing yet."""
        self.done = done
        self.run.note(self)

    def forget(self) -> None:
        """Let what was computed here be computed again."""
        self._relevant_at = self._value_at = -1

    def write(self, base: str) -> None:
        """Put a value here, and let what was computed from it be computed again."""
        self.base = base
        self.run.touch(self)

    def constraint_ok(self) -> bool:
        """Tell whether the value satisfies the constraint; an empty or irrelevant one does."""
        constraint = self.node.bind.constraint
        return constraint is None or self.value() == "" or to_boolean(self.evaluate(constraint))

    def required_ok(self) -> bool:
        """Tell whether the value is there when it is needed."""
        return self.value() != "" or not self.relevant() or not self.required()

    def value(self) -> str:
        """Return the value that counts: empty when irrelevant, without choices no longer offered."""
        run, reader = self.run, self.run.reader
        self._read_by(reader)
        if self._value_at == run.epoch:
            return self._value
        if self._deciding or self._busy:  # once() and the like read what is there before
            self._glimpsed = "" if self._deciding else self.base
            return self._glimpsed
        self._busy = True
        reads, run.reads, run.reader = run.reads, None, self
        before = self._value
        try:
            self._value = self._compute() if self.relevant() else self._withdrawn()
            self._value_at = run.epoch
        finally:
            self._busy = False
            run.reads, run.reader = reads, reader
        glimpsed, self._glimpsed = self._glimpsed, None
        if (glimpsed is not None and self._value != glimpsed) or (self in run.revised and self._value != before):
            run.revise(self)
        return self._value

    def result(self, expression: Expression) -> str:
        """Compute what `expression` puts into this question."""
        return stored(self.question, self._written(expression))

    def _written(self, expression: Expression) -> str:
        return to_string(self.evaluate(expression))

    def options(self) -> list[Choice]:
        """Return the choices offered now."""
        itemset = self.question.itemset
        if itemset is None:
            return list(self.question.choices)
        if itemset.fixed:
            return list(itemset.known.values())
        return [itemset.known.get(node) or self._made(node) for node in to_nodes(self.evaluate(itemset.nodeset))]

    def _made(self, node: Element) -> Choice:
        """Make a choice of a node that is in no list, such as an instance of a repeat."""
        itemset, context = self.question.itemset, Context(self.run, node)
        value = to_string(evaluated(itemset.value, context)) if itemset else ""
        label = to_string(evaluated(itemset.label, context)) if itemset and itemset.label else value
        return Choice(value, dict.fromkeys(self.run.form.languages, Wording((label,))))

    def _withdrawn(self) -> str:
        self.print = None
        return ""

    def _compute(self) -> str:
        if self.question.bind.calculate is not None:
            self._calculate(self.question.bind.calculate)
        return self._offered() if self.question.type in CHOOSING and self.base else self.base

    def _calculate(self, expression: Expression) -> None:
        if self.question.keep is None:
            self.base = self.result(expression)
            return
        reads: list[str] = []
        self.run.reads = reads
        written = self._written(expression)
        self.run.reads = None
        basis = [written] if self.question.keep is Keep.RESULT else reads
        made = hashlib.blake2b("\0".join(basis).encode(), digest_size=8).hexdigest()
        if made != self.print:
            self.base, self.print = stored(self.question, written), made

    def _offered(self) -> str:
        offered = [choice.value for choice in self.options()]
        if self.question.type is Type.SELECT_ONE:
            return self.base if self.base in offered else ""
        chosen = [value for value in self.base.split() if value in offered]
        if self.question.type is Type.RANK:  # what is newly offered comes last
            chosen += offered
        return " ".join(dict.fromkeys(chosen))


class Span:
    """The instances of one repeat under one parent."""

    __slots__ = ("_counted_at", "closed", "instances", "node", "order", "parent")

    def __init__(self, node: Repeat, parent: Live) -> None:
        self.node = node
        self.parent = parent
        self.instances: list[Live] = []
        self.closed = False  # the member said that there is no more
        self.order = NOWHERE
        self._counted_at = -1

    @property
    def path(self) -> str:
        """Return the path of the repeat itself, without an index of its own."""
        return f"{self.parent.path}/{self.node.name}"

    @property
    def full(self) -> bool:
        """Tell whether no more instances fit."""
        return len(self.instances) >= MAX_REPEATS or self.parent.run.size >= MAX_NODES

    def forget(self) -> None:
        """Let a counted repeat be counted again."""
        self._counted_at = -1

    def settle(self) -> None:
        """Count a counted repeat."""
        self.sync()
        self.relevant()

    def relevant(self) -> bool:
        """Tell whether the repeat takes part, as seen from where it stands."""
        run, condition = self.parent.run, self.node.bind.relevant
        reader, run.reader = run.reader, self
        try:
            return self.parent.relevant() and (condition is None or to_boolean(self._evaluate(condition)))
        finally:
            run.reader = reader

    def sync(self) -> None:
        """Grow or shrink a counted repeat to its count; a count that is no number changes nothing."""
        run = self.parent.run
        if self.node.count is None or self._counted_at == run.epoch:
            return
        self._counted_at = run.epoch
        reads, reader, run.reads, run.reader = run.reads, run.reader, None, self
        try:
            count = to_number(self._evaluate(self.node.count), run.tz)
        finally:
            run.reads, run.reader = reads, reader
        if math.isnan(count):
            return
        wanted = int(min(max(count, 0), MAX_REPEATS))
        while len(self.instances) > wanted:
            run.drop(self, self.instances[-1])
        run.grow(self, wanted - len(self.instances))

    def seeds(self, count: int) -> list[Seed]:
        """Return what the next instances grow from: those that the form begins with, then the template."""
        begun = [seed for seed in _seed_of(self.parent).children if seed.path == self.node.path]
        ready = begun[len(self.instances) :][:count] if self.node.count else []
        return ready + [self.parent.run.form.templates[self.node.path]] * (count - len(ready))

    def _evaluate(self, expression: Expression) -> Value:
        place = Element(self.node.name, self.parent)  # the repeat itself may have no instance to stand on
        return evaluated(expression, Context(self.parent.run, place))


def _seed_of(live: Live) -> Seed:
    """Return the seed that a live node grew from."""
    form = live.run.form
    if not isinstance(live.parent, Live):
        return form.seed
    begun = [seed for seed in _seed_of(live.parent).children if seed.path == live.node.path]
    position = max(live.index, 1)
    return begun[position - 1] if position <= len(begun) else form.templates[live.node.path]
