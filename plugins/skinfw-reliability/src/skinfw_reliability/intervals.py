"""Numbers with their 95 % intervals over lesions."""

from __future__ import annotations

from skinfw import Predictions, bootstrap
from skinfw_reliability.weighted import Weighted


def estimates(metric: Weighted, predictions: Predictions) -> dict[str, dict[str, float]]:
    """Return each number as `value`, with the ends of its interval as `low` and `high`."""
    ends = bootstrap(metric, predictions)
    return {
        name: {"value": value, "low": ends[name][0], "high": ends[name][1]}
        for name, value in metric(predictions).items()
    }
