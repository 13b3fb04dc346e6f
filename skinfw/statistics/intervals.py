"""How far any number may lie from the truth: its 95 % interval, by drawing lesions again.

Images of one lesion resemble each other, so that they are drawn together. The same seed draws the
same lesions, whatever the metric, so that intervals can be compared and repeated.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from skinfw.errors import AnswerError
from skinfw.interfaces.values import UNKNOWN, Auxiliary, Interval, Predictions, no_interval

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from skinfw.interfaces.protocols import Metric

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.integer[Any]]

LEVEL = 0.95
REPLICATES = 1000
MIN_LESIONS = 20
_BLOCK = 2**22  # weights held at once, 32 MB; metrics hold a few times as many
_PORTIONS = 200  # of the lesions, each left out once
_ALIKE = 1e-12  # how far apart replicates are that differ by rounding alone
_ASIDE = 0.7  # the share of replicates on one side of a number from which it counts as biased


@dataclass(frozen=True)
class Sample:
    """Hold one number, and what it becomes where the lesions are others.

    number: as measured.
    replicates: [R], with lesions drawn again; NaN where it could not be measured.
    left_out: [P], with a portion of the lesions left out.
    limits: what the number cannot leave; by default what its replicates tell.
    """

    number: float
    replicates: Floats
    left_out: Floats
    limits: tuple[float, float] | None = None

    def minus(self, other: Sample) -> Sample:
        """Return the difference to another number on the same lesions."""
        return Sample(
            self.number - other.number,
            self.replicates - other.replicates,
            self.left_out - other.left_out,
            range_of_difference(self._range(), other._range()),
        )

    def interval(self) -> Interval:
        """Return the 95 % interval: bias-corrected and accelerated (Efron 1987), see ADR 15.

        There is none where no draw changes the number: that nothing was seen to vary is no proof
        that nothing varies.
        """
        import numpy as np

        measured = self.replicates[~np.isnan(self.replicates)]
        if math.isnan(self.number):
            return no_interval()
        if not len(measured):
            return no_interval("no draw of the lesions measures it")
        low, high, method = self._ends(measured)
        if high - low <= _ALIKE:
            return no_interval("no draw of the lesions changes it")
        return Interval(low, high, method)

    def _ends(self, measured: Floats) -> tuple[float, float, str]:
        """Return both ends, and how they were made.

        measured: the replicates that are numbers.
        """
        import numpy as np

        tails = (1 - LEVEL) / 2, (1 + LEVEL) / 2
        below = float(np.mean(measured < self.number) + np.mean(measured <= self.number)) / 2
        if np.ptp(measured) and not 1 - _ASIDE < below < _ASIDE:
            # Noise moves it one way, as it does a calibration error; the truth lies the other way.
            drawn_to = np.quantile(measured, tails)
            turned = 2 * self.number - drawn_to[::-1]
            floor, ceiling = self._range()
            low, high = min(*drawn_to, *turned), max(*drawn_to, *turned)
            return max(floor, float(low)), min(ceiling, float(high)), "reflection"
        normal = NormalDist()
        bias = normal.inv_cdf(below) if 0 < below < 1 else 0.0
        shifted = [bias + normal.inv_cdf(tail) for tail in tails]
        skew = self._skew()
        places = [normal.cdf(bias + shift / (1 - skew * shift)) for shift in shifted]
        low, high = np.quantile(measured, places)
        return float(low), float(high), "bca"

    def _range(self) -> tuple[float, float]:
        return self.limits or natural_range(self.replicates)

    def _skew(self) -> float:
        """Return the acceleration: how lopsided the influence of the lesions is."""
        import numpy as np

        left_out = self.left_out[~np.isnan(self.left_out)]
        influence = left_out.mean() - left_out if len(left_out) else left_out
        spread = float((influence**2).sum())
        return float((influence**3).sum()) / (6 * spread**1.5) if spread > 1e-24 else 0.0


def natural_range(replicates: Floats) -> tuple[float, float]:
    """Return the range that a number keeps to: at least 0, or at most 1, where it never was not.

    replicates: of any shape.
    """
    import numpy as np

    seen = replicates[~np.isnan(replicates)]
    return (
        0.0 if len(seen) and seen.min() >= -_ALIKE else -math.inf,
        1.0 if len(seen) and seen.max() <= 1 + _ALIKE else math.inf,
    )


def range_of_difference(
    one: tuple[float, float], other: tuple[float, float]
) -> tuple[float, float]:
    """Return the range of a number less another one, from the ranges of both."""
    return one[0] - other[1], one[1] - other[0]


def sample_numbers(
    metric: Metric, predictions: Predictions, replicates: int, seed: int
) -> dict[str, Sample]:
    """Return every number of a metric with its replicates.

    metric: called with predictions; its `resample` is used where it has one.
    predictions: of one part.
    replicates: how often as many lesions as there are are drawn, with replacement.
    seed: of the draws.
    Replicates in which a class is absent do not count for its numbers, and in means it is left out.
    """
    import numpy as np

    drawn_again, left_out = (
        _join(metric, predictions, some)
        for some in (
            draw_lesions(predictions.lesions, replicates, seed),
            _portions(predictions.lesions, seed),
        )
    )
    nothing = np.empty(0)
    return {
        name: Sample(float(number), drawn_again.get(name, nothing), left_out.get(name, nothing))
        for name, number in metric(predictions).items()
    }


def _join(metric: Metric, predictions: Predictions, weights: Iterator[Floats]) -> dict[str, Floats]:
    """Return each number under all weights; NaN where a metric does not name it."""
    import numpy as np

    rows, replicates = [], []
    for some in weights:
        rows.append(len(some))
        replicates.append(resample(metric, predictions, some))
    names = dict.fromkeys(name for numbers in replicates for name in numbers)
    absent = [np.full(count, np.nan) for count in rows]
    return {
        name: np.concatenate(
            [numbers.get(name, nan) for numbers, nan in zip(replicates, absent, strict=True)]
        )
        for name in names
    }


def _portions(lesions: Sequence[str], seed: int) -> Iterator[Floats]:
    """Yield weights [P, N] that leave out each lesion once, alone where there are few of them."""
    import numpy as np

    from skinfw.runtime.seed import stream

    count, group = group_lesions(lesions)
    portions = min(count, _PORTIONS)
    portion = stream(seed, "left out").permutation(count)[group] % portions
    start = 0
    for rows in blocks(portions, len(group)):
        yield (portion[:, None] != np.arange(start, start + rows)).astype(np.float64).T
        start += rows


def count_lesions(predictions: Predictions) -> dict[str, int]:
    """Return how many lesions of each class there are."""
    lesions = [set[str]() for _ in predictions.classes]
    for label, lesion in zip(predictions.true.tolist(), predictions.lesions, strict=True):
        lesions[label].add(lesion)
    return {name: len(own) for name, own in zip(predictions.classes, lesions, strict=True)}


def few_lesions(predictions: Predictions, least: int = MIN_LESIONS) -> dict[str, int]:
    """Return the classes with fewer lesions than an interval needs to be believed, with how many.

    least: how many lesions are enough.
    """
    return {name: count for name, count in count_lesions(predictions).items() if count < least}


def draw_lesions(lesions: Sequence[str], replicates: int, seed: int) -> Iterator[Floats]:
    """Draw lesions with replacement; yield how often each image was drawn, some replicates at once.

    lesions: of each image, [N].
    Yields float64 [R, N], in all of them `replicates` rows.
    """
    import numpy as np

    from skinfw.runtime.seed import stream

    count, group = group_lesions(lesions)
    rng = stream(seed, "bootstrap")
    for rows in blocks(replicates, len(group)):
        draws = rng.integers(count, size=(rows, count))
        # Replicates side by side: metrics take the weights of an image in one piece.
        cells = draws * rows + np.arange(rows)[:, None]
        times = np.bincount(cells.ravel(), minlength=count * rows).reshape(count, rows)
        yield times.astype(np.float64)[group].T


def group_lesions(lesions: Sequence[str]) -> tuple[int, Integers]:
    """Return how many lesions there are, and the number of each image's lesion, int [N]."""
    import numpy as np

    names, group = np.unique(np.asarray(lesions, dtype=str), return_inverse=True)
    return len(names), group


