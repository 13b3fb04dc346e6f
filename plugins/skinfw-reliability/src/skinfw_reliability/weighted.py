"""Numbers that can be computed under weights, so that intervals need no loop."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from skinfw import Predictions

Floats = npt.NDArray[np.floating[Any]]


class Weighted(ABC):
    """A metric: called with predictions, it returns named numbers."""

    def __call__(self, predictions: Predictions) -> dict[str, float]:
        """Return the numbers; each image counts once."""
        once = self.resample(predictions, np.ones((1, len(predictions.true))))
        return {name: float(values[0]) for name, values in once.items()}

    @abstractmethod
    def resample(self, predictions: Predictions, weights: Floats) -> dict[str, Floats]:
        """Return each number, [R], under weights [R, N] that say how often each image counts."""


def mean(values: npt.NDArray[Any], among: npt.NDArray[np.bool_], weights: Floats) -> Floats:
    """Return weighted means [R]; NaN where nothing has weight.

    values: [N].
    among: bool [N], the images that are meant.
    weights: [R, N].
    """
    counted = weights[:, among]
    return ratio(counted @ values[among].astype(np.float64), counted.sum(1))


def mean_of_measured(values: Sequence[Floats]) -> Floats:
    """Return the means over what was measured [R]; NaN where nothing was.

    values: [R] each, such as the sensitivity of one class in every draw.
    """
    stacked = np.stack(values)
    measured = ~np.isnan(stacked)
    return ratio(np.where(measured, stacked, 0.0).sum(0), measured.sum(0))


def ratio(part: Floats, whole: Floats) -> Floats:
    """Divide; NaN where there is nothing to divide by."""
    nothing = np.full(whole.shape, np.nan)
    return np.asarray(np.divide(part, whole, out=nothing, where=whole > 0))
