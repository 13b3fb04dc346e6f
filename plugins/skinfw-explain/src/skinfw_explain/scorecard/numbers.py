"""The numbers of the scorecard: means of what was measured, by explainer and class."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from skinfw import Estimate, Predictions, confidence_intervals
from skinfw.metrics import Composition, Rate, WeightedMetric, by_image, ratio
from skinfw.toolkit import composed_numbers
from skinfw_explain.scorecard.measures import BY_NAME, RATE, Values

Floats = npt.NDArray[np.floating[Any]]
Booleans = npt.NDArray[np.bool_]

ALL = "all"
GAUSSIAN = "centred-gaussian"
"""The explainer that others must beat: most lesions lie in the middle of their image."""

BEYOND = "beyond_gaussian"


class Scores(WeightedMetric):
    """Measure explainers by class and overall; see docs/numbers.md.

    Numbers are called `measure/explainer/class`, or "all" for the class, and the difference to the
    centred Gaussian on the same images `beyond_gaussian/measure/explainer/class`.
    """

    def __init__(self, values: Mapping[str, Values]) -> None:
        """Keep what was measured of the images whose predictions it is called with.

        values: by explainer.
        """
        self.values = values

    def resample(self, predictions: Predictions, weights: Floats) -> Mapping[str, Floats]:
        """Return each number under each row of weights [R, N]."""
        means = list(self._means(predictions))
        among = np.stack([one[2] for one in means]).astype(np.float64)
        values = np.where(among, np.stack([one[1] for one in means]), 0.0)
        own = by_image(weights)
        numbers = ratio(values @ own, among @ own)
        return {one[0]: row for one, row in zip(means, numbers, strict=True)}

    def composition(self, predictions: Predictions) -> Mapping[str, Composition]:
        """Return what the rates are made of; all else is drawn."""
        return {
            name: Rate(values == 1, among)
            for name, values, among in self._means(predictions)
            if name.startswith(f"{RATE}/")
        }

    def rests_on(self, predictions: Predictions) -> Mapping[str, int]:
        """Return how many lesions each number is the mean over."""
        lesions = np.asarray(predictions.lesions)
        return {name: len(np.unique(lesions[among])) for name, _, among in self._means(predictions)}

    def _means(self, predictions: Predictions) -> Iterator[tuple[str, Floats, Booleans]]:
        """Yield the name of each number, the values of the images, and which of them are meant."""
        groups = {ALL: np.ones(len(predictions.ids), bool)}
        groups |= {
            name: predictions.true == place for place, name in enumerate(predictions.classes)
        }
        gaussian = self.values.get(GAUSSIAN, {})
        for explainer, own in self.values.items():
            for measure, values in own.items():
                for group, members in groups.items():
                    yield f"{measure}/{explainer}/{group}", values, members & ~np.isnan(values)
                    if explainer == GAUSSIAN or not (gaussian and BY_NAME[measure].compared):
                        continue
                    gaps = values - gaussian[measure]
                    name = f"{BEYOND}/{measure}/{explainer}/{group}"
                    yield name, gaps, members & ~np.isnan(gaps)


def score_estimates(
    metric: Scores, predictions: Predictions, replicates: int, seed: int
) -> dict[str, Estimate]:
    """Return all numbers with their 95 % intervals over lesions.

    predictions: of the images that were measured.
    replicates, seed: of the lesions that are drawn again; 0 makes no intervals.
    """
    numbers = metric(predictions)
    ends = dict(confidence_intervals(metric, predictions, replicates, seed))
    if replicates:  # rates differ as rates do, also where each hits always or never
        composed = composed_numbers(metric, predictions, numbers)
        for explainer, group in product(metric.values, (ALL, *predictions.classes)):
            name = f"{RATE}/{explainer}/{group}"
            if f"{BEYOND}/{name}" in ends and name in composed:
                rival = composed[f"{RATE}/{GAUSSIAN}/{group}"]
                ends[f"{BEYOND}/{name}"] = composed[name].interval_of_difference(rival)
    nothing = (math.nan, math.nan)
    return {name: Estimate(value, *ends.get(name, nothing)) for name, value in numbers.items()}
