"""The table of functions that expressions may call, and how a Python function enters it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.surveys.xpath.values import Context, Run, Value, to_boolean, to_nodes, to_number, to_string

Implementation = TypeVar("Implementation", bound=Callable[..., Value])
Maker = Callable[[Sequence[Run]], Run]  # compiled arguments in, compiled call out


@dataclass(frozen=True, slots=True)
class Function:
    """A function: how many arguments it takes, and how a call of it is compiled."""

    least: int
    most: float
    make: Maker


LIBRARY: dict[str, Function] = {}

_CONVERTERS: dict[str, Callable[[Value, Context], Any]] = {
    "s": lambda value, _: to_string(value),
    "n": lambda value, context: float(to_number(value, context.env.tz)),
    "b": lambda value, _: to_boolean(value),
    "N": lambda value, _: to_nodes(value),
    "v": lambda value, _: value,
}


def lazy(name: str, least: int, most: float) -> Callable[[Maker], Maker]:
    """Register a function that evaluates its arguments itself."""

    def register(make: Maker) -> Maker:
        LIBRARY[name] = Function(least, most, make)
        return make

    return register


def function(name: str, signature: str = "") -> Callable[[Implementation], Implementation]:
    """Register a Python function of (context, *arguments).

    `signature` has a letter for each argument: s string, n number, b boolean, N node-set, v any value; those after
    "?" may be left out, the last repeats when "*" follows.
    """
    needed, _, optional = signature.replace("*", "").partition("?")
    letters = needed + optional
    most = float("inf") if signature.endswith("*") else len(letters)

    def register(implementation: Implementation) -> Implementation:
        def make(arguments: Sequence[Run]) -> Run:
            converters = [_CONVERTERS[letters[min(i, len(letters) - 1)]] for i in range(len(arguments))]
            pairs = list(zip(arguments, converters, strict=True))
            if len(pairs) == 1:
                (argument, convert), *_ = pairs
                return lambda context: implementation(context, convert(argument(context), context))
            return lambda context: implementation(context, *[convert(run(context), context) for run, convert in pairs])

        LIBRARY[name] = Function(len(needed), most, make)
        return implementation

    return register
