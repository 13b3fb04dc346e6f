"""Prediction sets that hold the true class as often as promised, for each class on its own.

Split conformal prediction, class by class (Vovk 2012, arXiv 1209.2673): how badly a class fits an
image is compared with how badly it fitted the calibration images that show it. Images of a lesion
resemble each other, so that lesions are the units: each weighs the same, however many images it
has (Lee, Barber and Willett 2023, arXiv 2306.06342). With one image per lesion this is the
ordinary quantile.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from skinfw import Predictions, SetMethod, misfit
from skinfw.metrics import Composition, Floats, Rate, WeightedMetric, by_image, mean_among


def class_limits(
    probabilities: Floats,
    true: npt.NDArray[np.integer[Any]],
    lesions: Sequence[str],
    level: float,
    method: SetMethod,
) -> Floats:
    """Return the misfit up to which each class stands in a set, [C].

    probabilities: [N, C], of the validation part.
    true: int [N].
    lesions: of each image, [N].
    level: the promised share of new images whose set holds their class.
    Returns infinity for a class with fewer than `least_lesions(level)` lesions: nothing can be
    promised by leaving it out, so that it stands in every set.
    """
    scores, names = misfit(probabilities, method), np.asarray(lesions, dtype=str)
    limits = np.full(probabilities.shape[1], math.inf)
    for place in range(len(limits)):
        shows = true == place
        limits[place] = _quantile(scores[shows, place], names[shows], level)
    return limits


def _quantile(scores: Floats, lesions: npt.NDArray[Any], level: float) -> float:
    """Return the quantile in which one more lesion, of infinite misfit, counts."""
    if not len(scores):
        return math.inf
    _, lesion, images = np.unique(lesions, return_inverse=True, return_counts=True)
    order = np.argsort(scores)
    reached = np.cumsum(1 / images[lesion[order]]) / (len(images) + 1)
    place = int(np.searchsorted(reached, level - 1e-12))
    return float(scores[order[place]]) if place < len(order) else math.inf


def least_lesions(level: float) -> int:
    """Return how many lesions of a class are needed to promise anything about it."""
    return math.ceil(level / (1 - level) - 1e-9)


@dataclass(frozen=True)
class PredictionSets(WeightedMetric):
    """Make sets, and measure their coverage and size.

    limits: [C], from `class_limits`.
    method: that of the limits.
    """

    limits: Floats
    method: SetMethod

    def of(self, probabilities: Floats) -> npt.NDArray[np.bool_]:
        """Return which classes stand in the set of each image, bool [N, C]."""
        return np.asarray(misfit(probabilities, self.method) <= self.limits)

    def resample(self, predictions: Predictions, weights: Floats) -> dict[str, Floats]:
        """Return coverage, set_size, single and empty, and those of each true class.

        coverage: the share of images whose set holds their class.
        set_size: the mean number of classes in a set.
        single, empty: the shares of sets with one class and with none.
        """
        weights = by_image(weights)
        return {
            name: mean_among(values, which, weights)
            for name, (values, which) in self._counts(predictions).items()
        }

    def composition(self, predictions: Predictions) -> dict[str, Composition]:
        """Return what coverage, single and empty are made of; all are rates."""
        return {
            name: Rate(values, which)
            for name, (values, which) in self._counts(predictions).items()
            if values.dtype == bool
        }

    def _counts(
        self, predictions: Predictions
    ) -> dict[str, tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]]:
        """Return what is averaged, of each image, and over which images."""
        sets = self.of(predictions.probabilities)
        sizes, true = sets.sum(1), predictions.true
        held = sets[np.arange(len(true)), true]
        values = {"coverage": held, "set_size": sizes, "single": sizes == 1, "empty": sizes == 0}
        among = {"": np.ones(len(true), bool)}
        among |= {f"/{name}": true == place for place, name in enumerate(predictions.classes)}
        return {
            f"{number}{end}": (of, which)
            for end, which in among.items()
            for number, of in values.items()
        }
