"""Which questions wait for which: the order to compute them in, and forms that run in circles."""

from collections.abc import Iterator, Mapping

from bot.sentences import Sentence
from bot.surveys.form import Form, Node, Problem, Question, Repeat
from bot.surveys.xpath.compiler import calls, descend
from bot.surveys.xpath.grammar import Ast, Literal, Path

#: Functions whose result any moment may change; the last two give texts, which may show a time.
_MOMENTARY = {"now", "jr:itext", "jr:choice-name"}


def ranks(nodes: Mapping[str, Node]) -> dict[str, int]:
    """Number the paths so that what a node reads comes before it; in a circle the form's own order decides."""
    order: dict[str, int] = {}
    begun: set[str] = set()
    for start in nodes:
        waiting = [] if start in begun else [start]
        while waiting:
            path = waiting[-1]
            if path not in begun:
                begun.add(path)
                reads = [*_reads(nodes, path), *(one for ast in _counted(nodes[path]) for one in references(ast, path))]
                waiting += [one for one in reads if one in nodes and one not in begun]
            else:
                waiting.pop()
                order.setdefault(path, len(order))
    return order


def cycles(form: Form) -> list[Problem]:
    """Name the questions whose calculations or conditions wait for each other."""
    graph = {path: _reads(form.nodes, path) for path in form.nodes}
    for action in form.actions:
        if action.source and action.source != action.target and action.target in graph:
            graph[action.target].add(action.source)
    state: dict[str, int] = {}
    found: list[Problem] = []
    for path in graph:
        if circle := _circle(path, graph, state):
            names = ", ".join(one.rpartition("/")[2] for one in circle)
            found.append(
                Problem(
                    Sentence(
                        "%(name)s waits for itself through %(names)s; break the circle",
                        name=names.partition(",")[0],
                        names=names,
                    ),
                    "survey",
                )
            )
    return found


def _circle(start: str, graph: dict[str, set[str]], state: dict[str, int]) -> list[str] | None:
    """Search for a circle from `start`; state 1 is open, 2 done."""
    if state.get(start):
        return None
    trail = [(start, iter(graph[start]))]
    state[start] = 1
    while trail:
        path, rest = trail[-1]
        following = next((one for one in rest if one in graph and state.get(one) != 2), None)
        if following is None:
            state[path] = 2
            trail.pop()
        elif state.get(following) == 1:
            names = [one for one, _ in trail]
            for name in names:
                state[name] = 2
            return names[names.index(following) :]
        else:
            state[following] = 1
            trail.append((following, iter(graph[following])))
    return None


def timed(nodes: Mapping[str, Node]) -> frozenset[str]:
    """Return the paths of the nodes whose value, relevance, lock or number may be another at another moment."""
    return frozenset(path for path, node in nodes.items() if _MOMENTARY & _called(node))


def daily(nodes: Mapping[str, Node]) -> frozenset[str]:
    """Return the paths of the nodes that may change with the day only."""
    return frozenset(path for path, node in nodes.items() if "today" in _called(node)) - timed(nodes)


def _called(node: Node) -> set[str]:
    """Return the functions that what a node is depends on."""
    locked = [node.bind.readonly.ast] if node.bind.readonly else []
    return {call.name for ast in [*_computed(node), *_counted(node), *locked] for call in calls(ast)}


def _reads(nodes: Mapping[str, Node], path: str) -> set[str]:
    """Return the paths that the value or relevance of a node is computed from."""
    reads = {path.rpartition("/")[0]} & nodes.keys()
    condition = nodes[path].bind.relevant
    for ast in _computed(nodes[path]):  # a calculation may build on the value before, a condition on itself never holds
        own = condition is not None and ast is condition.ast
        reads.update(target for target in references(ast, path) if own or target != path)
    return reads


def _computed(node: Node) -> list[Ast]:
    itemset = node.itemset.nodeset if isinstance(node, Question) and node.itemset else None
    return [one.ast for one in (node.bind.relevant, node.bind.calculate, itemset) if one is not None]


def _counted(node: Node) -> list[Ast]:
    return [node.count.ast] if isinstance(node, Repeat) and node.count else []


def references(ast: Ast, path: str) -> Iterator[str]:
    """Yield the paths an expression at `path` reads, as far as they are written out without conditions."""
    for part in descend(ast):
        if isinstance(part, Path) and (part.start is None or part.start == "/"):
            steps = [] if part.start == "/" else path.strip("/").split("/")
            if any(step.predicates for step in part.steps):
                continue
            for step in part.steps:
                if step.axis == "parent":
                    steps = steps[:-1]
                elif step.axis == "child":
                    steps = [*steps, step.test]
            yield "/" + "/".join(steps)
        elif isinstance(part, Literal) and isinstance(part.value, str) and part.value.strip().startswith("/"):
            yield part.value.strip()
