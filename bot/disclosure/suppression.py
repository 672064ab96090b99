"""Hide small counts, and beside them as many others as it takes that nobody can work one out.

A small count is safe when what is shown leaves room for `THRESHOLD` people more in it, whatever a reader adds and
subtracts. A linear program finds, for each, the cheapest set of cells that could all be otherwise together, and those
are hidden: so the proof that a count cannot be worked out is made along with the choice. There always is such a set,
since that many more people like the one counted would change only counts that somebody is in.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

#: The least that any publication may show; what is published by default shows more.
FLOOR, THRESHOLD = 5, 10
#: Percentages of fewer people than this say more than is known.
LEAST_BASE = 30
Cell = TypeVar("Cell", bound=Hashable)


@dataclass(frozen=True)
class Sum(Generic[Cell]):
    """Cells that add up to another one, as readers know."""

    parts: tuple[Cell, ...]
    total: Cell

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Return the parts, and the cell that says their sum."""
        return (*self.parts, self.total)


def protect(
    counts: Mapping[Cell, int],
    sums: Iterable[Sum[Cell]],
    least: int = THRESHOLD,
    before: Iterable[Mapping[Cell, int]] = (),
) -> dict[Cell, int | None]:
    """Return the counts as they may be published, None where one is hidden; the arguments are `hidden`'s."""
    gone = hidden(counts, sums, least, before)
    return {cell: None if cell in gone else count for cell, count in counts.items()}


def hidden(
    counts: Mapping[Cell, int],
    sums: Iterable[Sum[Cell]],
    least: int = THRESHOLD,
    before: Iterable[Mapping[Cell, int]] = (),
) -> set[Cell]:
    """Return the cells to hide: those that hold 1 to below `least` people, and what would give one away.

    Everything published together goes in together, each cell once however many tables show it. `before` are the
    counts that earlier publications showed: a cell that differs from one by fewer than `least` is hidden too, since
    both together would say how few came or went.
    """
    if least < FLOOR:
        raise ValueError(f"No count below {FLOOR} may be published")
    earlier = list(before)
    small = {cell for cell, count in counts.items() if 0 < count < least}
    moved = {
        cell
        for shown in earlier
        for cell, count in shown.items()
        if cell in counts and counts[cell] and 0 < abs(counts[cell] - count) < least
    }
    found = small | moved
    if not found:
        return found
    from bot.disclosure.margins import Margins  # loads the solver

    floors = {
        cell: max((shown[cell] for shown in earlier if shown.get(cell, 0) <= counts[cell] and cell in shown), default=0)
        for cell in counts
    }
    margins = Margins(counts, list(sums), floors)
    for cell in sorted(found, key=lambda cell: (counts[cell], str(cell))):
        found |= margins.beside(cell, least, found)
    return found


def percent(part: int, base: int) -> float | None:
    """Return a percentage; None where so few people give one."""
    return 100 * part / base if base >= LEAST_BASE else None
