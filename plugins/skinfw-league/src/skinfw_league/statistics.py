"""Differences of trained recipes, over lesions and seeds, and which of many can be believed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

LEVEL = 0.95
SMALLEST = 1e-12
"""The least p-value that is told."""
LEAST = 0.7
"""Of what lesions alone make of a margin, where few seeds agree by luck; see `combine_seeds`."""
FEWEST_SETS = 3
"""Data sets from which ranks over data sets are tested."""


@dataclass(frozen=True)
class Effect:
    """Hold a mean over seeds with its 95 % interval over lesions and seeds.

    p: of the hypothesis that it is 0, two-sided; NaN where nothing varies that could be tested.
    """

    mean: float
    low: float
    high: float
    p: float


def two_way_effect(
    values: Floats, draws: Floats, limits: tuple[float, float] = (-math.inf, math.inf)
) -> Effect:
    """Return the mean of a number of S trainings, and how sure it is that it is not 0.

    values: [S], of each training, such as differences between two recipes.
    draws: [S, R], where the same lesions are drawn again for all of them.
    limits: what the interval keeps to.
    Two variances make the mean's: the mean covariance of two trainings over lesions, and that
    between seeds, s^2 / S. Each has its own critical value, of the normal distribution and of t
    with S - 1 degrees of freedom (Cochran 1964, Biometrics 20), at the level of p as at 95 %.
    One training has the variance over lesions alone, and says nothing of other seeds.
    """
    from scipy.optimize import brentq
    from scipy.special import ndtri, stdtrit

    count, mean = len(values), float(values.mean())
    draws = draws[:, ~np.isnan(draws).any(axis=0)]
    if math.isnan(mean) or draws.shape[1] < 2:
        return Effect(mean, math.nan, math.nan, math.nan)
    covariance = np.atleast_2d(np.cov(draws))
    alone = float(covariance.sum()) / count**2
    lesions, seeds = alone, 0.0
    if count > 1:
        off = float(covariance.sum() - np.trace(covariance))
        lesions = max(0.0, off / (count * (count - 1)))
        seeds = float(values.var(ddof=1)) / count

    def margin(p: float) -> float:
        normal = -float(ndtri(p / 2))
        student = -float(stdtrit(count - 1, p / 2)) if seeds else 0.0
        both = (normal * lesions + student * seeds) / math.sqrt(lesions + seeds or 1.0)
        return max(both, (LEAST if count > 1 else 1.0) * normal * math.sqrt(max(0.0, alone)))

    width = margin(1 - LEVEL)
    if not width:
        return Effect(mean, mean, mean, math.nan if mean else 1.0)
    p = 1.0
    if mean:
        p = SMALLEST
        if margin(SMALLEST) > abs(mean):
            p = float(brentq(lambda level: margin(level) - abs(mean), SMALLEST, 1.0))
    low, high = np.clip([mean - width, mean + width], *limits).tolist()
    return Effect(mean, low, high, p)


def holm(chances: Sequence[float]) -> list[float]:
    """Return p-values that hold for all of them together (Holm 1979, Scand. J. Statist. 6).

    chances: p-values; NaN is no test and stays.
    """
    tested = sorted((p, place) for place, p in enumerate(chances) if p == p)
    adjusted, least = [math.nan] * len(chances), 0.0
    for rank, (p, place) in enumerate(tested):
        least = max(least, min(1.0, p * (len(tested) - rank)))
        adjusted[place] = least
    return adjusted


def cliques(apart: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the groups of neighbours of which no two are apart, as first and last place.

    apart: [K, K], in the order of the ranking, whether two differ. Groups within others are left
        out.
    """
    found: list[tuple[int, int]] = []
    for first in range(len(apart)):
        last = first
        while last + 1 < len(apart) and not apart[first : last + 1, last + 1].any():
            last += 1
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return found


@dataclass(frozen=True)
class RankTest:
    """Hold the ranks of K recipes over N data sets (Demšar 2006, JMLR 7).

    ranks: the mean rank of each; 1 is best.
    p: of Friedman's test that all are alike; NaN for two recipes.
    critical: how far apart the mean ranks of two must be, by Nemenyi's test at 5 %.
    """

    ranks: Floats
    p: float
    critical: float


def rank_over_sets(values: Floats) -> RankTest:
    """Rank recipes on each data set, and test whether their mean ranks differ.

    values: [N, K], the larger the better.
    """
    from scipy.stats import friedmanchisquare, rankdata, studentized_range

    sets, count = values.shape
    ranks = rankdata(-values, axis=1).mean(axis=0)
    quantile = float(studentized_range.ppf(LEVEL, count, math.inf)) / math.sqrt(2)
    critical = quantile * math.sqrt(count * (count + 1) / (6 * sets))
    alike = not np.ptp(values, axis=1).any()  # scipy divides by what is zero then
    p: Any = 1.0 if alike else friedmanchisquare(*values.T).pvalue if count > 2 else math.nan
    return RankTest(ranks, float(p), critical)
