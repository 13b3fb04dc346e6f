"""The numbers by which groups are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from skinfw import Predictions
from skinfw_reliability.class_counts import lesions_of
from skinfw_reliability.weighted import Floats, Weighted, mean, mean_of_measured, ratio


@dataclass(frozen=True)
class GroupNumbers(Weighted):
    """Measure balanced_accuracy, macro_auc, and the sensitivity of some classes.

    Means are over the classes that the group shows, and in a draw over those that the draw shows:
    leaving such draws out instead makes intervals of rare classes too narrow (ADR 15).

    sensitive: the classes, as `sensitivity/MEL`; those that the group lacks are not measured.
    """

    sensitive: Sequence[str]

    def resample(self, predictions: Predictions, weights: Floats) -> dict[str, Floats]:
        """Return the numbers under each row of weights."""
        true, right = predictions.true, predictions.predicted == predictions.true
        shown = [int(label) for label in np.unique(true)]
        hits = {label: mean(right, true == label, weights) for label in shown}
        areas = [area(predictions.probabilities[:, k], true == k, weights) for k in shown]
        numbers = {
            "balanced_accuracy": mean_of_measured([hits[label] for label in shown]),
            "macro_auc": mean_of_measured(areas),
        }
        nothing = np.full(len(weights), np.nan)
        for name in self.sensitive:
            numbers[f"sensitivity/{name}"] = hits.get(predictions.classes.index(name), nothing)
        return numbers

    def rests_on(self, predictions: Predictions) -> dict[str, int]:
        """Return the lesions of the rarest class on which each number rests."""
        lesions = lesions_of(predictions)
        least = min(count for count in lesions.values() if count)
        alone = {f"sensitivity/{name}": lesions[name] for name in self.sensitive}
        return {"balanced_accuracy": least, "macro_auc": least, **alone}


def area(scores: Floats, positive: npt.NDArray[np.bool_], weights: Floats) -> npt.NDArray[Any]:
    """Return the areas under the ROC curve [R], ties half; NaN where one side has no weight.

    scores: [N].
    positive: bool [N].
    weights: [R, N].
    """
    _, own, counts = np.unique(scores, return_inverse=True, return_counts=True)
    order = np.argsort(own, kind="stable")
    starts = np.cumsum(counts) - counts
    with_class = np.add.reduceat((weights * positive)[:, order], starts, axis=1)
    without = np.add.reduceat((weights * ~positive)[:, order], starts, axis=1)
    below = np.cumsum(without, axis=1) - without / 2
    pairs = with_class.sum(1) * without.sum(1)
    return ratio((with_class * below).sum(1), pairs)
