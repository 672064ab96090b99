"""A reader with every published number and a linear program: between what bounds must a hidden one be?"""

from collections.abc import Hashable, Iterable, Mapping

import numpy
from scipy.optimize import linprog

from bot.disclosure.suppression import Cell, Sum


def bounds(shown: Mapping[Cell, int | None], sums: Iterable[Sum[Cell]], cell: Cell) -> tuple[float, float]:
    """Return the least and the most that a hidden cell can be."""
    return _bounds(shown, [[*((part, 1) for part in one.parts), (one.total, -1)] for one in sums], cell)


def bounds_of_two(
    first: Mapping[Cell, int | None], second: Mapping[Cell, int | None], sums: Iterable[Sum[Cell]], cell: Cell
) -> tuple[float, float]:
    """Return the bounds of how many more the second release counts, for a reader who knows that nobody left."""
    cells = [cell for cell in first if cell in second]
    together: dict[Hashable, int | None] = {
        **{("first", one): count for one, count in first.items()},
        **{("second", one): count for one, count in second.items()},
        **{("more", one): None for one in cells},
    }
    rows: list[list[tuple[Hashable, int]]] = [
        [*(((when, part), 1) for part in one.parts), ((when, one.total), -1)]
        for one in sums
        for when in ("first", "second")
    ]
    rows += [[(("first", one), 1), (("more", one), 1), (("second", one), -1)] for one in cells]
    return _bounds(together, rows, ("more", cell))


def _bounds(
    shown: Mapping[Hashable, int | None], rows: list[list[tuple[Hashable, int]]], cell: Hashable
) -> tuple[float, float]:
    unknown = [one for one, count in shown.items() if count is None]
    place = {one: number for number, one in enumerate(unknown)}
    matrix, right = numpy.zeros((len(rows), len(unknown))), numpy.zeros(len(rows))
    for number, row in enumerate(rows):
        for one, sign in row:
            if one in place:
                matrix[number, place[one]] += sign
            else:
                right[number] -= sign * (shown[one] or 0)
    aim = numpy.zeros(len(unknown))
    aim[place[cell]] = 1
    found = [linprog(way * aim, A_eq=matrix, b_eq=right, bounds=(0, None), method="highs") for way in (1, -1)]
    assert found[0].status == 0
    return found[0].fun, -found[1].fun if found[1].status == 0 else numpy.inf
