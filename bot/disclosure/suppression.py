"""Hide small counts, and beside them as many others as it takes that no published sum gives one away.

A cell is given away when the sums that readers know fix it, by subtraction in any number of steps, or when the hidden
cells of a sum hold too few people in all.
"""

from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, TypeVar

#: The least that any publication may show; what is published by default shows more.
FLOOR, THRESHOLD = 5, 10
#: Percentages of fewer people than this say more than is known.
LEAST_BASE = 30
Cell = TypeVar("Cell", bound=Hashable)


@dataclass(frozen=True)
class Sum(Generic[Cell]):
    """Cells of which readers know the sum; `total` is the cell that says it, None when it is published itself."""

    parts: tuple[Cell, ...]
    total: Cell | None = None
    together: int = 0  #: how many people its hidden cells must hold at least

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Return the parts, and the cell that says their sum."""
        return self.parts if self.total is None else (*self.parts, self.total)


def hidden(counts: Mapping[Cell, int], sums: Iterable[Sum[Cell]], least: int = THRESHOLD) -> set[Cell]:
    """Return the cells to hide: every count from 1 to below `least`, and what would give one away."""
    if least < FLOOR:
        raise ValueError(f"No count below {FLOOR} may be published")
    known = list(sums)
    found = {cell for cell, count in counts.items() if 0 < count < least}
    before = -1
    while len(found) != before:
        before = len(found)
        for one in known:
            _hide_beside(counts, found, one)
        if len(found) == before:
            _hide_against(counts, found, known, least)
    return found


def percent(part: int, base: int) -> float | None:
    """Return a percentage; None where so few people give one."""
    return 100 * part / base if base >= LEAST_BASE else None


def _order(counts: Mapping[Cell, int], cells: Iterable[Cell]) -> list[Cell]:
    """Return the smallest first, the empty ones last: those say least about how few the others are."""
    return sorted(cells, key=lambda cell: (counts[cell] or 10**9, str(cell)))


def _hide_beside(counts: Mapping[Cell, int], found: set[Cell], one: Sum[Cell]) -> None:
    """Hide more of a sum until two are hidden, which hold at least so many people."""
    inside = [cell for cell in one.cells if cell in found]
    order = _order(counts, set(one.cells) - found)
    while inside and order and (len(inside) < 2 or sum(counts[cell] for cell in inside) < one.together):
        inside.append(order.pop(0))
    found.update(inside)


def _hide_against(counts: Mapping[Cell, int], found: set[Cell], sums: list[Sum[Cell]], least: int) -> None:
    """Hide one more cell beside a small one that several sums together fix."""
    for cell in sorted(fixed(found, sums), key=str):
        if 0 < counts[cell] < least:
            beside = {other for one in sums if cell in one.cells for other in one.cells} - found
            found.update(_order(counts, beside)[:1])
            return


def fixed(unknown: Collection[Cell], sums: Iterable[Sum[Cell]]) -> set[Cell]:
    """Return which of the unknown cells the sums determine, by elimination without rounding."""
    done: dict[Cell, dict[Cell, Fraction]] = {}
    for one in sums:
        row = {cell: Fraction(-1 if cell == one.total else 1) for cell in one.cells if cell in unknown}
        for pivot, other in done.items():
            row = _minus(row, other, row.get(pivot, Fraction(0)))
        if row:
            first = min(row, key=str)
            unit = {cell: value / row[first] for cell, value in row.items()}
            done = {pivot: _minus(other, unit, other.get(first, Fraction(0))) for pivot, other in done.items()}
            done[first] = unit
    return {pivot for pivot, row in done.items() if len(row) == 1}


def _minus(row: dict[Cell, Fraction], other: dict[Cell, Fraction], times: Fraction) -> dict[Cell, Fraction]:
    if not times:
        return row
    found = {cell: row.get(cell, Fraction(0)) - times * other.get(cell, Fraction(0)) for cell in {**row, **other}}
    return {cell: value for cell, value in found.items() if value}
