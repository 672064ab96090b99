"""OpenRosa's functions on numbers, node-sets and places on the earth."""

import hashlib
import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from bot.surveys.xpath.library import function, lazy
from bot.surveys.xpath.nodes import Element
from bot.surveys.xpath.values import Context, Run, Value, strings, to_nodes, to_number, to_string

_EARTH_METRES = 6378100.0


def _guarded(compute: Callable[..., float]) -> Callable[..., float]:
    def guarded(_: Context, *numbers: float) -> float:
        if any(map(math.isnan, numbers)):
            return math.nan
        try:
            return float(compute(*numbers))
        except OverflowError:
            return math.inf
        except ValueError:
            return math.nan

    return guarded


def _log(number: float) -> float:
    return -math.inf if number == 0 else math.log(number)


def _log10(number: float) -> float:
    return -math.inf if number == 0 else math.log10(number)


def _power(base: float, exponent: float) -> float:
    if base == 0 and exponent < 0:
        return math.inf
    return math.nan if abs(base) == 1 and math.isinf(exponent) else math.pow(base, exponent)


for _name, _compute in {
    "abs": math.fabs, "sqrt": math.sqrt, "exp": math.exp, "exp10": lambda x: math.pow(10, x), "log": _log,
    "log10": _log10, "sin": math.sin, "cos": math.cos, "tan": math.tan, "asin": math.asin, "acos": math.acos,
    "atan": math.atan,
}.items():  # fmt: skip
    function(_name, "n")(_guarded(_compute))
function("atan2", "nn")(_guarded(math.atan2))
function("pow", "nn")(_guarded(_power))
function("pi")(_guarded(lambda: math.pi))


@function("max", "?v*")
def _max(context: Context, *values: Value) -> float:
    return _extreme(max, context, values)


@function("min", "?v*")
def _min(context: Context, *values: Value) -> float:
    return _extreme(min, context, values)


def _extreme(pick: Callable[[list[float]], float], context: Context, values: Sequence[Value]) -> float:
    numbers: list[float] = []
    for value in values:
        items: list[Value] = list(strings(value)) if type(value) is list else [value]
        numbers += [float(to_number(item, context.env.tz)) for item in items]
    return math.nan if not numbers or any(map(math.isnan, numbers)) else pick(numbers)


@function("count-non-empty", "N")
def _count_non_empty(_: Context, nodes: list[Element]) -> float:
    return float(sum(node.string() != "" for node in nodes))


@lazy("indexed-repeat", 3, 7)
def _indexed_repeat(arguments: Sequence[Run]) -> Run:
    target, *rest = arguments
    pairs = list(zip(rest[::2], rest[1::2], strict=True))

    def run(context: Context) -> Value:
        chosen: list[Element] = []
        repeats = [(to_nodes(repeat(context)), to_number(index(context), context.env.tz)) for repeat, index in pairs]
        for nodes, position in sorted(repeats, key=lambda pair: _depth(pair[0])):  # in whatever order they are given
            inside = [node for node in nodes if all(_within(node, outer) for outer in chosen)]
            if not 1 <= position <= len(inside):
                return []
            chosen.append(inside[int(position) - 1])
        return [node for node in to_nodes(target(context)) if all(_within(node, outer) for outer in chosen)]

    return run


def _depth(nodes: list[Element]) -> int:
    depth, node = 0, nodes[0] if nodes else None
    while node is not None:
        depth, node = depth + 1, node.parent
    return depth


def _within(node: Element | None, outer: Element) -> bool:
    while node is not None:
        if node is outer:
            return True
        node = node.parent
    return False


@lazy("randomize", 1, 2)
def _randomize(arguments: Sequence[Run]) -> Run:
    nodeset, *seeds = arguments

    def run(context: Context) -> Value:
        nodes = to_nodes(nodeset(context))
        if seeds:
            return shuffled(nodes, _seed(seeds[0](context), context))
        return shuffled(nodes, int(context.env.draw(context.current) * 2**31))

    return run


def _seed(value: Value, context: Context) -> int:
    number = to_number(value, context.env.tz)
    if math.isnan(number):
        text = to_string(value)
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big", signed=True) if text else 0
    if math.isinf(number):
        return 2**63 - 1 if number > 0 else -(2**63)
    return math.trunc(number)


def shuffled(nodes: list[Element], seed: int) -> list[Element]:
    """Return the nodes in the order that every ODK engine gives for `seed` (Park and Miller's generator)."""
    limit = 2**31 - 1
    state = abs(seed) % limit * (-1 if seed < 0 else 1)
    if state <= 0:
        state += limit - 1
    result: list[Element] = []
    for i, node in enumerate(nodes):
        state = state * 16807 % limit
        j = int((state - 1) / (limit - 1) * (i + 1))
        result.append(node)
        if j != i:
            result[i], result[j] = result[j], node
    return result


Point = tuple[float, float]


def _points(values: Sequence[Value]) -> list[Point] | None:
    texts = [text for value in values for text in strings(value)]
    if len(texts) == 1:
        texts = texts[0].strip().rstrip("; ").split(";")
    points = [_point(text) for text in texts]
    return [point for point in points if point] if len(points) > 1 and None not in points else None


def _point(text: str) -> Point | None:
    try:
        parts = [float(part) for part in text.split()]
    except ValueError:
        return None
    if not 2 <= len(parts) <= 4 or abs(parts[0]) > 90 or abs(parts[1]) > 180:
        return None
    return math.radians(parts[0]), math.radians(parts[1])


def _centimetres(metres: float) -> float:
    return math.floor(abs(metres) * 100 + 0.5) / 100


@function("distance", "v?v*")
def _distance(_: Context, *values: Value) -> float:
    points = _points(values)
    if points is None:
        return math.nan
    return _centimetres(sum(_arc(a, b) for a, b in pairwise(points)))


def _arc(a: Point, b: Point) -> float:
    cosine = math.sin(a[0]) * math.sin(b[0]) + math.cos(a[0]) * math.cos(b[0]) * math.cos(a[1] - b[1])
    return math.acos(max(-1.0, min(1.0, cosine))) * _EARTH_METRES


@function("area", "v")
@function("enclosed-area", "v")
def _area(_: Context, value: Value) -> float:
    points = _points([value])
    if points is None or len(points) < 3:
        return 0.0
    if points[0] != points[-1]:
        points.append(points[0])
    total = sum((b[1] - a[1]) * (2 + math.sin(b[0]) + math.sin(a[0])) for a, b in pairwise(points))
    return _centimetres(total * _EARTH_METRES**2 / 2)


@function("geofence", "ss")
def _geofence(_: Context, place: str, shape: str) -> bool:
    point, ring = _point(place), _points([shape])
    if point is None or ring is None or ring[0] != ring[-1]:
        return False
    y, x = point
    inside = False
    for a, b in pairwise(ring):
        if (b[0] > y) != (a[0] > y) and x < (a[1] - b[1]) * (y - b[0]) / (a[0] - b[0]) + b[1]:
            inside = not inside
    return inside
