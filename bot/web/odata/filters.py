"""`$filter`: an expression of the OData standard as a test of one row.

A comparison knows null as OData does: `eq` and `ne` compare with it, all others give null, and only true lets a row in.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from operator import ge, gt, le, lt
from typing import Any, NamedTuple

from bot.feeds.reading import Row
from bot.feeds.shapes import Edm, EntitySet
from bot.web.odata.problems import Refused

Value = Callable[[Row], Any]
LONGEST = 4000  #: characters
_DEEPEST = 40

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<day>\d{4}-\d\d-\d\d)(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d))?"
    r"|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)|(?P<sign>[(),]))",
    re.ASCII,
)
_COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {"lt": lt, "le": le, "gt": gt, "ge": ge}
_SENSIBLE = "Compare a column with a value, as in origin eq 'LS' and age ge 18 (docs/analysts.md)"


class Operand(NamedTuple):
    """Something with a value, and its type: a column, a literal, what a function gives; None: null."""

    type: Edm | None
    value: Value


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise Refused(f"$filter: there is no day {text}: write it as 2026-01-31") from None


def _null_aware(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *values: None if any(value is None for value in values) else function(*values)


S, N, B, D = Edm.STRING, Edm.INTEGER, Edm.BOOLEAN, Edm.DATE
_FUNCTIONS: Mapping[str, tuple[tuple[Edm, ...], Edm, Callable[..., Any]]] = {
    "contains": ((S, S), B, lambda text, part: part in text),
    "startswith": ((S, S), B, lambda text, part: text.startswith(part)),
    "endswith": ((S, S), B, lambda text, part: text.endswith(part)),
    "tolower": ((S,), S, str.lower),
    "toupper": ((S,), S, str.upper),
    "trim": ((S,), S, str.strip),
    "length": ((S,), N, len),
    "year": ((D,), N, lambda day: int(day[:4])),
    "month": ((D,), N, lambda day: int(day[5:7])),
    "day": ((D,), N, lambda day: int(day[8:])),
}
_NUMBERS = {Edm.INTEGER, Edm.DECIMAL}


def compiled(text: str, entity_set: EntitySet) -> Callable[[Row], bool]:
    """Return the test that a filter describes; raise Refused with the cure when it describes none."""
    if len(text) > LONGEST:
        raise Refused(f"$filter may have {LONGEST} characters: ask for more rows and choose among them yourself")
    parser = _Parser(text, entity_set)
    test = parser.whole()
    return lambda row: test(row) is True


class _Parser:
    def __init__(self, text: str, entity_set: EntitySet) -> None:
        self._set = entity_set
        self._tokens = list(_tokens(text))
        self._at, self._depth = 0, 0

    def whole(self) -> Value:
        found = self._truth(self._either())
        if self._at < len(self._tokens):
            raise Refused(f"$filter: {self._tokens[self._at][1]} is one too many. {_SENSIBLE}")
        return found

    def _either(self) -> Operand:
        return self._joined("or", self._both, decides=True)

    def _both(self) -> Operand:
        return self._joined("and", self._denied, decides=False)

    def _joined(self, word: str, part: Callable[[], Operand], decides: bool) -> Operand:
        found = part()
        if not self._is_next(word):
            return found
        tests = [self._truth(found)]
        while self._takes(word):
            tests.append(self._truth(part()))
        return _joined(tests, decides)

    def _denied(self) -> Operand:
        denials = 0
        while self._takes("not"):
            denials += 1
        found = self._comparison()
        if not denials:
            return found
        test = self._truth(found)
        return Operand(B, _not(test) if denials % 2 else test)

    def _comparison(self) -> Operand:
        left = self._operand()
        if self._takes("in"):
            return self._among(left)
        for operator in ("eq", "ne", *_COMPARED):
            if self._takes(operator):
                return _compared(operator, left, self._operand())
        return left

    def _among(self, left: Operand) -> Operand:
        self._must("(")
        listed = [self._operand()]
        while self._takes(","):
            listed.append(self._operand())
        self._must(")")
        return _joined([_compared("eq", left, other).value for other in listed], decides=True)

    def _operand(self) -> Operand:
        """Read what stands for a value; brackets in one another are as deep as we go."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Refused(f"$filter has more than {_DEEPEST} brackets in one another: make it simpler")
        found = self._value()
        self._depth -= 1
        return found

    def _value(self) -> Operand:
        kind, text = self._next()
        if kind == "sign" and text == "(":
            found = self._either()
            self._must(")")
            return found
        if kind == "text":
            return _literal(S, text[1:-1].replace("''", "'"))
        if kind == "day":
            return _literal(D, _day(text))
        if kind == "number":
            return _literal(N, int(text)) if text.lstrip("-").isdecimal() else _literal(Edm.DECIMAL, float(text))
        if text in ("true", "false"):
            return _literal(B, text == "true")
        if text == "null":
            return Operand(None, lambda _: None)
        if kind == "name" and self._takes("("):
            return self._call(text)
        if text in self._set.places:
            place = self._set.places[text]
            return Operand(self._set.columns[place].type, lambda row: row[place])
        raise Refused(f"$filter: {self._set.name} has no column {text[:60]}: $metadata lists them. {_SENSIBLE}")

    def _call(self, name: str) -> Operand:
        if name not in _FUNCTIONS:
            raise Refused(f"$filter: there is no function {name[:60]}: use one of {', '.join(_FUNCTIONS)}")
        takes, gives, function = _FUNCTIONS[name]
        given = [self._operand()]
        while self._takes(","):
            given.append(self._operand())
        self._must(")")
        fits = all(has.type in (wanted, None) for has, wanted in zip(given, takes, strict=False))
        if len(given) != len(takes) or not fits:
            raise Refused(f"$filter: {name} takes {' and '.join(map(_said, takes))}")
        aware, values = _null_aware(function), [each.value for each in given]
        return Operand(gives, lambda row: aware(*(value(row) for value in values)))

    def _truth(self, found: Operand) -> Value:
        if found.type not in (B, None):
            raise Refused(f"$filter: {_said(found.type)} is neither true nor false. {_SENSIBLE}")
        return found.value

    def _next(self) -> tuple[str, str]:
        if self._at == len(self._tokens):
            raise Refused(f"$filter ends too early. {_SENSIBLE}")
        self._at += 1
        return self._tokens[self._at - 1]

    def _takes(self, text: str) -> bool:
        there = self._is_next(text)
        self._at += there
        return there

    def _is_next(self, text: str) -> bool:
        return self._at < len(self._tokens) and self._tokens[self._at] in (("name", text), ("sign", text))

    def _must(self, text: str) -> None:
        if not self._takes(text):
            raise Refused(f"$filter: a {text} is missing. {_SENSIBLE}")


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    place, text = 0, text.rstrip()
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise Refused(f"$filter cannot be read from character {place + 1} on. {_SENSIBLE}")
        place = found.end()
        assert found.lastgroup  # noqa: S101 - one of the groups has matched
        yield found.lastgroup, found[found.lastgroup]


