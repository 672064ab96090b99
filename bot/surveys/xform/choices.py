"""The options of selects: written out, or taken from a list by an expression."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.surveys.form import Choice, Itemset, Text
from bot.surveys.xform.texts import Texts
from bot.surveys.xpath.compiler import Expression, compile_expression
from bot.surveys.xpath.grammar import Ast, Call, Literal, Path
from bot.surveys.xpath.nodes import Element

Compile = Callable[[str | None, str, str], Expression | None]
_NO_VALUE = compile_expression("''")


class Choices:
    """Read the options of one form; questions that take them from the same list share them."""

    def __init__(self, instances: Mapping[str, Element], texts: Texts, compile_source: Compile) -> None:
        self._instances, self._texts, self._compile = instances, texts, compile_source
        self._lists: dict[tuple[str, str, str], dict[Element, Choice]] = {}

    def read(self, control: Any, name: str) -> tuple[Itemset | None, tuple[Choice, ...]]:
        """Return how a select computes its options, and all that it may ever offer."""
        itemset = control.find("{*}itemset")
        if itemset is None:
            return None, tuple(self._written(item) for item in control.findall("{*}item"))
        nodeset = self._compile(itemset.get("nodeset") or itemset.get("ref"), "choice_filter", name)
        value, label = itemset.find("{*}value"), itemset.find("{*}label")
        value_ref = (value.get("ref") or "").strip() if value is not None else ""
        label_ref = (label.get("ref") or "").strip() if label is not None else value_ref
        if nodeset is None or not value_ref:
            return None, ()
        known = self._known(nodeset.ast, value_ref, label_ref)
        compiled = Itemset(
            nodeset,
            self._compile(value_ref, "choice_filter", name) or _NO_VALUE,
            self._compile(label_ref, "choice_filter", name),
            known,
            fixed=bool(known) and _is_fixed(nodeset.ast),
        )
        return compiled, tuple({choice.value: choice for choice in known.values()}.values())

    def _written(self, item: Any) -> Choice:
        value = item.findtext("{*}value") or ""
        label = item.find("{*}label")
        return Choice(value, self._texts.everywhere((value,)) if label is None else self._texts.element(label))

    def _known(self, ast: Ast, value: str, label: str) -> dict[Element, Choice]:
        """Return the choices of the list that an expression takes its nodes from; none if it takes them elsewhere."""
        while isinstance(ast, Call) and ast.name == "randomize":
            ast = ast.arguments[0]
        match ast:
            case Path(start=Call(name="instance", arguments=(Literal(value=str(name)),)), steps=steps):
                key = (name, value, label)
                if key not in self._lists:
                    self._lists[key] = self._list(name, [step.test for step in steps], value, label)
                return self._lists[key]
        return {}

    def _list(self, name: str, steps: list[str], value: str, label: str) -> dict[Element, Choice]:
        nodes: Sequence[Element] = [self._instances[name]] if name in self._instances else []
        for step in steps:
            nodes = [child for node in nodes for child in node.named(step)]
        column = label.removeprefix("jr:itext(").removesuffix(")").strip() if label.startswith("jr:itext(") else label
        known = {}
        for node in nodes:
            cells = {child.name: child.string() for child in node.children}
            known[node] = Choice(cells.get(value, ""), self._label(cells, column, is_key=column != label), cells)
        return known

    def _label(self, cells: Mapping[str, str], column: str, *, is_key: bool) -> Text:
        if is_key:
            return self._texts.itext.get(cells.get(column, ""), {})
        return self._texts.everywhere((cells.get(column, ""),))


def _is_fixed(ast: Ast) -> bool:
    return isinstance(ast, Path) and not any(step.predicates for step in ast.steps)
