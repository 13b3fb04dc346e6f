"""Whether probabilities mean what they say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Interval

from skinfw import Predictions
from skinfw_metrics.weighted import by_image, plain, ratio, summed

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


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
        return plain(self, predictions)

    def resample(self, predictions: Predictions, weights: Floats) -> dict[str, Floats]:
        """Return each number under each row of weights [R, N], as float64 [R]."""
        import numpy as np

        weights = by_image(weights)
        chances, true = predictions.probabilities, predictions.true
        truth = np.eye(len(predictions.classes))[true]
        sure = chances.max(1)
        surprise = (predictions.predicted == true) - sure
        total = weights.sum(0)
        return {
            "brier": ratio(((chances - truth) ** 2).sum(1) @ weights, total),
            "ece": ratio(self._even_width(sure, surprise, weights), total),
            "adaptive_ece": ratio(self._even_mass(sure, surprise, weights), total),
        }

    def _even_width(self, sure: Floats, surprise: Floats, weights: Floats) -> Floats:
        """Return the sum over bins of equal width of what calls and truth differ by, [R]."""
        import numpy as np

        borders = np.linspace(0, 1, self.bins + 1)[1:-1]
        places = np.searchsorted(borders, sure, side="left")  # a bin holds its upper border
        return np.abs(summed(weights, places, self.bins, surprise)).sum(0)

    def _even_mass(self, sure: Floats, surprise: Floats, weights: Floats) -> Floats:
        """Return the same over bins of equal weight, [R].

        The surprise summed from the least to the most sure image is a line over the weight that
        lies behind, straight within a tie. A bin adds what the line rises between its borders.
        """
        import numpy as np

        distinct, places = np.unique(sure, return_inverse=True)
        masses = summed(weights, places, len(distinct))
        steps = summed(weights, places, len(distinct), surprise)
        behind, line = masses.cumsum(0), steps.cumsum(0)
        heights = [np.zeros(weights.shape[1])]
        for border in range(1, self.bins):
            wanted = behind[-1] * (border / self.bins)
            at = np.minimum((behind < wanted).sum(0), len(distinct) - 1)[None]
            over, mass, step, end = (
                np.take_along_axis(rows, at, 0)[0] for rows in (behind, masses, steps, line)
            )
            # What of the tie lies beyond the border does not count yet.
            heights.append(end - np.nan_to_num(ratio(over - wanted, mass)) * step)
        return np.abs(np.diff([*heights, line[-1]], axis=0)).sum(0)
