"""What may be published of the numbers: every cell goes through here."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.disclosure.suppression import LEAST_BASE, THRESHOLD, percent
from bot.exports.options import Target
from bot.reports.counting import ANSWERED, RESPONDENTS, SILENT, Asked, Cell
from bot.reports.plan import Figure
from bot.reports.weights import Weighted


@dataclass(frozen=True)
class Published:
    """Numbers by cell as they may be read, None where one is hidden; and medians, which show only with their base."""

    figures: Mapping[Cell, int | None]
    medians: Mapping[Cell, float]
    weighted: Weighted | None = None
    targets: tuple[Target, ...] = ()  #: what is declared, also while nothing weighted may be shown
    least: int = THRESHOLD  #: below which no number is shown

    def number(self, cell: Cell) -> int | None:
        """Return how many people a cell holds."""
        return self.figures.get(cell)

    def asked(self, figure: Figure, origin: str) -> int | None:
        """Return how many the question of a figure was for."""
        if figure.of is None:
            return self.number(Cell("", RESPONDENTS, origin))
        return self.number(Cell(figure.of[0], "+".join(figure.of[1]), origin))

    def answered(self, figure: Figure, asked: Asked, origin: str) -> int | None:
        """Return how many answered it."""
        if asked.many:
            return self.number(Cell(asked.name, ANSWERED, origin))
        everybody, silent = self.asked(figure, origin), self.number(Cell(asked.name, SILENT, origin))
        return None if everybody is None or silent is None else everybody - silent

    def base(self, figure: Figure, asked: Asked, origin: str) -> int | None:
        """Return what percentages are of: who answered, or who was asked when that is all that may be told.

        A percentage of a number that is not public would give that away.
        """
        answered = self.answered(figure, asked, origin)
        return self.asked(figure, origin) if answered is None else answered

    def share(self, cell: Cell, base: int | None) -> float | None:
        """Return what part of the base a cell is, from 0 to 1."""
        number = self.number(cell)
        found = None if number is None or base is None else percent(number, base)
        return None if found is None else found / 100

    def weighted_share(self, cell: Cell, base: int | None) -> float | None:
        """Return a share under weights, beside one that may be shown without."""
        return self.weighted.shares.get(cell) if self.weighted and self.share(cell, base) is not None else None

    def median(self, cell: Cell) -> float | None:
        """Return the median of a cell's people, when they are enough for a percentage."""
        number = self.number(cell)
        return self.medians.get(cell) if number is not None and number >= LEAST_BASE else None
