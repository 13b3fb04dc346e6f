"""Numbers with their 95 % intervals over lesions."""

from __future__ import annotations

from collections.abc import Callable

from skinfw import Predictions, Result, confidence_intervals
from skinfw.metrics import WeightedMetric

Estimates = dict[str, dict[str, float]]
Estimate = Callable[[WeightedMetric, Predictions], Estimates]


def estimator(result: Result) -> Estimate:
    """Return what measures predictions with the intervals of a result.

    It returns each number as `value`, and the ends of its interval as `low` and `high`; these are
    NaN where the recipe wants no intervals.
    """

    def estimate(metric: WeightedMetric, predictions: Predictions) -> Estimates:
        nan = (float("nan"), float("nan"))
        ends = (
            confidence_intervals(metric, predictions, result.replicates, result.seed)
            if result.replicates
            else {}
        )
        return {
            name: {"value": value, **dict(zip(("low", "high"), ends.get(name, nan), strict=True))}
            for name, value in metric(predictions).items()
        }

    return estimate
