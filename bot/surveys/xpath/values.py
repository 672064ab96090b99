"""Values of expressions, and XPath's conversions between them as OpenRosa bends them."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Protocol

from bot.surveys.xpath import dates
from bot.surveys.xpath.dates import Moment
from bot.surveys.xpath.nodes import Element

Value = str | float | bool | list[Element]


class EvaluationError(Exception):
    """Say why an expression has no value: a wrong kind of argument, a thing that is not there; `place` is its node."""

    def __init__(self, message: str, place: str = "") -> None:
        super().__init__(message)
        self.place = place


class Environment(Protocol):
    """What an expression may know besides its node; the engine's session is one."""

    now: datetime
    tz: tzinfo
    root: Element

    def instance(self, name: str) -> Element | None:
        """Return the secondary instance called `name`."""

    def itext(self, key: str, context: Element) -> str:
        """Return the text called `key` in the current language."""

    def choice_name(self, node: Element, value: str) -> str:
        """Return the label of the choice `value` of the question at `node`."""

    def draw(self, context: Element) -> float:
        """Return a random number in [0, 1), the same in the same run and place."""


@dataclass(slots=True)
class Context:
    """Where an expression is evaluated. `current` stays the outermost node, inside predicates too."""

    env: Environment
    node: Element
    current: Element = field(init=False)
    position: int = 1
    size: int = 1

    def __post_init__(self) -> None:
        self.current = self.node


Run = Callable[[Context], Value]

_SPACE = re.compile(r"[ \t\r\n]+")
_NUMBER = re.compile(r"[ \t\r\n]*-?(\d+(\.\d*)?|\.\d+)[ \t\r\n]*\Z")


_EXACT = 2.0**53  # above it not every whole number is one of ours: only digits that tell them apart are written


def number_text(number: float) -> str:
    """Write a number as XPath does, never with an exponent; not-a-number is empty in OpenRosa."""
    if type(number) is Moment:
        return number.text
    if math.isnan(number):
        return ""
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    if number == int(number) and abs(number) < _EXACT:
        return str(int(number))
    text = repr(number)
    return (f"{Decimal(text):f}" if "e" in text else text).removesuffix(".0")


def parse_number(text: str, tz: tzinfo) -> float:
    """Read a number; a date counts as its days since 1970, a dateTime with the fraction."""
    if _NUMBER.match(text):
        return float(text)
    moment = dates.parse(text, tz)
    return math.nan if moment is None else float(moment)


def to_string(value: Value) -> str:
    """Convert as string() does."""
    kind = type(value)
    if kind is str:
        return value  # type: ignore[return-value]
    if kind is list:
        return value[0].string() if value else ""  # type: ignore[index, union-attr]
    if kind is bool:
        return "true" if value else "false"
    return number_text(value)  # type: ignore[arg-type]


def to_number(value: Value, tz: tzinfo) -> float:
    """Convert as number() does."""
    kind = type(value)
    if kind is float or kind is Moment:
        return value  # type: ignore[return-value]
    if kind is bool:
        return 1.0 if value else 0.0
    return parse_number(to_string(value), tz)


def to_boolean(value: Value) -> bool:
    """Convert as boolean() does: a node-set is true when it has a node."""
    kind = type(value)
    if kind is bool:
        return value  # type: ignore[return-value]
    if kind is float:
        return bool(value) and not math.isnan(value)  # type: ignore[arg-type]
    return bool(value) if kind is not Moment else not math.isnan(value)  # type: ignore[arg-type]


def to_nodes(value: Value) -> list[Element]:
    """Return a node-set, or refuse any other value."""
    if type(value) is list:
        return value
    raise EvaluationError("a node-set is needed here")


def words(text: str) -> list[str]:
    """Return what stands between white space, which in XML is blanks, tabs and ends of lines only."""
    return _SPACE.sub(" ", text).strip(" ").split(" ") if text.strip(" \t\r\n") else []


def strings(value: Value) -> list[str]:
    """Return the strings of all nodes of a node-set, or the one string of another value."""
    return [node.string() for node in value] if type(value) is list else [to_string(value)]
