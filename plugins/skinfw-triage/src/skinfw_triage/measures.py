"""What a rule gives: its cost, what it misses, biopsies and defers, with intervals over lesions.

All of these are sums of six rates: how often a malignant and a benign lesion is dismissed, deferred
and biopsied. So a number at another prevalence needs nothing but other weights of the classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from skinfw_triage.costs import ACTIONS, BIOPSY, DEFER, DISMISS, Costs
from skinfw_triage.lesions import Floats, Lesions
from skinfw_triage.rules import Band

Number = dict[str, float]
DRAWS = 4000
_LEVEL = 0.95
_PRIOR = 0.5
_ROUNDING = 1e-9


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

    The rates of a class are drawn from a Dirichlet distribution, the counts and 1/2 for each action
    that is possible: the interval of Jeffreys where there are two (Brown, Cai and DasGupta 2001).
    It has a width where nothing was missed, too.

    counts: from `count_actions`.
    weights: from `weights_of`.
    possible: which actions the rule takes at all; where it is one, nothing was measured, and there
        is no interval.
    rng: of the draws; None for no intervals.
    Numbers that need a class without lesions are NaN.
    """
    totals = counts.sum(1, keepdims=True)
    rates = np.divide(counts, totals, out=np.full(counts.shape, np.nan), where=totals > 0)
    drawn = None
    if rng is not None and sum(possible) > 1:
        shapes = counts + _PRIOR * np.asarray(possible)
        draws = rng.standard_gamma(shapes, (DRAWS, *shapes.shape))
        drawn = draws / draws.sum(2, keepdims=True)
    return {name: _number(rates, drawn, own) for name, own in weights.items()}


def _number(rates: Floats, drawn: Floats | None, weights: Floats) -> Number:
    needed = (weights != 0).any(1)
    value = float((rates[needed] * weights[needed]).sum())
    if drawn is None or np.isnan(value):
        return {"value": value, "low": float("nan"), "high": float("nan")}
    sums: Any = (drawn * weights).sum((1, 2))
    if np.ptp(sums) <= _ROUNDING * max(abs(value), 1.0):  # the same whatever the lesions
        return {"value": value, "low": float("nan"), "high": float("nan")}
    low, high = np.quantile(sums, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    # Where no lesion, or every one, was acted on so, the prior would lift the end off the number.
    return {"value": value, "low": min(float(low), value), "high": max(float(high), value)}
