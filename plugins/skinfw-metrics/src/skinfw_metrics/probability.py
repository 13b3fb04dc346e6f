"""Whether probabilities mean what they say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from annotated_types import Interval

from skinfw import Predictions

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, kw_only=True)
class Probability:
    """Measure the Brier score and the calibration error of the most probable class.

    `brier` is the mean squared distance of the probabilities from the truth, summed over classes;
    0 is perfect, 2 is certain and always wrong (Brier 1950). `ece` is the mean difference between
    how sure the network is and how often it is right, in bins of equal width (Guo et al. 2017,
    arXiv 1706.04599). `adaptive_ece` is the same in bins of equally many images (Nguyen and
    O'Connor 2015, arXiv 1508.05154); images on the border of two bins, or equally sure, are shared.

    bins: how many bins.
    """

    smaller_is_better: ClassVar = ("brier", "ece", "adaptive_ece")
    bins: Annotated[int, Interval(ge=2, le=100)] = 15

    def __call__(self, predictions: Predictions) -> dict[str, float]:
        """Return `brier`, `ece` and `adaptive_ece`."""
        from skinfw.metrics import count_once

        return count_once(self, predictions)

    def resample(self, predictions: Predictions, weights: Floats) -> dict[str, Floats]:
        """Return each number under each row of weights [R, N], as float64 [R]."""
        from skinfw.metrics import brier_score, by_image, calibration_error

        weights = by_image(weights)
        return {
            "brier": brier_score(predictions, weights),
            "ece": calibration_error(predictions, weights, self.bins, "width"),
            "adaptive_ece": calibration_error(predictions, weights, self.bins, "mass"),
        }
