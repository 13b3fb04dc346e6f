"""How far calls and truth agree beyond chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skinfw import Predictions

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Measure Cohen's kappa and Matthews' correlation of true and most probable classes.

    Both are 1 for perfect calls and about 0 for calls that know nothing; a network that calls
    everything by one name gets 0. Where all images are of one class there is nothing to measure.
    Sources: Cohen 1960; Gorodkin 2004, for more than two classes.
    """

    def __call__(self, predictions: Predictions) -> dict[str, float]:
        """Return `kappa` and `mcc`."""
        from skinfw.metrics import count_once

        return count_once(self, predictions)

    def resample(self, predictions: Predictions, weights: Floats) -> dict[str, Floats]:
        """Return each number under each row of weights [R, N], as float64 [R]."""
        import numpy as np

        from skinfw.metrics import by_image, confusion_matrix, ratio

        count = len(predictions.classes)
        calls = confusion_matrix(predictions.true, predictions.predicted, count, by_image(weights))
        matrix = ratio(calls[:, :-1], calls.sum((0, 1)))
        actual, called = matrix.sum(1), matrix.sum(0)
        right = np.einsum("ccr->r", matrix)
        chance = (actual * called).sum(0)
        several = (actual > 0).sum(0) > 1
        spread = (1 - (actual**2).sum(0)) * (1 - (called**2).sum(0))
        constant = (called > 0).sum(0) == 1
        correlation = ratio(right - chance, np.sqrt(np.maximum(spread, 0)))
        return {
            "kappa": np.where(several, ratio(right - chance, 1 - chance), np.nan),
            "mcc": np.where(several, np.where(constant, 0.0, correlation), np.nan),
        }
