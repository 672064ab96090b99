"""Which counts must be open together so that one could hold more people: linear programs over sums, by HiGHS."""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from functools import cached_property
from math import log2
from typing import Generic

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, hstack

from bot.disclosure.suppression import Cell, Sum

_NOTHING = 1e-6  # less is the solver's rounding
_DEARER = 4.0  # a total costs so many times what its parts do: it is what readers want most


class Margins(Generic[Cell]):
    """Counts of people with the sums between them; `floors` are the least that readers know each to be."""

    def __init__(self, counts: Mapping[Cell, int], sums: Sequence[Sum[Cell]], floors: Mapping[Cell, int]) -> None:
        # Readers may know that nobody can be in a cell, so an empty one never makes room for others.
        self._cells = sorted((cell for cell, count in counts.items() if count), key=str)
        self._place = {cell: place for place, cell in enumerate(self._cells)}
        self._sums = [one for one in sums if any(counts[cell] for cell in one.cells)]
        self._counts = np.array([counts[cell] for cell in self._cells], dtype=float)
        self._falls = self._counts - np.array([floors[cell] for cell in self._cells], dtype=float)
        self._risen: dict[Cell, float] = {}
        self._sums_of: dict[Cell, list[int]] = defaultdict(list)
        for number, one in enumerate(self._sums):
            for cell in one.cells:
                self._sums_of[cell].append(number)

    def beside(self, cell: Cell, more: int, open_: Set[Cell]) -> set[Cell]:
        """Return what must be hidden beside the `open_` cells so that this one could hold so many people more."""
        if self._risen.get(cell, 0.0) >= more - _NOTHING:
            return set()
        beside = {each for one in self._sums_of[cell] for each in self._sums[one].cells}
        near = {number for each in beside for number in self._sums_of[each]}
        moves = self._moves(cell, more, open_, sorted(near))
        if moves is None:
            moves = self._moves(cell, more, open_, range(len(self._sums)))
        if moves is None:
            raise ValueError(f"The sums around {cell} do not fit the counts")
        for each, up in moves.items():
            self._risen[each] = max(self._risen.get(each, 0.0), up)
        return set(moves) - open_

    def _moves(self, cell: Cell, more: int, open_: Set[Cell], rows: Sequence[int]) -> dict[Cell, float] | None:
        """Return by how many people each cell differs in the cheapest case; only these sums may hold other numbers."""
        matrix = self._matrix[rows]
        inside = np.diff(matrix.tocsc().indptr)
        places = np.flatnonzero((inside > 0) & (inside == self._uses))
        here = np.searchsorted(places, self._place[cell])
        if here == len(places) or places[here] != self._place[cell]:
            return {cell: float(more)} if not self._sums_of[cell] else None
        costs = np.array([0.0 if self._cells[place] in open_ else self._costs[place] for place in places])
        part = matrix[:, places]
        lower, upper = np.zeros(2 * len(places)), np.concatenate([np.full(len(places), np.inf), self._falls[places]])
        lower[here] = upper[here] = more
        upper[len(places) + here] = 0
        solved = linprog(
            np.concatenate([costs, costs]),
            A_eq=hstack([part, -part]),
            b_eq=np.zeros(part.shape[0]),
            bounds=np.column_stack([lower, upper]),
            method="highs",
        )
        if solved.status != 0:
            return None
        moves = solved.x[: len(places)] - solved.x[len(places) :]
        return {self._cells[places[at]]: float(moves[at]) for at in np.flatnonzero(np.abs(moves) > _NOTHING)}

    @cached_property
    def _matrix(self) -> csr_array:
        """Return a row for each sum: 1 for its parts, -1 for its total; a cell that holds nobody has no column."""
        entries = [
            (row, self._place[cell], -1.0 if cell == one.total else 1.0)
            for row, one in enumerate(self._sums)
            for cell in one.cells
            if cell in self._place
        ]
        rows, columns, values = zip(*entries, strict=True) if entries else ((), (), ())
        return csr_array((values, (rows, columns)), shape=(len(self._sums), len(self._cells)))

    @cached_property
    def _uses(self) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        """Return in how many sums each cell stands."""
        found: np.ndarray[tuple[int], np.dtype[np.int64]] = np.diff(self._matrix.tocsc().indptr)
        return found

    @cached_property
    def _costs(self) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        """Return what it costs to hide each: more for more people, much more for a total."""
        height = dict.fromkeys(self._cells, 0)
        for _ in self._sums:
            before = dict(height)
            for one in self._sums:
                if one.total in height:
                    height[one.total] = max(height[one.total], *(height.get(part, 0) + 1 for part in one.parts))
            if height == before:
                break
        heights = [_DEARER ** height[cell] for cell in self._cells]
        return np.array([(1 + log2(1 + count)) * dear for count, dear in zip(self._counts, heights, strict=True)])