def blocks(replicates: int, images: int) -> Iterator[int]:
    """Yield how many replicates to compute at once, so that their weights stay small."""
    most = max(1, _BLOCK // max(1, images))
    for start in range(0, replicates, most):
        yield min(most, replicates - start)


def resample(metric: Metric, predictions: Predictions, weights: Floats) -> Mapping[str, Floats]:
    """Return each number under each row of weights, as float64 [R].

    metric: without a method `resample` it is called once for each row.
    weights: float64 [R, N], how often each image counts.
    """
    import numpy as np

    own = getattr(metric, "resample", None)
    if own is not None:
        numbers: dict[str, Floats] = {}
        for name, values in own(predictions, weights).items():
            numbers[name] = np.asarray(values, np.float64)
            if numbers[name].shape != (len(weights),):
                raise AnswerError(
                    f'resamples "{name}" to {list(numbers[name].shape)}',
                    f"resample gives {len(weights)} numbers for {len(weights)} rows of weights",
                )
        return numbers
    rows = [metric(repeat_images(predictions, row)) if row.any() else {} for row in weights]
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: np.array([row.get(name, np.nan) for row in rows], float) for name in names}


def repeat_images(predictions: Predictions, times: Floats) -> Predictions:
    """Return predictions in which each image stands as often as told.

    times: [N], whole numbers.
    """
    import numpy as np

    places = np.repeat(np.arange(len(times)), times.astype(int))
    return select(predictions, places)


