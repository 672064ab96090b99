"""Which process sends from which sender: each gets its share, so that two processes send from twice as many at a time.

Every process works it out by itself from the same rows. The lease alone decides who may send; this only says who should
ask for it, and who should let go.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

#: A sender that should be another's and has stood still for so long, with something due, is taken all the same.
LEFT_ALONE = timedelta(seconds=2)


def owners(serving: Mapping[str, Collection[str]]) -> dict[str, str]:
    """Return which process should send from each sender; `serving`: the senders that each live process has."""
    keys = sorted({key for keys in serving.values() for key in keys})
    found = {}
    for number, key in enumerate(keys):
        able = sorted(worker for worker, keys_of in serving.items() if key in keys_of)
        found[key] = able[number % len(able)]
    return found


@dataclass(slots=True)
class Turn:
    """Whether a sender is this process's to send from."""

    is_ours: bool = True
    free_since: datetime | None = None  #: with something due and no other process at it

    def give(self, *, is_ours: bool) -> None:
        """Say whose it is from now on."""
        self.is_ours, self.free_since = is_ours, None

    def is_over(self) -> None:
        """Note that another process is at it, or that nothing is due."""
        self.free_since = None

    def may_take(self, now: datetime) -> bool:
        """Tell whether to send from a sender that is free."""
        if self.is_ours:
            return True
        if self.free_since is None or now < self.free_since:
            self.free_since = now
        if now - self.free_since < LEFT_ALONE:
            return False
        self.give(is_ours=True)  # until the next look says otherwise
        return True
