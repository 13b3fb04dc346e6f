"""How far probabilities are from what happens: likelihood, Brier score and calibration errors."""

from __future__ import annotations

from dataclasses import dataclass

from skinfw import Predictions
from skinfw.metrics import (
    Floats,
    WeightedMetric,
    brier_score,
    by_image,
    calibration_error,
    negative_log_likelihood,
)


@dataclass(frozen=True, kw_only=True)
class CalibrationErrors(WeightedMetric):
    """Measure nll, brier, ece and adaptive_ece, as `skinfw.metrics` defines them.

    bins: of the calibration errors.
    """

    bins: int = 15

    def resample(self, predictions: Predictions, weights: Floats) -> dict[str, Floats]:
        """Return the numbers under each row of weights."""
        weights = by_image(weights)
        return {
            "nll": negative_log_likelihood(predictions, weights),
            "brier": brier_score(predictions, weights),
            "ece": calibration_error(predictions, weights, self.bins, "width"),
            "adaptive_ece": calibration_error(predictions, weights, self.bins, "mass"),
        }