def select(predictions: Predictions, places: Integers) -> Predictions:
    """Return the predictions of some images, in the order of their places."""
    return replace(
        predictions,
        ids=[predictions.ids[place] for place in places],
        lesions=[predictions.lesions[place] for place in places],
        true=predictions.true[places],
        probabilities=predictions.probabilities[places],
        auxiliary={
            name: Auxiliary(answer.values, answer.true[places], answer.probabilities[places])
            for name, answer in predictions.auxiliary.items()
        },
        paths=[predictions.paths[place] for place in places] if predictions.paths else (),
    )


def add_unknown_class(predictions: Predictions) -> Predictions:
    """Return predictions whose last class is UNK, without probability where it was none before."""
    import numpy as np

    if UNKNOWN in predictions.classes:
        return predictions
    never = np.zeros((len(predictions.ids), 1))
    return replace(
        predictions,
        probabilities=np.concatenate([predictions.probabilities, never], axis=1),
        classes=(*predictions.classes, UNKNOWN),
    )


def concatenate(several: Sequence[Predictions]) -> Predictions:
    """Return several predictions of the same classes as one, each behind the one before."""
    import numpy as np

    first = several[0]
    all_known = all(one.paths for one in several)
    shared = [name for name in first.auxiliary if all(name in other.auxiliary for other in several)]
    return replace(
        first,
        ids=[name for one in several for name in one.ids],
        lesions=[name for one in several for name in one.lesions],
        true=np.concatenate([one.true for one in several]),
        probabilities=np.concatenate([one.probabilities for one in several]),
        auxiliary={
            name: Auxiliary(
                first.auxiliary[name].values,
                np.concatenate([one.auxiliary[name].true for one in several]),
                np.concatenate([one.auxiliary[name].probabilities for one in several]),
            )
            for name in shared
        },
        paths=[path for one in several for path in one.paths] if all_known else (),
    )
