"""The numbers by which groups are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skinfw import Predictions, count_lesions
from skinfw.metrics import (
    Area,
    Composition,
    Floats,
    Mean,
    Rate,
    RocCurve,
    WeightedMetric,
    by_image,
    mean_among,
    mean_of_measured,
)


@dataclass(frozen=True)
class GroupNumbers(WeightedMetric):
    """Measure balanced_accuracy, macro_auc, and the sensitivity of some classes.

    Means are over the classes that the group shows, and in a draw over those that the draw shows:
    leaving such draws out instead makes intervals of rare classes too narrow (ADR 15).

    sensitive: the classes, as `sensitivity/MEL`; those that the group lacks are not measured.
    """

    sensitive: Sequence[str]

    def resample(self, predictions: Predictions, weights: Floats) -> dict[str, Floats]:
        """Return the numbers under each row of weights."""
        weights = by_image(weights)
        true, right = predictions.true, predictions.predicted == predictions.true
        shown = [int(label) for label in np.unique(true)]
        hits = {label: mean_among(right, true == label, weights) for label in shown}
        areas = [RocCurve(true == k, predictions.probabilities[:, k], weights).auc() for k in shown]
        numbers = {
            "balanced_accuracy": mean_of_measured(np.stack([hits[label] for label in shown])),
            "macro_auc": mean_of_measured(np.stack(areas)),
        }
        nothing = np.full(weights.shape[1], np.nan)
        for name in self.sensitive:
            numbers[f"sensitivity/{name}"] = hits.get(predictions.classes.index(name), nothing)
        return numbers

    def composition(self, predictions: Predictions) -> dict[str, Composition]:
        """Return what the numbers are made of: rates, and means over the classes."""
        true, right = predictions.true, predictions.predicted == predictions.true
        shown = [int(label) for label in np.unique(true)]
        chances = predictions.probabilities
        alone = {
            f"sensitivity/{name}": Rate(right, true == predictions.classes.index(name))
            for name in self.sensitive
        }
        return {
            "balanced_accuracy": Mean([Rate(right, true == label) for label in shown]),
            "macro_auc": Mean([Area(true == label, chances[:, label]) for label in shown]),
            **alone,
        }

    def rests_on(self, predictions: Predictions) -> dict[str, int]:
        """Return the lesions of the rarest class on which each number rests."""
        lesions = count_lesions(predictions)
        least = min(count for count in lesions.values() if count)
        alone = {f"sensitivity/{name}": lesions[name] for name in self.sensitive}
        return {"balanced_accuracy": least, "macro_auc": least, **alone}
