"""What a broadcast costs, about, on a channel that takes money: for each message, and more for each template."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

#: The price of any message; what a template costs beside it stands under its category.
EACH = "each"


class Priced(Protocol):
    """People who get it in the same form; None: not before they write, which nobody can foretell."""

    @property
    def count(self) -> int: ...
    @property
    def channel(self) -> str: ...
    @property
    def form(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Cost:
    """Messages that cost money, how many of them are templates, and US dollars: the least, if a price is missing."""

    messages: int
    templates: int
    dollars: float
    is_whole: bool


def estimate(
    lines: Iterable[Priced], charged: Iterable[str], prices: Mapping[str, float], category: str | None
) -> Cost | None:
    """Return what these lines cost on the channels that are `charged`; None when nothing goes there."""
    channels = set(charged)
    paid = [line for line in lines if line.form and line.channel in channels]
    messages = sum(line.count for line in paid)
    templates = sum(line.count for line in paid if line.form == "template")
    if not messages:
        return None
    dollars = messages * prices.get(EACH, 0) + templates * prices.get(category or "", 0)
    known = EACH in prices and (not templates or category in prices)
    return Cost(messages, templates, round(dollars, 2), known)
