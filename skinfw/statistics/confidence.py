"""The 95 % interval of every number of a metric, each by the method that holds for it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skinfw.errors import AnswerError
from skinfw.interfaces.compositions import Area, Composition, Mean, Rate
from skinfw.interfaces.protocols import ComposedMetric, RestingMetric
from skinfw.interfaces.values import Interval, Predictions, no_interval
from skinfw.statistics.intervals import (
    LEVEL,
    REPLICATES,
    Sample,
    count_lesions,
    few_lesions,
    group_lesions,
    sample_numbers,
)
from skinfw.statistics.shares import Share, combine, estimate_share

if TYPE_CHECKING:
    from skinfw.interfaces.protocols import Metric

INTERVAL_METHODS = {
    "korn-graubard": (
        "Clopper-Pearson on the effective sample size of the lesions (Korn and Graubard 1998)"
    ),
    "obuchowski": (
        "Clopper-Pearson on the effective sample size by the variance over lesions of "
        "Obuchowski (1997)"
    ),
    "mover": "the intervals of its parts put together (MOVER, Zou and Donner 2008)",
    "bca": "lesions drawn again, bias-corrected and accelerated (Efron 1987)",
    "reflection": "lesions drawn again, the draws and their reflection about the number",
    "cochran": "lesions and seeds together, each with its critical value (Cochran 1964)",
}
"""How intervals are made, by the words that `Interval.method` has for it."""

LEAST_DRAWN = 10
"""How many lesions a number that is drawn again must rest on; with five, 0.7 to 0.8 hold."""


@dataclass(frozen=True)
class ComposedNumber:
    """Hold a number as the estimates that it is the mean of.

    method: how its interval is made.
    parts: those that have images; none where there is nothing to measure.
    """

    method: str
    parts: tuple[Share, ...]

    @property
    def value(self) -> float:
        """The number; NaN where it has no part."""
        own = [one.ends()[0] for one in self.parts]
        return sum(own) / len(own) if own else math.nan

    def interval(self) -> Interval:
        """Return its 95 % interval."""
        if not self.parts:
            return no_interval()
        _, low, high = combine(self.parts, self._weights())
        return Interval(low, high, self.method)

    def interval_of_difference(self, other: ComposedNumber) -> Interval:
        """Return the 95 % interval of this number less another one on the same lesions."""
        if not self.parts or not other.parts:
            return no_interval()
        weights = [*self._weights(), *(-weight for weight in other._weights())]
        _, low, high = combine((*self.parts, *other.parts), weights)
        return Interval(low, high, "mover")

    def _weights(self) -> list[float]:
        return [1 / len(self.parts)] * len(self.parts)


def confidence_intervals(
    metric: Metric, predictions: Predictions, replicates: int = REPLICATES, seed: int = 0
) -> dict[str, Interval]:
    """Return the 95 % interval of every number of a metric, over lesions.

    metric: called with predictions. Numbers that its `composition` has as rates, areas or means
        get intervals by formula; for the others lesions are drawn again.
    predictions: of one part.
    replicates, seed: of the lesions that are drawn again; 0 makes no intervals at all.
    What is not measured has the interval (NaN, NaN), and so has what has none, with the reason.
    """
    if not replicates:
        return {}
    numbers = metric(predictions)
    composed = composed_numbers(metric, predictions, numbers)
    intervals = {name: own.interval() for name, own in composed.items()}
    if numbers.keys() - intervals.keys():
        samples = sample_numbers(metric, predictions, replicates, seed)
        drawn = {name: samples[name] for name in samples.keys() - intervals.keys()}
        intervals |= _drawn_intervals(metric, drawn, predictions)
    return {name: intervals[name] for name in numbers}


def difference_intervals(
    metric: Metric, first: Predictions, second: Predictions, replicates: int, seed: int
) -> dict[str, Interval]:
    """Return the 95 % interval of each number of the first less that of the second predictions.

    metric, replicates, seed: as `confidence_intervals` takes them.
    first, second: of the same images in the same order, which both have the lesions of the first.
    """
    numbers, others = metric(first), metric(second)
    one = composed_numbers(metric, first, numbers)
    two = composed_numbers(metric, second, others)
    intervals = {
        name: one[name].interval_of_difference(two[name]) for name in one.keys() & two.keys()
    }
    shared = [name for name in numbers if name in others]
    if drawn := set(shared) - intervals.keys():
        samples, minus = (sample_numbers(metric, own, replicates, seed) for own in (first, second))
        apart = {name: samples[name].minus(minus[name]) for name in drawn}
        intervals |= _drawn_intervals(metric, apart, first)
    return {name: intervals[name] for name in shared}


def _drawn_intervals(
    metric: Metric, samples: Mapping[str, Sample], predictions: Predictions
) -> dict[str, Interval]:
    """Return the intervals of numbers that are drawn; none for what has too few lesions to draw."""
    every, counts = len(set(predictions.lesions)), count_lesions(predictions)
    told = metric.rests_on(predictions) if isinstance(metric, RestingMetric) else {}
    intervals = {}
    for name, sample in samples.items():
        lesions = told.get(name, counts.get(name.rpartition("/")[2], every))
        few = f"fewer than {LEAST_DRAWN} lesions to draw from"
        scarce = lesions < LEAST_DRAWN and not math.isnan(sample.number)
        intervals[name] = no_interval(few) if scarce else sample.interval()
    return intervals


def composed_numbers(
    metric: Metric, predictions: Predictions, numbers: Mapping[str, float]
) -> dict[str, ComposedNumber]:
    """Return those numbers of a metric that it says the parts of.

    numbers: what the metric measures of the predictions.
    Raises AnswerError where the parts are none, or do not give the number.
    """
    if not isinstance(metric, ComposedMetric):
        return {}
    lesions, lesion = group_lesions(predictions.lesions)
    known: dict[int, Share | None] = {}  # a part may stand in several numbers

    def estimate_once(part: Rate | Area) -> Share | None:
        if id(part) not in known:
            known[id(part)] = estimate_share(part, lesion, lesions)
        return known[id(part)]

    composed = {}
    for name, own in metric.composition(predictions).items():
        parts = _parts(name, own, len(lesion))
        estimates = [one for part in parts if (one := estimate_once(part)) is not None]
        method = "mover" if isinstance(own, Mean) else _method(own)
        composed[name] = ComposedNumber(method, tuple(estimates))
        _check_value(name, composed[name].value, float(numbers.get(name, math.nan)))
    return composed


def _method(part: Rate | Area) -> str:
    return "korn-graubard" if isinstance(part, Rate) else "obuchowski"


def _parts(name: str, own: Composition, images: int) -> list[Rate | Area]:
    """Return the parts of a composition; raise AnswerError where it is none."""
    parts = list(own.parts) if isinstance(own, Mean) else [own]
    for part in parts:
        arrays: list[Any] = []
        if isinstance(part, Rate):
            arrays = [part.successes, part.members]
        elif isinstance(part, Area):
            arrays = [part.positive, part.scores]
        if not arrays or any(getattr(array, "shape", None) != (images,) for array in arrays):
            raise AnswerError(
                f'composes "{name}" of {type(part).__name__}',
                f"a number is a Rate, an Area or a Mean of them, with arrays [{images}]",
            )
    return parts


def _check_value(name: str, value: float, number: float) -> None:
    if math.isnan(value) and math.isnan(number):
        return
    if not math.isclose(value, number, rel_tol=1e-6, abs_tol=1e-9):
        raise AnswerError(
            f'composes "{name}" to {value:.6g}, where it measures {number:.6g}',
            "what a number is made of gives the number; intervals rest on it",
        )


def intervals_record(
    predictions: Mapping[str, Predictions],
    intervals: Mapping[str, Mapping[str, Interval]],
    replicates: int,
) -> dict[str, Any]:
    """Return what intervals.json holds.

    predictions, intervals: by part.
    replicates: of the lesions that were drawn again.
    """
    used = {one.method for own in intervals.values() for one in own.values()}
    return {
        "level": LEVEL,
        "methods": {method: said for method, said in INTERVAL_METHODS.items() if method in used},
        "replicates": replicates,
        "parts": {
            part: {
                "images": len(own.ids),
                "lesions": len(set(own.lesions)),
                "few_lesions": few_lesions(own),
                "intervals": intervals[part],
                "method": {name: one.method for name, one in intervals[part].items() if one.method},
                "no_interval": {
                    name: one.reason for name, one in intervals[part].items() if one.reason
                },
            }
            for part, own in predictions.items()
        },
    }
