"""What a rule gives: its cost, what it misses, biopsies and defers, with intervals over lesions.

All of these are sums of six rates: how often a malignant and a benign lesion is dismissed, deferred
and biopsied. So a number at another prevalence needs nothing but other weights of the classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from skinfw_triage.costs import ACTIONS, BIOPSY, DEFER, DISMISS, Costs
from skinfw_triage.lesions import Floats, Lesions
from skinfw_triage.rules import Band

Number = dict[str, float]
DRAWS = 10_000
_TAIL = 0.025


def weights_of(costs: Costs, prevalence: float) -> dict[str, Floats]:
    """Return what each rate adds to each number, [2, actions]; malignant lesions come first.

    deferred: the share of lesions that the reader sees.
    missed_alone: the share of malignant lesions that the network dismisses.
    missed: the same with those that the reader misses.
    biopsied: the share of benign lesions that are biopsied, by the network or by the reader.
    cost: per lesion.
    """
    weights = {
        name: np.zeros((2, ACTIONS))
        for name in ("deferred", "missed_alone", "missed", "biopsied", "cost")
    }
    share = np.array([prevalence, 1 - prevalence])
    weights["deferred"][:, DEFER] = share
    weights["missed_alone"][0, DISMISS] = 1
    weights["missed"][0, [DISMISS, DEFER]] = 1, 1 - costs.sensitivity
    weights["biopsied"][1, [BIOPSY, DEFER]] = 1, 1 - costs.specificity
    weights["cost"][:, DEFER] = share * costs.of_deferring()
    weights["cost"][0, DISMISS] = prevalence * costs.missed
    weights["cost"][1, BIOPSY] = (1 - prevalence) * costs.biopsy
    return weights


def count_actions(band: Band, lesions: Lesions) -> npt.NDArray[np.int64]:
    """Return how many lesions of each class a rule dismisses, defers and biopsies, [2, actions]."""
    cells = ACTIONS * ~lesions.malignant + band.actions(lesions.chance)
    return np.bincount(cells, minlength=2 * ACTIONS).reshape(2, ACTIONS)


def measure(
    counts: npt.NDArray[np.int64],
    weights: dict[str, Floats],
    possible: Sequence[bool] = (True, True, True),
    rng: np.random.Generator | None = None,
) -> dict[str, Number]:
    """Return each number with the ends of its 95 % interval.

    The upper end is a quantile of the number where the rates of a class have the Dirichlet
    distribution of its counts and one lesion more of what adds most; for the lower end it is one of
    what adds least (Gaffke 2005, as in Learned-Miller and Thomas 2019, arXiv 1905.06208). For a
    single rate this is the interval of Clopper and Pearson 1934. It has a width where nothing was
    missed, too.

    counts: from `count_actions`.
    weights: from `weights_of`.
    possible: which actions the rule takes at all; what they cannot change has no interval.
    rng: of the draws; None for no intervals.
    Numbers that need a class without lesions are NaN.
    """
    totals = counts.sum(1, keepdims=True)
    rates = np.divide(counts, totals, out=np.full(counts.shape, np.nan), where=totals > 0)
    able = np.flatnonzero(possible)
    ends = None if rng is None else _Ends(counts[:, able], rng)
    numbers = {}
    for name, own in weights.items():
        needed = (own != 0).any(1)
        value = float((rates[needed] * own[needed]).sum())
        low = high = float("nan")
        if ends and value == value and np.ptp(own[:, able], axis=1).any():
            low, high = ends.of(own[:, able])
        numbers[name] = {"value": value, "low": low, "high": high}
    return numbers


class _Ends:
    """Draw what the rates of a rule may be, once for all numbers, so that these agree."""

    def __init__(self, counts: npt.NDArray[np.int64], rng: np.random.Generator) -> None:
        """Draw lesions, and one lesion more, of each class; as shares these are Dirichlet."""
        self.lesions = rng.standard_gamma(counts, (DRAWS, *counts.shape))
        self.more = rng.standard_exponential((DRAWS, len(counts)))
        self.total = self.lesions.sum(2) + self.more

    def of(self, weights: Floats) -> tuple[float, float]:
        """Return both ends of a number's interval."""
        sums = (self.lesions * weights).sum(2)
        least, most = (
            ((sums + self.more * one) / self.total).sum(1)
            for one in (weights.min(1), weights.max(1))
        )
        return float(np.quantile(least, _TAIL)), float(np.quantile(most, 1 - _TAIL))
