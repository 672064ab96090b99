"""The functions of XPath 1.0, with what OpenRosa adds to them."""

import math

from bot.surveys.xpath.library import function
from bot.surveys.xpath.nodes import Element
from bot.surveys.xpath.values import Context, EvaluationError, Value, strings, to_boolean, to_number, to_string, words


def _own(context: Context, value: Value | None) -> Value:
    return [context.node] if value is None else value


@function("true")
def _true(_: Context) -> bool:
    return True


@function("false")
def _false(_: Context) -> bool:
    return False


@function("boolean", "v")
def _boolean(_: Context, value: Value) -> bool:
    return to_boolean(value)


@function("not", "b")
def _not(_: Context, value: bool) -> bool:
    return not value


@function("string", "?v")
def _string(context: Context, value: Value | None = None) -> str:
    return to_string(_own(context, value))


@function("number", "?v")
def _number(context: Context, value: Value | None = None) -> float:
    return to_number(_own(context, value), context.env.tz)


@function("count", "N")
def _count(_: Context, nodes: list[Element]) -> float:
    return float(len(nodes))


@function("sum", "N")
def _sum(context: Context, nodes: list[Element]) -> float:
    return float(sum(to_number(node.string(), context.env.tz) for node in nodes))


@function("floor", "n")
def _floor(_: Context, number: float) -> float:
    return float(math.floor(number)) if math.isfinite(number) else number


@function("ceiling", "n")
@function("ceil", "n")
def _ceiling(_: Context, number: float) -> float:
    return float(math.ceil(number)) if math.isfinite(number) else number


@function("round", "n?n")
def round_half_up(_: Context, number: float, places: float = 0.0) -> float:
    """Round as XPath does (a half goes up, so -1.5 is -1), to a number of decimal places."""
    if not math.isfinite(number):
        return number
    if not math.isfinite(places):
        return math.nan
    factor = 10.0 ** abs(int(places))
    if places < 0:
        return math.floor(number / factor + 0.5) * factor
    return math.floor(number * factor + 0.5) / factor


@function("last")
def _last(context: Context) -> float:
    return float(context.size)


@function("position", "?N")
def _position(context: Context, nodes: list[Element] | None = None) -> float:
    if nodes is None:
        return float(context.position)
    if len(nodes) > 1:
        raise EvaluationError("position() takes one node")
    if not nodes:
        return math.nan
    node = nodes[0]
    same = node.parent.named(node.name) if node.parent else [node]
    return float(next((i for i, other in enumerate(same, 1) if other is node), len(same) + 1))


@function("name", "?N")
def _name(context: Context, nodes: list[Element] | None = None) -> str:
    found = [context.node] if nodes is None else nodes
    return found[0].name.removeprefix("@") if found else ""


@function("local-name", "?N")
def _local_name(context: Context, nodes: list[Element] | None = None) -> str:
    return _name(context, nodes).rpartition(":")[2]


@function("namespace-uri", "?N")
def _namespace_uri(_: Context, _nodes: list[Element] | None = None) -> str:
    return ""  # instance data has no namespace of its own


@function("id", "v")
def _id(context: Context, value: Value) -> Value:
    wanted = {word for text in strings(value) for word in text.split()}
    return [node for node in context.env.root.walk() if node.attributes.get("id") in wanted]


@function("lang", "s")
def _lang(context: Context, language: str) -> bool:
    node: Element | None = context.node
    while node is not None:
        if found := node.attributes.get("xml:lang"):
            return found.lower() == language.lower() or found.lower().startswith(f"{language.lower()}-")
        node = node.parent
    return False


@function("concat", "?v*")
def _concat(_: Context, *values: Value) -> str:
    return "".join(text for value in values for text in strings(value))


@function("contains", "ss")
def _contains(_: Context, text: str, part: str) -> bool:
    return part in text


@function("starts-with", "ss")
def _starts_with(_: Context, text: str, part: str) -> bool:
    return text.startswith(part)


@function("ends-with", "ss")
def _ends_with(_: Context, text: str, part: str) -> bool:
    return text.endswith(part)


@function("substring-before", "ss")
def _substring_before(_: Context, text: str, part: str) -> str:
    return text[: text.find(part)] if part in text else ""


@function("substring-after", "ss")
def _substring_after(_: Context, text: str, part: str) -> str:
    return text[text.find(part) + len(part) :] if part in text else ""


@function("substring", "sn?n")
def _substring(context: Context, text: str, start: float, length: float | None = None) -> str:
    first = round_half_up(context, start)
    end = math.inf if length is None else first + round_half_up(context, length)
    return "".join(letter for i, letter in enumerate(text, 1) if first <= i < end)


@function("string-length", "?s")
def _string_length(context: Context, text: str | None = None) -> float:
    return float(len(context.node.string() if text is None else text))


@function("normalize-space", "?s")
def _normalize_space(context: Context, text: str | None = None) -> str:
    return " ".join(words(context.node.string() if text is None else text))


@function("translate", "sss")
def _translate(_: Context, text: str, old: str, new: str) -> str:
    table: dict[int, str | None] = {}
    for i, letter in enumerate(old):
        table.setdefault(ord(letter), new[i] if i < len(new) else None)
    return text.translate(table)
