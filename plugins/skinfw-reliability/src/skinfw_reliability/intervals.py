"""95 % intervals by bootstrap over lesions: images of one lesion are drawn together."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from skinfw import Predictions
from skinfw_reliability.weighted import Weighted

REPLICATES = 1000
_BLOCK = 2**22  # weights held at once


def bootstrap(
    metric: Weighted, predictions: Predictions, replicates: int = REPLICATES, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Return the 95 % interval of each number: the 2.5th and the 97.5th percentile.

    metric: computed under weights.
    predictions: of one part, or of one group of its images.
    replicates: how often as many lesions as there are are drawn, with replacement.
    seed: of the draws.
    What no replicate measures has the interval (NaN, NaN).
    """
    _, lesion = np.unique(np.asarray(predictions.lesions, dtype=str), return_inverse=True)
    count, rng = int(lesion.max()) + 1, np.random.default_rng(seed)
    most = max(1, _BLOCK // len(lesion))
    found: dict[str, list[Any]] = {}
    for start in range(0, replicates, most):
        rows = min(most, replicates - start)
        drawn = rng.integers(count, size=(rows, count)) + count * np.arange(rows)[:, None]
        times = np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count)
        weights = times[:, lesion].astype(np.float64)
        for name, values in metric.resampled(predictions, weights).items():
            found.setdefault(name, []).append(values)
    return {name: _middle(np.concatenate(values)) for name, values in found.items()}


def _middle(values: Any) -> tuple[float, float]:
    measured = values[~np.isnan(values)]
    if not len(measured):
        return math.nan, math.nan
    low, high = np.quantile(measured, [0.025, 0.975])
    return float(low), float(high)


def estimates(
    metric: Weighted, predictions: Predictions, replicates: int = REPLICATES
) -> dict[str, dict[str, float]]:
    """Return each number as `value`, with the ends of its interval as `low` and `high`."""
    ends = bootstrap(metric, predictions, replicates)
    return {
        name: {"value": value, "low": ends[name][0], "high": ends[name][1]}
        for name, value in metric(predictions).items()
    }
