"""What a chat cannot do with a form: refused, or said to be lost; and forms that run in circles."""

from collections.abc import Iterator

from bot.surveys.form import Form, Problem, Question, Type
from bot.surveys.xpath.compiler import Expression, descend
from bot.surveys.xpath.grammar import Ast, Literal, Path

# What a chat has no way to take: refused when the form requires it, else never asked.
UNASKABLE = {
    Type.BARCODE: "a barcode scan",
    Type.GEOTRACE: "a line on a map",
    Type.GEOSHAPE: "an area on a map",
}
DRAWN = {"signature": "a signature", "draw": "a drawing", "annotate": "a drawing on a picture"}
# What is asked in another way.
OTHERWISE = {
    "minimal": None,
    "field-list": "its questions are asked one by one",
    "table-list": "its questions are asked one by one",
    "map": "the choices are listed, not shown on a map",
    "image-map": "the choices are listed, not shown on a picture",
}


def unaskable(kind: Type, appearance: frozenset[str]) -> str | None:
    """Name what a question needs that a chat has not."""
    drawn = next((DRAWN[word] for word in sorted(appearance) if word in DRAWN), None)
    return drawn if drawn and kind is Type.IMAGE else UNASKABLE.get(kind)


def unfit(form: Form) -> tuple[list[Problem], list[Problem]]:
    """Return why a form is refused in chat, and what of it is lost or asked otherwise."""
    refused, degraded = [], []
    for node in form.nodes.values():
        if isinstance(node, Question) and (need := unaskable(node.type, node.appearance)):
            if _may_be_required(node.bind.required):
                refused.append(Problem(f"{node.name} needs {need}, which a chat has not; make it optional", "survey"))
            else:
                degraded.append(Problem(f"{node.name} needs {need} and is never asked in chat", "survey"))
        for word in sorted(node.appearance):
            if OTHERWISE.get(word):
                degraded.append(Problem(f"{node.name}: {OTHERWISE[word]}", "survey", column="appearance"))
    return refused, degraded


def _may_be_required(required: Expression | None) -> bool:
    return required is not None and required.source.strip() not in {"false()", ""}


def cycles(form: Form) -> list[Problem]:
    """Name the questions whose calculations or conditions wait for each other."""
    graph = {path: _reads(form, path) for path in form.nodes}
    for action in form.actions:
        if action.source and action.source != action.target and action.target in graph:
            graph[action.target].add(action.source)
    state: dict[str, int] = {}
    found: list[Problem] = []
    for path in graph:
        if circle := _circle(path, graph, state):
            names = ", ".join(one.rpartition("/")[2] for one in circle)
            found.append(
                Problem(f"{names.partition(',')[0]} waits for itself through {names}; break the circle", "survey")
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


def _reads(form: Form, path: str) -> set[str]:
    """Return the paths that the value or relevance of a node is computed from."""
    node = form.nodes[path]
    reads = {path.rpartition("/")[0]} & form.nodes.keys()
    itemset = node.itemset.nodeset if isinstance(node, Question) and node.itemset else None
    for expression in (node.bind.relevant, node.bind.calculate, itemset):
        if expression is not None:
            reads.update(target for target in references(expression.ast, path) if target != path)
    return reads


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
