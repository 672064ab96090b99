"""Raking: weights under which respondents have the shares of declared totals, one question after another."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LIMIT = 5.0  # no weight is more than so many times the mean, or less than its inverse
_ROUNDS = 200
_CLOSE = 0.0005  # of a share: half a tenth of a percent


@dataclass(frozen=True)
class Raked:
    """Weights with mean 1, and how well they do; `off` is the largest difference from a share that is left."""

    weights: NDArray[np.float64]
    rounds: int
    off: float
    trimmed: int  #: how many weights stand at a limit

    @property
    def converged(self) -> bool:
        """Tell whether all shares are met."""
        return self.off <= _CLOSE

    @property
    def design_effect(self) -> float:
        """Return Kish's: by how much unequal weights inflate the variance of a mean."""
        if not len(self.weights):
            return 1.0
        return float(len(self.weights) * np.sum(self.weights**2) / np.sum(self.weights) ** 2)


def rake(places: Sequence[NDArray[np.int64]], shares: Sequence[NDArray[np.float64]]) -> Raked:
    """Return the weights; `places` say for each question and respondent which of its `shares` he or she counts in.

    Every share is above 0 and has a respondent; those of a question add up to 1.
    """
    count = len(places[0]) if places else 0
    weights = np.ones(count)
    rounds, off = 0, 0.0
    while count and rounds < _ROUNDS:
        rounds += 1
        for place, share in zip(places, shares, strict=True):
            weights = weights * (share * count / np.bincount(place, weights, len(share)))[place]
        weights = np.clip(weights, 1 / LIMIT, LIMIT)
        weights = weights * (count / weights.sum())
        off = max(
            float(np.max(np.abs(np.bincount(place, weights, len(share)) / count - share)))
            for place, share in zip(places, shares, strict=True)
        )
        if off <= _CLOSE:
            break
    at_limit = (weights >= weights.max(initial=1) - 1e-9) & (weights > LIMIT * 0.9) | (weights < 1.1 / LIMIT)
    return Raked(weights, rounds, off, int(at_limit.sum()))
