"""What a broadcast costs, before it is sent."""

from dataclasses import dataclass

import pytest

from bot.broadcasts import price


@dataclass(frozen=True)
class People:
    count: int
    channel: str
    form: str | None


LINES = (People(100, "telegram", "text"), People(30, "whatsapp", "text"), People(10, "whatsapp", "template"))


@pytest.mark.parametrize(
    ("prices", "dollars", "is_whole"),
    [({"each": 0.005, "marketing": 0.05}, 0.7, True), ({"each": 0.005}, 0.2, False), ({}, 0, False)],
)
def test_the_sum_says_whether_a_price_is_missing(prices: dict[str, float], dollars: float, is_whole: bool) -> None:
    assert price.estimate(LINES, ["whatsapp"], prices, "marketing") == price.Cost(40, 10, dollars, is_whole)


def test_what_goes_nowhere_or_free_of_charge_costs_nothing() -> None:
    assert price.estimate([People(5, "whatsapp", None), LINES[0]], ["whatsapp"], {"each": 1}, None) is None
