"""How far probabilities are from what happens: NLL, Brier score and calibration errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np

from skinfw import Predictions
from skinfw_reliability.curves import Cut, bin_of
from skinfw_reliability.weighted import Floats, Weighted, mean, ratio


@dataclass(frozen=True, kw_only=True)
class CalibrationErrors(Weighted):
    """Measure nll, brier, ece_width and ece_mass.

    nll: the mean negative log of the true class's probability.
    brier: the mean squared distance to the truth, over all classes, from 0 to 2 (Brier 1950).
    ece_width, ece_mass: the mean gap between confidence and accuracy over bins of equal width
        (Naeini et al. 2015; Guo et al. 2017) or with as many images each (Nixon et al. 2019).

    bins: of the calibration errors.
    """

    bins: int = 15

    def resample(self, predictions: Predictions, weights: Floats) -> dict[str, Floats]:
        """Return the numbers under each row of weights; bins stay where all images put them."""
        found, true = predictions.probabilities, predictions.true
        everything = np.ones(len(true), bool)
        own = np.maximum(found[np.arange(len(true)), true], np.finfo(float).tiny)
        squares = ((found - np.eye(found.shape[1])[true]) ** 2).sum(1)
        numbers = {
            "nll": mean(-np.log(own), everything, weights),
            "brier": mean(squares, everything, weights),
        }
        confidence = found.max(1)
        gap = (predictions.predicted == true) - confidence
        for cut in get_args(Cut):
            inside = np.eye(self.bins)[bin_of(confidence, self.bins, cut)]
            gaps = np.abs(weights @ (inside * gap[:, None])).sum(1)
            numbers[f"ece_{cut}"] = ratio(gaps, weights.sum(1))
        return numbers
