"""The places of a run where something is asked or said, in the order of asking, and from where on anything is open."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bot.surveys.engine_tree import NOWHERE, Field, Live, Span
from bot.surveys.form import Type

if TYPE_CHECKING:
    from bot.surveys.engine_run import Run


class Places:
    """All places, relevant or not, a span after its instances; laid out anew when repeats grow or shrink."""

    def __init__(self, run: "Run") -> None:
        self._run = run
        self._all: list[Field | Span] = []
        self._laid_out_at = -1
        self.done_until = 0  # before it nothing is open: the next question costs what changed, not the form

    def all(self) -> list[Field | Span]:
        """Return every place."""
        if self._laid_out_at != self._run.shape:
            self._all, self._laid_out_at = list(_places(self._run.top)), self._run.shape
            for order, here in enumerate(self._all):
                here.order = order
        return self._all

    def at(self, path: str) -> Field | Span | None:
        """Return the place at a path with indexes."""
        self.all()
        here = self._run.find(path)
        return here if isinstance(here, Field | Span) and here.order != NOWHERE else None

    def reach(self, order: int) -> None:
        """Take note that what stands at `order` may be open again."""
        self.done_until = min(self.done_until, order)


def _places(live: Live) -> Iterator[Field | Span]:
    for child in live.below():
        if isinstance(child, Span):
            for instance in child.instances:
                yield from _places(instance)
            if child.node.count is None and not child.node.fixed:
                yield child
        elif not isinstance(child, Field):
            yield from _places(child)
        elif child.question.asked or child.question.type is Type.NOTE:
            yield child
