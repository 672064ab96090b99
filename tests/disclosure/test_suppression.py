"""An attacker with every published sum and a linear program learns no hidden small count."""

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from bot.disclosure.suppression import FLOOR, Sum, fixed, hidden, percent
from bot.events.turnout import LEAST, MEASURES, protected

Cell = tuple[str, str]


def with_margins(table: list[list[int]]) -> tuple[dict[Cell, int], list[Sum[Cell]]]:
    """Return a table's cells with the totals of lines, of columns and of all, which are cells as any other."""
    counts = {(f"{row}", f"{column}"): n for row, line in enumerate(table) for column, n in enumerate(line)}
    rows, columns = [f"{row}" for row in range(len(table))], [f"{column}" for column in range(len(table[0]))]
    counts |= {(row, "all"): sum(counts[row, column] for column in columns) for row in rows}
    counts |= {("all", column): sum(counts[row, column] for row in rows) for column in [*columns, "all"]}
    lines = [Sum(tuple((row, column) for column in columns), (row, "all"), 10) for row in [*rows, "all"]]
    return counts, [*lines, *(Sum(tuple((row, one) for row in rows), ("all", one), 10) for one in [*columns, "all"])]


def bounds(counts: dict[Cell, int], unknown: list[Cell], sums: list[Sum[Cell]], cell: Cell) -> tuple[float, float]:
    """Return the least and the most that a hidden cell can be, by linear programming over all that is shown."""

    def sign(one: Sum[Cell], member: Cell) -> int:
        return -1 if member == one.total else int(member in one.parts)

    matrix = [[sign(one, member) for member in unknown] for one in sums]
    shown = [-sum(sign(one, member) * counts[member] for member in one.cells if member not in unknown) for one in sums]
    aim = numpy.array([float(member == cell) for member in unknown])
    found = [linprog(way * aim, A_eq=matrix, b_eq=shown, bounds=(0, None), method="highs") for way in (1, -1)]
    return found[0].fun, -found[1].fun if found[1].status == 0 else numpy.inf


tables = st.integers(2, 4).flatmap(
    lambda width: st.lists(st.lists(st.integers(0, 25), min_size=width, max_size=width), min_size=2, max_size=4)
)


@given(tables)
@settings(max_examples=30, deadline=None, derandomize=True)
def test_nothing_that_is_shown_fixes_a_small_count(table: list[list[int]]) -> None:
    counts, sums = with_margins(table)
    gone = hidden(counts, sums, 10)
    assert not any(0 < count < 10 for cell, count in counts.items() if cell not in gone)
    for cell in sorted(gone):
        if 0 < counts[cell] < 10:
            least, most = bounds(counts, sorted(gone), sums, cell)
            assert most - least > 0.5, (table, cell)


def test_a_cell_that_three_sums_fix_together_is_found() -> None:
    assert fixed({"a", "b", "c"}, [Sum(("a", "b")), Sum(("b", "c")), Sum(("a", "c"))]) == {"a", "b", "c"}
    assert fixed({"a", "b"}, [Sum(("a", "b"))]) == set()


def test_no_less_than_five_may_be_published_and_no_percentage_of_few() -> None:
    with pytest.raises(ValueError, match="No count below 5"):
        hidden({"a": 3}, [], FLOOR - 1)
    assert (percent(10, 29), percent(15, 30)) == (None, 50.0)


def test_figures_of_a_session_keep_what_a_total_and_the_places_give_away() -> None:
    rows = {code: dict.fromkeys(MEASURES, 8) | {"came": 5, "missed": 3} for code in ("LS", "MW", "MU")}
    shown = protected(rows)
    assert all(line["missed"] is None for line in shown.values())
    assert LEAST == FLOOR