def _literal(kind: Edm, value: Any) -> Operand:
    return Operand(kind, lambda _: value)


def _said(kind: Edm | None) -> str:
    words = {S: "a text in '...'", N: "a number", Edm.DECIMAL: "a number", D: "a day as 2026-01-31", B: "true or false"}
    return words[kind] if kind else "null"


def _compared(operator: str, left: Operand, right: Operand) -> Operand:
    kinds = {kind for kind in (left.type, right.type) if kind is not None}
    if len(kinds) > 1 and not kinds <= _NUMBERS:
        raise Refused(f"$filter: {_said(left.type)} and {_said(right.type)} cannot be compared")
    one, other = left.value, right.value
    if operator == "eq":
        return Operand(B, lambda row: one(row) == other(row))
    if operator == "ne":
        return Operand(B, lambda row: one(row) != other(row))
    compare = _COMPARED[operator]

    def test(row: Row) -> bool | None:
        a, b = one(row), other(row)
        return None if a is None or b is None else bool(compare(a, b))

    return Operand(B, test)


def _joined(tests: Sequence[Value], decides: bool) -> Operand:
    """Return "or" where True decides, "and" where False does; what is null leaves the others to decide."""

    def test(row: Row) -> bool | None:
        open_ = False
        for each in tests:
            found: bool | None = each(row)
            if found is decides:
                return decides
            open_ = open_ or found is None
        return None if open_ else not decides

    return Operand(B, test)


def _not(test: Value) -> Value:
    def denied(row: Row) -> bool | None:
        found: bool | None = test(row)
        return None if found is None else not found

    return denied
