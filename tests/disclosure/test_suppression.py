"""An attacker with everything that was published and a linear program recovers no hidden small count."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.disclosure.suppression import FLOOR, Sum, hidden, percent, protect
from tests.disclosure.attack import bounds, bounds_of_two

Cell = tuple[str, str, str]  # origin, sex, answer; "" for all
Person = tuple[str, str, str]
LEVELS = (("LS", "MW", "MU"), ("f", "m", "x"), ("yes", "no"))
#: Two tables of the same people, which share what they say of each origin, and one of the origins and sexes of all.
SHOWN = ((0, 1), (0, 2))


def counted(people: list[Person]) -> dict[Cell, int]:
    """Count every cell of both tables with all their totals."""
    found: dict[Cell, int] = {}
    for axes in SHOWN:
        for codes in product(*(("", *LEVELS[axis]) if axis in axes else ("",) for axis in range(3))):
            cell = (codes[0], codes[1], codes[2])
            found[cell] = sum(all(code in ("", said) for code, said in zip(cell, one, strict=True)) for one in people)
    return found


def sums_of(cells: dict[Cell, int]) -> list[Sum[Cell]]:
    found = []
    for total in cells:
        for axis in range(3):
            parts = tuple((*total[:axis], code, *total[axis + 1 :]) for code in LEVELS[axis])
            if not total[axis] and all(part in cells for part in parts):
                found.append(Sum(parts, total))  # type: ignore[arg-type]
    return found


everybody = list(product(*LEVELS))
groups = st.lists(st.integers(0, 14), min_size=len(everybody), max_size=len(everybody))


def crowd(sizes: list[int]) -> list[Person]:
    return [person for person, size in zip(everybody, sizes, strict=True) for _ in range(size)]


@given(groups, st.lists(st.integers(0, 3), min_size=len(everybody), max_size=len(everybody)))
@settings(max_examples=12, deadline=None, derandomize=True)
def test_nothing_is_recovered_from_linked_tables_or_from_two_releases(sizes: list[int], more: list[int]) -> None:
    people = crowd(sizes)
    counts = counted(people)
    sums = sums_of(counts)
    shown = protect(counts, sums)
    for cell, count in counts.items():
        assert shown[cell] in (None, count)
        if 0 < count < 10:
            least, most = bounds(shown, sums, cell)
            assert most - least > 9.5, cell
    later = counted(people + crowd(more))
    visible = {cell: count for cell, count in shown.items() if count is not None}
    then = protect(later, sums, before=[visible])
    for cell, count in later.items():
        if 0 < count < 10:
            least, most = bounds(then, sums, cell)
            assert most - least > 9.5, cell
        if 0 < count - counts[cell] < 10:
            least, most = bounds_of_two(shown, then, sums, cell)
            assert most - least > 9.5, cell


def test_three_sums_that_fix_their_cells_together_are_seen_through() -> None:
    counts = {"a": 3, "b": 20, "c": 30, "ab": 23, "bc": 50, "ac": 33}
    sums = [Sum(("a", "b"), "ab"), Sum(("b", "c"), "bc"), Sum(("a", "c"), "ac")]
    shown = protect(counts, sums)
    least, most = bounds(shown, sums, "a")
    assert most - least > 9.5


def test_what_was_shown_before_hides_a_small_difference_and_nothing_else() -> None:
    counts = {"LS": 42, "MW": 80, "MU": 60, "all": 182}
    sums = [Sum(("LS", "MW", "MU"), "all")]
    assert hidden(counts, sums) == set()
    assert hidden(counts, sums, before=[{"LS": 30, "MW": 70, "MU": 50, "all": 150}]) == set()
    assert "LS" in hidden(counts, sums, before=[{"LS": 40, "MW": 70, "MU": 50, "all": 160}])


def test_an_empty_cell_is_shown_and_hides_nothing() -> None:
    counts = {"LS": 4, "MW": 0, "MU": 60, "MZ": 12, "all": 76}
    assert hidden(counts, [Sum(("LS", "MW", "MU", "MZ"), "all")]) == {"LS", "MZ"}
    assert hidden({"LS": 4, "MW": 0, "all": 4}, [Sum(("LS", "MW"), "all")]) == {"LS", "all"}


def test_no_less_than_five_may_be_published_and_no_percentage_of_few() -> None:
    with pytest.raises(ValueError, match="No count below 5"):
        hidden({"a": 3}, [], FLOOR - 1)
    assert (percent(10, 29), percent(15, 30)) == (None, 50.0)
