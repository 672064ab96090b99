"""Weighted shares beside unweighted ones: whoever works out the tables behind them finds no small number."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.disclosure.suppression import Sum
from bot.disclosure.weighted import showable
from tests.disclosure.attack import bounds, bounds_of_two

CODES, CLASSES = ("a", "b", "c", "d"), range(3)
Known = dict[tuple[str, str], int | None]
tables = st.fixed_dictionaries(
    {code: st.lists(st.sampled_from((0, 1, 4, 8, 11, 15, 30, 60)), min_size=3, max_size=3) for code in CODES}
)


def known(table: dict[str, list[int]], shown: set[str]) -> Known:
    """Return what a reader has: the tables of the shown answers, and all sums by class and by answer."""
    cells: Known = {(code, str(one)): table[code][one] if code in shown else None for code in CODES for one in CLASSES}
    answers: Known = {(code, "all"): sum(table[code]) for code in CODES}
    classes: Known = {("all", str(one)): sum(table[code][one] for code in CODES) for one in CLASSES}
    return cells | answers | classes


SUMS = [
    *(Sum(tuple((code, str(one)) for one in CLASSES), (code, "all")) for code in CODES),
    *(Sum(tuple((code, str(one)) for code in CODES), ("all", str(one))) for one in CLASSES),
]


@given(tables)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_no_small_number_behind_weighted_shares_is_recovered(table: dict[str, list[int]]) -> None:
    shown = showable(table)
    for code in CODES:
        for one in CLASSES:
            if 0 < table[code][one] < 10:
                assert code not in shown
                if shown:
                    least, most = bounds(known(table, shown), SUMS, (code, str(one)))
                    assert most - least > 9.5


@given(tables, tables)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_two_releases_do_not_tell_what_few_newcomers_answered(
    table: dict[str, list[int]], more: dict[str, list[int]]
) -> None:
    first = showable(table)
    later = {code: [count + new // 4 for count, new in zip(table[code], more[code], strict=True)] for code in CODES}
    moved = {code for code in first if any(0 < new // 4 < 10 for new in more[code])}
    second = showable(later, moved=moved, floors={code: table[code] for code in first})
    assert not second & moved
    for code in moved if second else ():
        for one in CLASSES:
            if 0 < later[code][one] - table[code][one] < 10:
                before, after = known(table, first), known(later, second)
                least, most = bounds_of_two(before, after, SUMS, (code, str(one)))
                assert most - least > 9.5


def test_one_answer_hidden_for_another_reason_takes_company() -> None:
    table = {"a": [40, 50], "b": [20, 30], "c": [60, 70]}
    assert showable(table) == {"a", "b", "c"}
    assert showable(table, closed=["b"]) == {"a", "c"}
    assert showable({"a": [40, 50], "b": [2, 30], "c": [60, 70]}) == {"c"}
    assert showable({"a": [40, 50], "b": [2, 30]}) == set()
