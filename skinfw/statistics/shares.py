"""Rates and areas of images of lesions: the number, its effective sample size and its interval.

Images of one lesion resemble each other, so that they say less than as many lesions would. A number
p whose variance over lesions is v is worth p (1 - p) / v independent ones, and has the interval of
Clopper and Pearson (1934) with so many. That is right at 0 and 1 and has always a width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skinfw.interfaces.compositions import Area, Rate
from skinfw.statistics.intervals import LEVEL

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.integer[Any]]

PRIOR_LESIONS = 10
"""How many lesions the expected spread of an area, or no correlation, is worth beside what is seen.

By simulation the fewest with which areas hold on 5 lesions, also where the scores of a class spread
twice as far as those of the rest.
"""


@dataclass(frozen=True)
class Share:
    """Hold a rate or an area.

    value: in [0, 1].
    size: how many independent images it is worth.
    lesions: how many it rests on; of an area, those of the side that has fewer.
    influence: [G], what each lesion adds to the error; the sum of squares is the variance.
    f1: whether the number is 2 p / (1 + p) of this rate.
    """

    value: float
    size: float
    lesions: int
    influence: Floats
    f1: bool = False

    def ends(self) -> tuple[float, float, float]:
        """Return the number with the lower and the upper end of its 95 % interval."""
        ends = (self.value, *clopper_pearson(self.value, self.size))
        if self.f1:
            ends = (2 * ends[0] / (1 + ends[0]), 2 * ends[1] / (1 + ends[1]),
                    2 * ends[2] / (1 + ends[2]))  # fmt: skip
        return ends


def clopper_pearson(share: float, size: float) -> tuple[float, float]:
    """Return the 95 % interval of a share (Clopper and Pearson 1934, by the beta distribution).

    share: in [0, 1].
    size: of how many independent ones; need not be whole.
    """
    from scipy.special import betaincinv

    successes, tail = share * size, (1 - LEVEL) / 2
    failures = size - successes
    low = betaincinv(successes, failures + 1, tail) if share > 0 else 0.0
    high = betaincinv(successes + 1, failures, 1 - tail) if share < 1 else 1.0
    return float(low), float(high)


def estimate_share(part: Rate | Area, lesion: Integers, lesions: int) -> Share | None:
    """Return a rate or an area over lesions; None where it has no image.

    lesion: int [N], that of each image.
    lesions: how many there are, G.
    """
    if isinstance(part, Rate):
        return _rate_share(part, lesion, lesions)
    return _area_share(part, lesion, lesions)


def _rate_share(rate: Rate, lesion: Integers, lesions: int) -> Share | None:
    """Return a rate with its size by Korn and Graubard (1998).

    The variance is the linearised one of a ratio of lesion totals. Few lesions estimate it badly,
    for which the quantiles of t with their degrees of freedom make up, as far as images that are
    all alike within a lesion would. At 0 and 1 it cannot be estimated, and images count as alike
    within a lesion.
    """
    import numpy as np

    members = np.bincount(lesion, rate.members, lesions)
    hits = np.bincount(lesion, rate.successes & rate.members, lesions)
    images, shown = float(members.sum()), int((members > 0).sum())
    if not images:
        return None
    value = float(hits.sum()) / images
    influence = (hits - value * members) / images * math.sqrt(shown / max(shown - 1, 1))
    alike = images**2 / float((members**2).sum())  # as many lesions as there are, if all are equal
    variance, size = float((influence**2).sum()), alike
    if 0 < value < 1 and shown > 1:
        worth = value * (1 - value) / max(variance, 1e-300)
        unsure = worth * (_t_quantile(images - 1) / _t_quantile(shown - 1)) ** 2
        size = min(images, worth, max(unsure, alike))
    return Share(value, size, shown, influence, rate.f1)


def _t_quantile(freedom: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + LEVEL) / 2))


def _area_share(area: Area, lesion: Integers, lesions: int) -> Share | None:
    """Return an area with its size by the variance of Obuchowski (1997), steadied where few say it.

    Each side's part of the variance is put together with the one that Hanley and McNeil (1982)
    expect of such an area, the larger of their two terms, as if ten more lesions had shown it. At
    0 and 1 nothing is seen of the spread, and the expected one is all there is: there the size is
    the harmonic mean of the lesions of both sides.
    """
    import numpy as np

    sides = [area.positive, ~area.positive]
    if not all(side.any() for side in sides):
        return None
    first, second = (np.sort(area.scores[side]) for side in sides)
    above = _placements(area.scores[sides[0]], second)
    below = 1 - _placements(area.scores[sides[1]], first)
    value = float(above.mean())
    influence, shown, spreads = np.zeros(lesions), [], []
    for side, places in zip(sides, (above, below), strict=True):
        own = lesion[side]
        count = len(np.unique(own))
        error = np.bincount(own, places - value, lesions) / len(places)
        error *= math.sqrt(count / max(count - 1, 1))
        influence += error
        shown.append(count)
        spreads.append(float((error**2).sum()))
    inner = 0 < value < 1
    expected = max(value / (1 + value), (1 - value) / (2 - value))
    both = max(0.0, 1 - 2 * expected) / (shown[0] * shown[1])
    for count, spread in zip(shown, spreads, strict=True):
        seen = spread / (value * (1 - value)) if inner else 0.0
        more, freedom = expected / count, count - 1
        both += (
            (freedom * seen + PRIOR_LESIONS * more) / (freedom + PRIOR_LESIONS) if inner else more
        )
    return Share(value, 1 / both, min(shown), influence)


def _placements(scores: Any, others: Any) -> Floats:
    """Return the share of others that each score exceeds, a tie counting half.

    others: from the lowest up.
    """
    import numpy as np

    lower, upper = (np.searchsorted(others, scores, side=side) for side in ("left", "right"))
    return np.asarray((lower + upper) / (2 * len(others)))


def combine(shares: Sequence[Share], weights: Sequence[float]) -> tuple[float, float, float]:
    """Return a weighted sum with the ends of its interval, by MOVER (Zou and Donner 2008).

    The distances from each number to its own ends are put together as errors are, with the
    correlation that the lesions they share give them. What few lesions say of a correlation counts
    less: it is as if ten more had shown none.

    weights: one for each, of either sign.
    """
    import numpy as np

    ends = np.array([one.ends() for one in shares])
    influence = np.array([one.influence for one in shares])
    lesions = np.array([one.lesions for one in shares])
    length = np.sqrt((influence**2).sum(1))
    unit = np.divide(influence, length[:, None], out=np.zeros_like(influence),
                     where=length[:, None] > 0)  # fmt: skip
    shared = np.minimum.outer(lesions, lesions)
    correlation = (unit @ unit.T) * shared / (shared + PRIOR_LESIONS)
    np.fill_diagonal(correlation, 1.0)
    signs = np.array(weights)
    down, up = ends[:, 0] - ends[:, 1], ends[:, 2] - ends[:, 0]
    value = float(signs @ ends[:, 0])
    below, above = (signs * np.where(signs > 0, *pair) for pair in ((down, up), (up, down)))
    low, high = (math.sqrt(max(0.0, float(own @ correlation @ own))) for own in (below, above))
    return value, value - low, value + high
