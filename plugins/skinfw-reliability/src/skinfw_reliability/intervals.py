"""Numbers with their 95 % intervals over lesions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from skinfw import Interval, Predictions, Result, confidence_intervals
from skinfw.metrics import WeightedMetric

Estimates = dict[str, dict[str, Any]]
Estimate = Callable[[WeightedMetric, Predictions], Estimates]


def estimator(result: Result) -> Estimate:
    """Return what measures predictions with the intervals of a result.

    It returns each number as `value`, and the ends of its interval as `low` and `high`; these are
    NaN where the recipe wants no intervals, and where there is none, of which `no_interval` says
    why.
    """

    def estimate(metric: WeightedMetric, predictions: Predictions) -> Estimates:
        nothing = Interval(float("nan"), float("nan"))
        ends = confidence_intervals(metric, predictions, result.replicates, result.seed)
        estimates: Estimates = {}
        for name, value in metric(predictions).items():
            own = ends.get(name, nothing)
            estimates[name] = {"value": value, "low": own[0], "high": own[1]}
            if own.reason:
                estimates[name]["no_interval"] = own.reason
        return estimates

    return estimate
