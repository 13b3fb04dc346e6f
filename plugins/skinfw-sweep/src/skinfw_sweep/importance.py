"""How much each axis of a sweep alone explains of what an objective varies by."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FEWEST = 8
"""Settings without which nothing is said."""

_POINTS = 2_048
_LEVELS = 32
_TREES = 64

Floats = npt.NDArray[np.float64]


def importances(
    points: Floats, values: Floats, choices: Sequence[int], seed: int = 0
) -> list[float]:
    """Return the share of the variance that each axis alone explains.

    A forest learns the objective, and its main effects are averaged over points that are drawn
    evenly from the space: the first-order part of the functional ANOVA of Hutter et al. 2014,
    section 4. The rest belongs to axes together.

    points: of the settings, [N, A], every axis from 0 to 1; choices are their places.
    values: of the objective, [N].
    choices: how many there are on each axis; 0 for numbers.
    Returns NaN for all where there are too few settings, or none differs.
    """
    if len(values) < FEWEST or np.ptp(values) == 0:
        return [math.nan] * points.shape[1]
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(_TREES, random_state=seed, n_jobs=1).fit(points, values)
    rng = np.random.default_rng(seed)
    even = rng.random((_POINTS, points.shape[1]))
    for axis, count in enumerate(choices):
        if count:
            even[:, axis] = rng.integers(0, count, _POINTS)
    total = forest.predict(even).var()
    shares = []
    for axis, count in enumerate(choices):
        levels = np.arange(count) if count else (np.arange(_LEVELS) + 0.5) / _LEVELS
        some, means = even[: _POINTS // 8].copy(), []
        for level in levels:
            some[:, axis] = level
            means.append(forest.predict(some).mean())
        shares.append(float(np.var(means) / total) if total > 0 else math.nan)
    return shares
