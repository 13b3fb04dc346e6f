"""A number of several trainings of one recipe: its mean, and how far that may be from the truth.

Two things make such a mean another one: other lesions to test on, and other trainings. Lesions that
several trainings test move their numbers together, and the mean with them; what moves one training
alone is seen in how far its number is from those of the others. Var(mean) = L + s^2 / S, where L is
the mean covariance of two trainings over lesions and s the standard deviation between S trainings.
That holds for one division and for one of each seed alike: where test parts overlap less, L is
smaller and s larger.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING

from skinfw.interfaces.values import Interval, Predictions, SeedNumber, no_interval
from skinfw.statistics.confidence import confidence_intervals
from skinfw.statistics.intervals import (
    LEVEL,
    REPLICATES,
    draw_lesions,
    natural_range,
    resample,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from skinfw.interfaces.protocols import Metric

    Floats = npt.NDArray[np.float64]

METHOD = "cochran"
_NOTHING = 1e-12  # a standard deviation that is rounding
_NO_DRAWS = "evaluate.replicates is 0"
_LEAST = 0.7  # of the width that lesions alone make, where seeds agree by luck


def seed_numbers(
    metric: Metric, trainings: Sequence[Predictions], replicates: int = REPLICATES, seed: int = 0
) -> dict[str, SeedNumber]:
    """Return every number of a metric over several trainings.

    metric: called with predictions; its `resample` is used where it has one.
    trainings: the predictions of each; their images may be others.
    replicates, seed: of the lesions that are drawn again; 0 makes no intervals.
    """
    import numpy as np

    measured = [metric(own) for own in trainings]
    bounds = [confidence_intervals(metric, own, replicates, seed) for own in trainings]
    drawn = resample_together(metric, trainings, replicates, seed)
    shared = shared_lesions(trainings)
    nothing = np.full(replicates, math.nan)
    numbers = {}
    for name in dict.fromkeys(name for own in measured for name in own):
        values = [float(own.get(name, math.nan)) for own in measured]
        around = [own.get(name, no_interval(_NO_DRAWS)) for own in bounds]
        again = np.array([own.get(name, nothing) for own in drawn])
        numbers[name] = combine_seeds(values, around, again, shared, natural_range(again))
    return numbers


def combine_seeds(
    values: Sequence[float],
    intervals: Sequence[Interval],
    replicates: Floats,
    shared: Floats,
    limits: tuple[float, float] = (-math.inf, math.inf),
) -> SeedNumber:
    """Return the mean of a number over S trainings with its interval over lesions and seeds.

    values: of each training, NaN where it was not measured.
    intervals: of each training alone, over lesions.
    replicates: [S, R], with the same lesions drawn again for all of them.
    shared: [S, S], the share of lesions that two trainings both test; their correlation where
        one of their numbers never changes.
    limits: what the interval keeps to.
    The two variances have their own critical values, of the normal distribution and of t with S - 1
    degrees of freedom, weighted by the variances (Cochran 1964, Biometrics 20): with few seeds that
    is rather too wide than too narrow. A few seeds may agree by luck, so that it is never less than
    a part of what lesions alone make of it. Where fewer than two values were measured, or one of
    them has no interval, the mean has none.
    """
    import numpy as np
    from scipy.special import stdtrit

    there = [place for place, value in enumerate(values) if not math.isnan(value)]
    known = np.array([values[place] for place in there])
    count = len(known)
    mean = float(known.mean()) if count else math.nan
    deviation = float(known.std(ddof=1)) if count > 1 else math.nan
    if count < 2 or any(math.isnan(end) for place in there for end in intervals[place]):
        return SeedNumber(tuple(values), mean, deviation, _absent([intervals[at] for at in there]))
    together = _correlation(replicates[there], shared[np.ix_(there, there)])
    normal = NormalDist().inv_cdf((1 + LEVEL) / 2)
    student = float(stdtrit(count - 1, (1 + LEVEL) / 2))
    between = deviation**2 / count
    ends = []
    for side, sign in ((0, -1), (1, 1)):
        margins = np.array([sign * (intervals[place][side] - values[place]) for place in there])
        errors = np.maximum(margins, 0) / normal
        products = together * np.outer(errors, errors)
        over_lesions = max(0.0, (products.sum() - np.trace(products)) / (count * (count - 1)))
        variance = over_lesions + between
        both = (normal * over_lesions + student * between) / math.sqrt(variance or 1.0)
        alone = normal * math.sqrt(max(0.0, products.sum())) / count
        ends.append(mean + sign * max(both, _LEAST * alone))
    bounds = np.clip(ends, *limits)
    interval = Interval(float(bounds[0]), float(bounds[1]), METHOD)
    return SeedNumber(tuple(values), mean, deviation, interval)


def _absent(intervals: Sequence[Interval]) -> Interval:
    """Return that there is no interval: of a training, or for want of seeds."""
    if not intervals:
        return no_interval()
    reasons = [own.reason for own in intervals if own.reason]
    return no_interval(reasons[0] if reasons else "fewer than two seeds measure it")


def _correlation(replicates: Floats, shared: Floats) -> Floats:
    """Return how much the numbers of two trainings move together where lesions are drawn again."""
    import numpy as np

    drawn = replicates[:, ~np.isnan(replicates).any(axis=0)]
    if drawn.shape[1] < 2:
        return shared
    apart = drawn - drawn.mean(1, keepdims=True)
    spread = np.sqrt((apart**2).mean(1))
    moves = spread > _NOTHING
    unit = apart / np.where(moves, spread, 1)[:, None]
    return np.where(np.outer(moves, moves), unit @ unit.T / drawn.shape[1], shared)


def resample_together(
    metric: Metric, trainings: Sequence[Predictions], replicates: int, seed: int
) -> list[Mapping[str, Floats]]:
    """Return the numbers of each training, [R], where the lesions of all of them are drawn again.

    A lesion that several trainings test is drawn as often for all of them.
    """
    import numpy as np

    lesions, place = np.unique(
        np.concatenate([np.asarray(own.lesions, dtype=str) for own in trainings]),
        return_inverse=True,
    )
    ends = np.cumsum([len(own.lesions) for own in trainings])[:-1]
    places = np.split(place, ends)
    parts: list[list[Mapping[str, Floats]]] = [[] for _ in trainings]
    for weights in draw_lesions(lesions.tolist(), replicates, seed):
        for own, images, numbers in zip(trainings, places, parts, strict=True):
            numbers.append(resample(metric, own, weights[:, images]))
    return [
        {name: np.concatenate([one[name] for one in numbers]) for name in numbers[0]}
        if numbers
        else {}
        for numbers in parts
    ]


def shared_lesions(trainings: Sequence[Predictions]) -> Floats:
    """Return the share of lesions that two trainings both test, float64 [S, S]."""
    import numpy as np

    tested = [set(own.lesions) for own in trainings]
    sizes = np.sqrt([len(own) for own in tested])
    both = np.array([[len(one & other) for other in tested] for one in tested])
    return np.asarray(both / np.outer(sizes, sizes), np.float64)
