"""Operating points: the probability from which a class is called, chosen on validation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skinfw import Predictions
from skinfw.metrics import Floats, WeightedMetric, by_image, mean_among


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
        numbers = {}
        for place, name in enumerate(predictions.classes):
            if math.isnan(threshold := self.thresholds[name]):
                continue
            shows = predictions.true == place
            called = predictions.probabilities[:, place] >= threshold
            numbers[f"sensitivity/{name}"] = mean_among(called, shows, weights)
            numbers[f"specificity/{name}"] = mean_among(~called, ~shows, weights)
            numbers[f"ppv/{name}"] = mean_among(shows, called, weights)
            numbers[f"npv/{name}"] = mean_among(~shows, ~called, weights)
        return numbers
