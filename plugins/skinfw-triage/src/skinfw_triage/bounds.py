"""Limits below which the network dismisses alone, so that what it misses is bounded.

The risk is the share of the malignant lesions whose chance lies below the limit. Let n malignant
lesions of validation be exchangeable with new ones, and k of them lie below the limit, which is the
chance of the next one.

- On average over validation parts the risk is at most (k + 1) / (n + 1). This is conformal risk
  control (Angelopoulos et al. 2022, arXiv 2208.02814, theorem 1) for a loss of 0 or 1.
- Over validation parts the risk is distributed as Beta(k + 1, n - k), or below it where chances
  tie. So it exceeds a share with the chance that a binomial of n lesions gives at most k misses
  (Wilks 1941; Vovk 2012, arXiv 1209.2673, proposition 2b). The highest limit for which that chance
  is small is the one at which the upper bound of Clopper and Pearson 1934 reaches the share; to
  learn and then test with the exact binomial test (Angelopoulos et al. 2021, arXiv 2110.01052)
  chooses it, too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from skinfw_triage.lesions import Floats

_ROUNDING = 1e-9


@dataclass(frozen=True)
class MissBound:
    """Hold a limit, and what is promised of it.

    lesions: malignant lesions of validation, n.
    least: how many are needed.
    below: how many of them lie below the limit, k; -1 where nothing is promised.
    limit: a lesion may be dismissed whose chance lies below; minus infinity where nothing is
        promised.
    risk: the share of malignant lesions below the limit, on average over validation parts, at most;
        NaN where nothing is promised.
    confidence: with which that share is at most what was asked for; NaN alike.
    """

    lesions: int
    least: int
    below: int
    limit: float
    risk: float
    confidence: float

    @property
    def guaranteed(self) -> bool:
        """Whether anything is promised."""
        return self.below >= 0


def bound_on_average(chance: Floats, share: float) -> MissBound:
    """Return the highest limit whose risk is at most a share on average.

    chance: [n], of the malignant lesions of validation.
    share: in (0, 1).
    """
    below = min(math.floor(share * (len(chance) + 1) + _ROUNDING), len(chance)) - 1
    return _bound(chance, share, below, math.ceil(1 / share - 1 - _ROUNDING))


def bound_with_confidence(chance: Floats, share: float, confidence: float) -> MissBound:
    """Return the highest limit whose risk is at most a share, with a confidence.

    chance: [n], of the malignant lesions of validation.
    share, confidence: in (0, 1).
    """
    misses = np.arange(len(chance))
    allowed = binom.cdf(misses, len(chance), share) <= 1 - confidence + _ROUNDING
    least = math.ceil(math.log1p(-confidence) / math.log1p(-share) - _ROUNDING)
    return _bound(chance, share, int(allowed.sum()) - 1, least)


def _bound(chance: Floats, share: float, below: int, least: int) -> MissBound:
    """Return the limit below which so many lesions lie."""
    count = len(chance)
    if below < 0:
        return MissBound(count, least, -1, -math.inf, math.nan, math.nan)
    return MissBound(
        lesions=count,
        least=least,
        below=below,
        limit=float(np.sort(chance)[below]),
        risk=(below + 1) / (count + 1),
        confidence=1 - float(binom.cdf(below, count, share)),
    )
