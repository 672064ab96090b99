"""The state of a run, small and plain: what must be stored between two messages."""

from dataclasses import dataclass, field, replace
from typing import Any, Self


@dataclass(slots=True)
class State:
    """Everything about a run that cannot be computed again. Paths carry the index of each repeat: /data/m[2]/age.

    `values` are those of relevant and irrelevant nodes alike; `done` says what the member did, "answered" or "skipped";
    `counts` and `closed` are of repeats; `prints` remember what a kept calculation was made of.
    """

    language: str
    seed: int
    started: str  # ISO, UTC
    values: dict[str, str] = field(default_factory=dict)
    done: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    closed: list[str] = field(default_factory=list)
    prints: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the state as plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Rebuild a state from what `to_json` returned."""
        return cls(**data)

    def copy(self) -> Self:
        """Return a state that can change on its own."""
        return replace(
            self,
            values=dict(self.values),
            done=dict(self.done),
            counts=dict(self.counts),
            closed=list(self.closed),
            prints=dict(self.prints),
        )
