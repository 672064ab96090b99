"""A run of a form: the live instance, what happens when it starts, grows or changes, and what expressions may ask."""

import random
import uuid
from collections.abc import Iterator
from datetime import datetime, tzinfo

from bot.surveys.engine_growth import plant, sprout
from bot.surveys.engine_places import Places
from bot.surveys.engine_state import State
from bot.surveys.engine_tree import MAX_NODES, Field, Live, Span
from bot.surveys.engine_values import stored
from bot.surveys.form import Action, Form, Parts
from bot.surveys.xpath import dates
from bot.surveys.xpath.compiler import evaluated
from bot.surveys.xpath.nodes import Element
from bot.surveys.xpath.values import Context, to_string

MAX_ROUNDS = 20  # of setvalue actions that set each other off
MAX_REVISIONS = 3  # of a value in a circle that does not come to rest
_FIRST, _NEW, _CHANGED = "odk-instance-first-load", "odk-new-repeat", "xforms-value-changed"
_LOADS = {_FIRST, "odk-instance-load", "xforms-ready"}


class Run:
    """The live instance of one run. Also the environment of its expressions."""

    def __init__(self, form: Form, state: State, now: datetime, tz: tzinfo, *, fresh: bool) -> None:
        self.form, self.now, self.tz = form, now, tz
        self.language, self.seed, self.started = state.language, state.seed, state.started
        self.epoch = 0  # moves on when everything that was computed is stale: the instance has another shape
        self.reader: Live | Span | None = None  # what is being computed: it reads what is looked at meanwhile
        self._stale: dict[Live | Span, None] = {}  # touched since the last computation
        self._computed_at = -1
        self.revised: dict[Field, int] = {}  # how often what read a value before it was ready was computed again
        self._newborn: set[Live] = set()  # instances that what is settled brought about: no change is news to them
        self.torn = False  # something was changed, and not all that follows from it could be computed
        self.shape = 0  # moves on when repeats grow or shrink
        self.size = 0  # how many nodes there are
        self.reads: list[str] | None = None  # filled while a kept calculation is computed
        self.draws: dict[Element, int] = {}
        self._changing = [action for action in form.actions if _CHANGED in action.events and action.source]
        self._nodes: list[Live | Span] = []
        self._spans: list[Span] = []
        self._by_path: dict[str, list[Live | Span]] = {}
        self._nodes_at = -1
        self.places = Places(self)
        self._stored: State | None = None  # the state as it was last taken
        self._unstored: dict[Field, None] = {}  # what may have changed since
        self.root = Element("", None)
        self.top = plant(form.seed, self.root, self) if fresh else sprout(form.root, self.root, self)
        self.top.attributes = form.seed.attributes
        self.root.children = [self.top]
        if fresh:
            self._start()
        else:
            self._restore(state)
        self._settle(fire=False)

    # what expressions may ask

    def instance(self, name: str) -> Element | None:
        """Return the secondary instance called `name`."""
        return self.form.instances.get(name)

    def itext(self, key: str, context: Element) -> str:
        """Return the text called `key` in the current language."""
        wording = self.form.wording(self.form.itext.get(key, {}), self.language)
        return self.say(wording.parts, context) if wording else ""

    def say(self, parts: Parts, context: Element) -> str:
        """Put the values that a text shows into it."""
        return "".join(
            part if isinstance(part, str) else to_string(evaluated(part, Context(self, context))) for part in parts
        )

    def choice_name(self, node: Element, value: str) -> str:
        """Return the label of the choice `value` of the question at `node`."""
        if not isinstance(node, Field):
            return ""
        for choice in node.options():
            if choice.value == value:
                wording = self.form.wording(choice.label, self.language)
                return self.say(wording.parts, node) if wording else value
        return ""

    def draw(self, context: Element) -> float:
        """Return a random number: of the run, the place, and how many were drawn there before."""
        count = self.draws[context] = self.draws.get(context, -1) + 1
        path = context.path if isinstance(context, Live) else context.name
        return random.Random(f"{self.seed} {path} {count}").random()

    # the shape of the instance

    def find(self, path: str) -> Live | Span | None:
        """Return the node at a path with indexes; a repeat's own path, without index, gives its span."""
        here: Live | Span = self.top
        first, *steps = path.strip("/").split("/")
        if first != self.top.name:
            return None
        for step in steps:
            name, _, index = step.rstrip("]").partition("[")
            if not isinstance(here, Live):
                return None
            span = next((span for span in here.spans if span.node.name == name), None)
            found = span.instances if span else Element.named(here, name)
            if span and not index:
                here = span
            elif not (index or "1").isdecimal() or not 1 <= int(index or 1) <= len(found):
                return None
            else:
                here = found[int(index or 1) - 1]  # type: ignore[assignment]
        return here

    def note(self, field: Field) -> None:
        """Take note that a question changed: the state stored has to, and it may have to be asked."""
        self._unstored[field] = None
        self.places.reach(field.order)

    def nodes(self) -> list[Live | Span]:
        """Return every node and span in document order; a span comes before its instances."""
        if self._nodes_at != self.shape:
            self._nodes, self._nodes_at = list(self.walk(self.top)), self.shape
            self._spans = [here for here in self._nodes if isinstance(here, Span)]
            self._by_path = {}
        return self._nodes

    def at(self, path: str) -> list[Live | Span]:
        """Return what stands at a path of the form: one node, or one in each instance of a repeat."""
        nodes = self.nodes()
        if not self._by_path:
            for here in nodes:
                self._by_path.setdefault(here.node.path, []).append(here)
        return self._by_path.get(path, [])

    def fields_at(self, path: str) -> list[Field]:
        """Return the questions at a path of the form."""
        return [here for here in self.at(path) if isinstance(here, Field)]

    def spans(self) -> list[Span]:
        """Return the repeats, each under each of its parents."""
        self.nodes()
        return self._spans

    def fields(self) -> list[Field]:
        """Return every question, calculation and hidden value in document order."""
        return [here for here in self.nodes() if isinstance(here, Field)]

    def walk(self, here: Live) -> Iterator[Live | Span]:
        """Yield a node and all below it, as they are when they are reached."""
        yield here
        for child in here.below():
            if isinstance(child, Live):
                yield from self.walk(child)
            else:
                yield child
                for instance in list(child.instances):
                    yield from self.walk(instance)

    def grow(self, span: Span, count: int = 1) -> list[Live]:
        """Add instances to a repeat, with their defaults; none when the run would have more nodes than it may."""
        made = []
        for seed in span.seeds(count):
            if self.size >= MAX_NODES:
                break
            made.append(plant(seed, span.parent, self))
        self._extend(span, made)
        self._newborn.update(made)
        for live in made:
            self._act(live, {_NEW})
        return made

    def _extend(self, span: Span, made: list[Live]) -> None:
        if made:
            span.instances += made
            self._rechild(span.parent)

    def drop(self, span: Span, instance: Live) -> None:
        """Remove an instance of a repeat."""
        span.instances.remove(instance)
        self.size -= sum(isinstance(here, Live) for here in self.walk(instance))
        self._rechild(span.parent)

    def _rechild(self, parent: Live) -> None:
        parent.children = [
            one for child in parent.below() for one in ([child] if isinstance(child, Live) else child.instances)
        ]
        parent.forget_names()
        self.epoch += 1
        self.shape += 1

    # what happens

    def _start(self) -> None:
        for field in self.fields():
            if field.node.bind.preload:
                field.base = self._preload(field, *field.node.bind.preload)
        for here in self.walk(self.top):
            if isinstance(here, Span) and here.node.fixed and not here.instances:
                self._extend(here, [plant(self.form.templates[here.node.path], here.parent, self)])
        self._act(self.top, _LOADS)

    def _preload(self, live: Field, kind: str, what: str) -> str:
        local = self.now.astimezone(self.tz)
        if kind == "uid":
            return "uuid:" + str(uuid_of(self.draw(live), self.draw(live)))
        if kind == "date":
            return local.date().isoformat()
        return dates.stamp(local) if kind == "timestamp" and what == "start" else live.base

    def finish(self) -> None:
        """Write the moment of the end where the form asks for it."""
        for field in self.fields():
            if field.node.bind.preload == ("timestamp", "end"):
                field.write(dates.stamp(self.now.astimezone(self.tz)))
        self.settle()

    def _act(self, top: Live, events: set[str]) -> None:
        """Carry out the actions that these events set off at `top` and below."""
        actions = [action for action in self.form.actions if action.events & events]
        if not actions:
            return
        places = [live for live in self.walk(top) if isinstance(live, Field)]
        for action in actions:
            for live in places:
                if live.node.path == action.target and live.relevant():
                    self._set(live, action)

    def _set(self, live: Field, action: Action) -> None:
        live.write(live.result(action.value))

    def put(self, live: Field, value: str) -> None:
        """Give a question a value, and let everything follow from it."""
        live.write(stored(live.question, value))
        self.settle()

    def wake(self, now: datetime, tz: tzinfo) -> None:
        """Go on at another moment, as if brought to life then: nothing is set off by the passing of time."""
        same_day = now.astimezone(tz).date() == self.now.astimezone(tz).date()
        self.epoch += tz != self.tz
        self.now, self.tz = now, tz
        for path in self.form.timed if same_day else self.form.timed | self.form.daily:
            for here in self.at(path):
                self.touch(here)
        self._settle(fire=False)

    def touch(self, node: Live | Span) -> None:
        """Forget what was computed from a node, and from that in turn."""
        self.torn = True
        touched = [node]
        while touched:
            here = touched.pop()
            here.forget()
            self._stale[here] = None
            self.places.reach(here.order)
            if isinstance(here, Field):
                self._unstored[here] = None
            if isinstance(here, Live):
                touched += here.readers
                here.readers = {}

    def revise(self, field: Field) -> None:
        """Compute again what read a value before it was ready: a wildcard, such as /data/*, makes circles."""
        times = self.revised.get(field, 0)
        if times < MAX_REVISIONS:
            self.revised[field] = times + 1
            for reader in list(field.readers):
                self.touch(reader)
            field.forget()
            self._stale[field] = None
            self.note(field)

    def changed(self) -> None:
        """Recompute everything."""
        self.epoch += 1
        self.settle()

    def settle(self) -> None:
        """Recompute what is stale, with all that follows from it."""
        self._settle(fire=True)

    def _settle(self, *, fire: bool) -> None:
        """Compute all, and carry out what changed values set off, until nothing changes."""
        self.torn, self.revised, self._newborn = True, {}, set()
        for _ in range(MAX_ROUNDS):
            self._compute()
            if not self._changing or not self._fire(fire=fire):
                break
        self.torn = False

    def _compute(self) -> None:
        """Compute what is stale, in an order in which each finds ready what it reads."""
        while self._stale or self._computed_at != self.epoch:
            if self._computed_at != self.epoch:
                self._computed_at, stale = self.epoch, self.nodes()
                self._stored = None
                self.places.reach(0)
                for here in stale:
                    here.forget()
                    if isinstance(here, Live):
                        here.readers = {}
            else:
                stale = list(self._stale)
            self._stale = {}
            for here in sorted(stale, key=self._rank):
                here.settle()

    def _rank(self, here: Live | Span) -> int:
        return self.form.ranks[here.node.path]

    def _fire(self, *, fire: bool) -> bool:
        """Carry out the actions of the questions whose value is not what it was; tell whether any was."""
        fired = False
        sources = dict.fromkeys(action.source or "" for action in self._changing)
        changed = [live for path in sources for live in self.fields_at(path) if live.seen != live.value()]
        pairs = [(live, live.seen is not None and fire) for live in changed]
        for live in changed:
            live.seen = live.value()
        for source, has_changed in pairs:
            for action in self._changing if has_changed else ():
                for target in self.fields_at(action.target) if action.source == source.node.path else ():
                    if _same_instances(source, target) and self._newborn.isdisjoint(_ancestors(target)):
                        self._set(target, action)
                        fired = True
        return fired

    # to and from a state

    @property
    def state(self) -> State:
        """Return what must be stored."""
        fields = self.fields() if self._stored is None else list(self._unstored)
        state = self._stored = self._stored or State("", self.seed, self.started)
        state.language, self._unstored = self.language, {}
        for field in fields:
            _keep(state.values, field.path, field.base)
            _keep(state.prints, field.path, field.print)
            _keep(state.done, field.path, field.done)
        state.counts = {span.path: len(span.instances) for span in self.spans()}
        state.closed = [span.path for span in self.spans() if span.closed]
        return state.copy()

    def _restore(self, state: State) -> None:
        for here in self.walk(self.top) if state.counts else ():
            if isinstance(here, Span):
                path = here.path
                here.closed = path in state.closed
                count = state.counts.get(path, 0)
                self._extend(here, [sprout(here.node, here.parent, self) for _ in range(count)])
        for field in self.fields():
            path = field.path
            field.base = state.values.get(path, "")
            field.print, field.done = state.prints.get(path), state.done.get(path, "")
        self.epoch += 1


def _keep(table: dict[str, str], path: str, value: str | None) -> None:
    """Put a value into a table that holds only what is there."""
    if value is None or value == "":
        table.pop(path, None)
    else:
        table[path] = value


def uuid_of(first: float, second: float) -> str:
    """Make a UUID (version 4) of two random numbers."""
    return str(uuid.UUID(int=int(first * 2**53) << 64 | int(second * 2**53), version=4))


def _same_instances(source: Live, target: Live) -> bool:
    """Tell whether two nodes stand in the same instances of the repeats that both are in."""
    above = {one.node.path: one for one in _ancestors(source)}
    return all(above.get(one.node.path, one) is one for one in _ancestors(target))


def _ancestors(live: Live) -> Iterator[Live]:
    parent = live.parent
    while isinstance(parent, Live):
        yield parent
        parent = parent.parent
