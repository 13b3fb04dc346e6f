"""Two models on the same lesions: how far their numbers differ, and whether chance could do it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skinfw import Interval, Predictions, SkinfwError, concatenate, select
from skinfw.toolkit import REPLICATES, blocks, difference_intervals, group_lesions, resample

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from skinfw import Metric

    Floats = npt.NDArray[np.float64]

_ROUNDING = 1e-12


@dataclass(frozen=True)
class Difference:
    """Hold one number of two models.

    first, second: as measured.
    difference: first less second.
    interval: the 95 % interval of the difference, over the lesions that both models see.
    p: how often a difference at least as large comes about where each lesion's predictions are
        given to the one or the other model by chance; NaN where there is nothing to measure.
    """

    first: float
    second: float
    difference: float
    interval: Interval
    p: float


def compare(
    metric: Metric,
    first: Predictions,
    second: Predictions,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> dict[str, Difference]:
    """Return the difference of every number of a metric between two models.

    metric: called with predictions; its `resample` and its `composition` are used where it has
        them.
    first, second: of the same images; their order may differ.
    replicates: how often lesions are drawn again, and how often they are exchanged.
    seed: of both.
    Raises SkinfwError where images, classes, labels or lesions are not the same.
    """
    second = align(first, second)
    ones, others = metric(first), metric(second)
    intervals = difference_intervals(metric, first, second, replicates, seed)
    chances = _chances(metric, first, second, replicates, seed)
    return {
        name: Difference(
            float(ones[name]),
            float(others[name]),
            float(ones[name]) - float(others[name]),
            interval,
            chances.get(name, math.nan),
        )
        for name, interval in intervals.items()
    }


def align(first: Predictions, second: Predictions) -> Predictions:
    """Return the second predictions in the order of the first ones.

    Raises SkinfwError where they are not of the same images, classes, labels and lesions.
    """
    import numpy as np

    if first.classes != second.classes:
        raise _unequal("classes", ", ".join(first.classes), ", ".join(second.classes))
    places = {name: place for place, name in enumerate(second.ids)}
    if len(places) != len(first.ids) or places.keys() != set(first.ids):
        shared = f"{len(places.keys() & set(first.ids)):,} of them in both"
        raise _unequal("images", f"{len(first.ids):,}", f"{len(second.ids):,}, {shared}")
    second = select(second, np.array([places[name] for name in first.ids]))
    for name, one, other, mine, theirs in zip(
        first.ids, first.true.tolist(), second.true.tolist(), first.lesions, second.lesions,
        strict=True,
    ):  # fmt: skip
        if one != other:
            raise _unequal(f"true classes of {name}", first.classes[one], first.classes[other])
        if mine != theirs:
            raise _unequal(f"lesions of {name}", mine, theirs)
    return second


def _unequal(what: str, one: str, other: str) -> SkinfwError:
    return SkinfwError(
        f"two sets of predictions cannot be compared: their {what} differ",
        why=f"the first has {one}; the second {other}",
        cure="compare runs with the same test lesions: the same data set, split and split.seed",
    )


def _chances(
    metric: Metric, first: Predictions, second: Predictions, replicates: int, seed: int
) -> Mapping[str, float]:
    """Return the p-value of each number, by exchanging the two models lesion by lesion.

    Both sets stand behind each other, and weights of 0 and 1 say whose predictions count.
    """
    import numpy as np

    from skinfw.toolkit import stream

    both, images = concatenate([first, second]), len(first.ids)
    count, group = group_lesions(first.lesions)
    rng = stream(seed, "exchange")
    as_is = np.repeat([1.0, 0.0], images)[None]
    measured = {name: abs(float(values[0])) for name, values in _apart(metric, both, as_is).items()}
    reached, tried = (dict.fromkeys(measured, 1) for _ in range(2))  # as they are is one way
    for rows in blocks(replicates, 2 * images):
        exchanged = rng.integers(2, size=(rows, count))[:, group].astype(float)
        weights = np.concatenate([1 - exchanged, exchanged], 1)
        values = _apart(metric, both, weights)
        for name in measured.keys() & values.keys():
            reached[name] += int((np.abs(values[name]) >= measured[name] - _ROUNDING).sum())
            tried[name] += int((~np.isnan(values[name])).sum())
    return {
        name: math.nan if math.isnan(distance) else reached[name] / tried[name]
        for name, distance in measured.items()
    }


def _apart(metric: Metric, both: Predictions, weights: Floats) -> dict[str, Floats]:
    """Return the numbers under weights less those under what they leave, [R]."""
    ones, others = (resample(metric, both, some) for some in (weights, 1 - weights))
    return {name: ones[name] - others[name] for name in ones if name in others}
