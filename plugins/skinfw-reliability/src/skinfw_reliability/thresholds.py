"""Operating points: the probability from which a class is called, chosen on validation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skinfw import Predictions
from skinfw.metrics import Composition, Floats, Rate, WeightedMetric, by_image, mean_among


def threshold_for(scores: Floats, positive: npt.NDArray[np.bool_], sensitivity: float) -> float:
    """Return the highest threshold that still calls the wanted share of the class.

    scores: [N], the class's probabilities; an image is called from the threshold upwards.
    positive: bool [N], whether an image shows the class.
    sensitivity: in (0, 1].
    Returns NaN where no image shows the class.
    """
    own = np.sort(scores[positive])[::-1]
    if not len(own):
        return math.nan
    # Rounding must not ask for one image more than the share does.
    return float(own[math.ceil(sensitivity * len(own) - 1e-9) - 1])


@dataclass(frozen=True)
class OperatingPoints(WeightedMetric):
    """Measure what thresholds give: sensitivity, specificity, ppv and npv of each class.

    thresholds: by class, applied as they are. Sensitivity and specificity do not depend on how
        frequent a class is, the predictive values do.
    """

    thresholds: Mapping[str, float]

    def resample(self, predictions: Predictions, weights: Floats) -> dict[str, Floats]:
        """Return the numbers under each row of weights, as `sensitivity/MEL` and so on."""
        weights = by_image(weights)
        return {
            name: mean_among(rate.successes, rate.members, weights)
            for name, rate in self._rates(predictions).items()
        }

    def composition(self, predictions: Predictions) -> dict[str, Composition]:
        """Return what the numbers are made of: all are rates."""
        return {**self._rates(predictions)}

    def _rates(self, predictions: Predictions) -> dict[str, Rate]:
        rates = {}
        for place, name in enumerate(predictions.classes):
            if math.isnan(threshold := self.thresholds[name]):
                continue
            shows = predictions.true == place
            called = predictions.probabilities[:, place] >= threshold
            rates[f"sensitivity/{name}"] = Rate(called, shows)
            rates[f"specificity/{name}"] = Rate(~called, ~shows)
            rates[f"ppv/{name}"] = Rate(shows, called)
            rates[f"npv/{name}"] = Rate(~shows, ~called)
        return rates
