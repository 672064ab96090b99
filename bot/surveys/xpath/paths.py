"""Location paths: steps along axes, conditions, and an index for `column = value` on lists that never change."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bot.surveys.xpath.grammar import BELOW, Ast, Call, Filter, Literal, Negation, Operation, Path, Step
from bot.surveys.xpath.nodes import Element, Leaf, attributes_of, order_key, text_of
from bot.surveys.xpath.values import Context, Run, Value, strings, to_boolean, to_nodes

Compile = Callable[[Ast], Run]
_WITH_TEXTS = {"child", "descendant", "descendant-or-self"}
_REVERSE = {"ancestor", "ancestor-or-self", "preceding", "preceding-sibling", "parent"}
_ORDERED = {"child", "self", "attribute"}  # axes that keep document order when they start at one depth
_ONE_DEPTH = {*_ORDERED, "parent", "following-sibling", "preceding-sibling"}


def compile_path(path: Path, compile_ast: Compile) -> Run:
    """Compile a location path."""
    start = _compile_start(path.start, compile_ast)
    mixed = not (path.start is None or isinstance(path.start, str | Call))  # nodes of several depths
    if not mixed and all(_is_plain(step) for step in path.steps):
        return _plain_path(start, [step.test for step in path.steps])
    steps = []
    for step in _simplified(path.steps):
        steps.append(_compile_step(step, compile_ast, mixed=mixed))
        mixed = mixed or step.axis not in _ONE_DEPTH

    def run(context: Context) -> Value:
        nodes: Sequence[Element] = start(context)
        for step in steps:
            nodes = step(nodes, context)
        return list(nodes)

    return run


def _simplified(steps: tuple[Step, ...]) -> list[Step]:
    """Let `//name` pass over texts: they have no children, and in a running instance each costs a computation."""
    simple: list[Step] = []
    for step in steps:
        if simple and simple[-1] == BELOW and step.axis == "child" and not step.predicates:
            simple[-1] = Step("descendant", step.test)
        elif simple and simple[-1] == BELOW and step.axis in _ORDERED - {"self"}:
            simple[-1:] = [Step(BELOW.axis, "element()"), step]
        else:
            simple.append(step)
    return simple


def _compile_start(start: Ast | str | None, compile_ast: Compile) -> Callable[[Context], list[Element]]:
    if start is None:
        return lambda context: [context.node]
    if isinstance(start, str):
        return lambda context: [context.env.root]
    base = compile_ast(start)
    return lambda context: to_nodes(base(context))


def _is_plain(step: Step) -> bool:
    named = step.axis == "child" and "*" not in step.test and "(" not in step.test
    return not step.predicates and (named or step == Step("parent", "node()"))


def _plain_path(start: Callable[[Context], list[Element]], tests: list[str]) -> Run:
    """Compile a path of nothing but names and `..`: nine in ten of all paths in real forms."""

    def run(context: Context) -> Value:
        nodes = start(context)
        for test in tests:
            if test == "node()":
                nodes = _distinct([node.parent for node in nodes if node.parent is not None])
            elif len(nodes) == 1:
                nodes = list(nodes[0].named(test))
            else:
                nodes = [child for node in nodes for child in node.named(test)]
        return nodes

    return run


StepRun = Callable[[Sequence[Element], Context], Sequence[Element]]


def _compile_step(step: Step, compile_ast: Compile, *, mixed: bool) -> StepRun:
    select = _selector(step)
    conditions = [compile_condition(predicate, compile_ast) for predicate in step.predicates]
    lookup = _lookup(step, compile_ast)
    disordering = mixed or step.axis not in _ORDERED

    def run(nodes: Sequence[Element], context: Context) -> Sequence[Element]:
        found: list[Element] = []
        for node in nodes:
            rest = conditions
            if lookup and node.static:
                taken, rest = lookup(node, context)
            else:
                taken = select(node)
            for condition in rest:
                taken = condition(taken, context)
            found.extend(taken)
        if disordering and (len(nodes) > 1 or step.axis in _REVERSE):
            return in_order(found)
        return found if len(nodes) == 1 else _distinct(found)

    return run


def in_order(nodes: list[Element]) -> list[Element]:
    """Return each node once, in document order; nodes of several documents keep their documents together."""
    distinct = _distinct(nodes)
    if len(distinct) < 2:
        return distinct
    return sorted(distinct, key=order_key)


def _distinct(nodes: list[Element]) -> list[Element]:
    return list(dict.fromkeys(nodes)) if len(nodes) > 1 else nodes


def _selector(step: Step) -> Callable[[Element], Sequence[Element]]:
    axis, test = step.axis, step.test
    if axis == "child" and "*" not in test and "(" not in test:
        return lambda node: node.named(test)
    walk = _AXES[axis]
    matches = _tester(test, attribute=axis == "attribute")
    if test in {"text()", "node()"} and axis in _WITH_TEXTS:
        return lambda node: [other for other in _with_texts(node, axis, walk) if matches(other)]
    return lambda node: [other for other in walk(node) if matches(other)]


def _with_texts(node: Element, axis: str, walk: "Walk") -> Iterator[Element]:
    """Put the text of each element behind it: instances and lists have no text between elements."""
    if axis != "descendant-or-self":
        yield from text_of(node)
    for element in walk(node):
        yield element
        if axis != "child":
            yield from text_of(element)


def _tester(test: str, *, attribute: bool) -> Callable[[Element], bool]:
    prefix = "@" if attribute else ""
    if test == "node()":
        return lambda _: True
    if test == "text()":
        return lambda node: isinstance(node, Leaf) and not node.name
    if test == "element()":
        return lambda node: not isinstance(node, Leaf)
    if test == "*":  # the document itself, which has no name, is no element
        return lambda node: attribute or (node.name != "" and not isinstance(node, Leaf))
    if test.endswith(":*"):
        return lambda node: node.name.startswith(prefix + test[:-1])
    if "(" in test:  # comments and instructions are not kept
        return lambda _: False
    return lambda node: node.name == prefix + test


def _ancestors(node: Element) -> Iterator[Element]:
    parent = node.parent
    while parent is not None:
        yield parent
        parent = parent.parent


def _siblings(node: Element) -> tuple[Sequence[Element], int]:
    if node.parent is None or isinstance(node, Leaf):
        return [], 0
    siblings = node.parent.children
    return siblings, next(i for i, other in enumerate(siblings) if other is node)


def _following_siblings(node: Element) -> Sequence[Element]:
    siblings, i = _siblings(node)
    return siblings[i + 1 :]


def _preceding_siblings(node: Element) -> Sequence[Element]:
    siblings, i = _siblings(node)
    return list(reversed(siblings[:i]))


def _following(node: Element) -> Iterator[Element]:
    for ancestor in [node, *_ancestors(node)]:
        for sibling in _following_siblings(ancestor):
            yield sibling
            yield from sibling.walk()


def _preceding(node: Element) -> Iterator[Element]:
    for ancestor in [node, *_ancestors(node)]:
        for sibling in _preceding_siblings(ancestor):
            yield from reversed([sibling, *sibling.walk()])


Walk = Callable[[Element], Iterator[Element] | Sequence[Element]]
_AXES: dict[str, Walk] = {
    "ancestor": _ancestors,
    "ancestor-or-self": lambda node: [node, *_ancestors(node)],
    "attribute": attributes_of,
    "child": lambda node: node.children,
    "descendant": lambda node: node.walk(),
    "descendant-or-self": lambda node: [node, *node.walk()],
    "following": _following,
    "following-sibling": _following_siblings,
    "namespace": lambda _: [],
    "parent": lambda node: [] if node.parent is None else [node.parent],
    "preceding": _preceding,
    "preceding-sibling": _preceding_siblings,
    "self": lambda node: [node],
}

Condition = Callable[[Sequence[Element], Context], Sequence[Element]]


def compile_condition(predicate: Ast, compile_ast: Compile) -> Condition:
    """Compile `[...]`: a number picks by position, any other value by its truth."""
    if isinstance(predicate, Literal) and isinstance(predicate.value, float):
        position = predicate.value
        return lambda nodes, _: nodes[int(position) - 1 : int(position)] if position == int(position) > 0 else []
    test = compile_ast(predicate)

    def run(nodes: Sequence[Element], context: Context) -> Sequence[Element]:
        inner = Context(context.env, context.node, 1, len(nodes))
        inner.current = context.current
        kept = []
        for i, node in enumerate(nodes, 1):
            inner.node, inner.position = node, i
            value = test(inner)
            if value == i if type(value) is float else to_boolean(value):
                kept.append(node)
        return kept

    return run


@dataclass(slots=True)
class _Lookup:
    """Find the children `name` of a list by an index instead of trying each."""

    name: str
    column: str
    key: Run
    rest: list[Condition]
    plain: list[Condition]

    def __call__(self, node: Element, context: Context) -> tuple[Sequence[Element], list[Condition]]:
        value = self.key(context)
        if isinstance(value, bool | float):
            return node.named(self.name), self.plain
        index = node.lookup(self.name, self.column)
        keys = dict.fromkeys(strings(value))
        if len(keys) == 1:
            return index.get(next(iter(keys)), ()), self.rest
        return in_order([child for key in keys for child in index.get(key, ())]), self.rest


def _lookup(step: Step, compile_ast: Compile) -> _Lookup | None:
    """Use the index when the first condition has a `column = value` whose value is the same for every child."""
    if step.axis != "child" or "*" in step.test or "(" in step.test or not step.predicates:
        return None
    first, *others = step.predicates
    parts = _conjuncts(first)
    if any(_reads_position(part) for part in parts):
        return None
    for i, part in enumerate(parts):
        if (pair := _column_equals(part)) is None:
            continue
        plain = [compile_condition(predicate, compile_ast) for predicate in step.predicates]
        truths = [Call("boolean", (other,)) for other in [*parts[:i], *parts[i + 1 :]]]
        rest = [compile_condition(other, compile_ast) for other in [*truths, *others]]
        return _Lookup(step.test, pair[0], compile_ast(pair[1]), rest, plain)
    return None


def _conjuncts(ast: Ast) -> list[Ast]:
    if isinstance(ast, Operation) and ast.operator == "and":
        return _conjuncts(ast.left) + _conjuncts(ast.right)
    return [ast]


def _column_equals(ast: Ast) -> tuple[str, Ast] | None:
    if not isinstance(ast, Operation) or ast.operator != "=":
        return None
    for column, value in ((ast.left, ast.right), (ast.right, ast.left)):
        if isinstance(column, Path) and column.start is None and len(column.steps) == 1 and _is_plain(column.steps[0]):
            name = column.steps[0].test
            if name != "node()" and not reads_node(value):
                return name, value
    return None


_READS_NODE = {"position", "last", "once", "random", "uuid", "jr:choice-name", "lang"}
_OWN_NODE = {"string", "number", "name", "local-name", "namespace-uri", "string-length", "normalize-space"}


def reads_node(ast: Ast) -> bool:
    """Tell whether the value depends on the node it is evaluated at."""
    match ast:
        case Path(start=None):
            return True
        case Path(start=start):
            return not isinstance(start, str) and start is not None and reads_node(start)
        case Call(name=name, arguments=arguments):
            return name in _READS_NODE or (name in _OWN_NODE and not arguments) or any(map(reads_node, arguments))
        case Operation(left=left, right=right):
            return reads_node(left) or reads_node(right)
        case Negation(operand=operand):
            return reads_node(operand)
        case Filter(base=base):
            return reads_node(base)
    return False


def _reads_position(ast: Ast) -> bool:
    match ast:
        case Call(name=name, arguments=arguments):
            return (name in {"position", "last"} and not arguments) or any(map(_reads_position, arguments))
        case Operation(left=left, right=right):
            return _reads_position(left) or _reads_position(right)
        case Negation(operand=operand):
            return _reads_position(operand)
    return False
