"""Numbers of predictions under many weightings of the same images at once, for metrics and reports.

A weighting says how often each image was drawn. Weights come as [R, N] and are used as [N, R], the
R replicates last and side by side, so that one line computes all of them.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from skinfw.interfaces.compositions import Area as Area
from skinfw.interfaces.compositions import Composition as Composition
from skinfw.interfaces.compositions import Mean as Mean
from skinfw.interfaces.compositions import Rate as Rate
from skinfw.interfaces.protocols import ResamplingMetric
from skinfw.interfaces.values import Predictions

Floats = npt.NDArray[np.floating[Any]]
Integers = npt.NDArray[np.integer[Any]]
Booleans = npt.NDArray[np.bool_]
Bins = Literal["width", "mass"]


class WeightedMetric(ABC):
    """A metric that computes many weightings at once; a plain call counts each image once."""

    def __call__(self, predictions: Predictions) -> dict[str, float]:
        """Return the named numbers; those of one class are called `name/CLASS`."""
        return count_once(self, predictions)

    @abstractmethod
    def resample(self, predictions: Predictions, weights: Floats) -> Mapping[str, Floats]:
        """Return each number, float64 [R], under each row of weights [R, N]."""


def count_once(metric: ResamplingMetric, predictions: Predictions) -> dict[str, float]:
    """Return the numbers of a metric where each image counts once."""
    once = metric.resample(predictions, np.ones((1, len(predictions.true))))
    return {name: float(values[0]) for name, values in once.items()}


def by_image(weights: Floats) -> Floats:
    """Return weights [R, N] as [N, R], replicates side by side."""
    return np.ascontiguousarray(weights.T, np.float64)


def weight_in_bins(
    weights: Floats, bins: Integers, count: int, values: npt.NDArray[Any] | None = None
) -> Floats:
    """Return the weight of the images in each bin, [count, R].

    weights: [N, R].
    bins: the bin of each image, [N].
    values: what each image adds, times its weight; one unless given.
    """
    images = np.arange(len(bins))
    added = np.ones(len(bins)) if values is None else np.asarray(values, np.float64)
    return np.asarray(csr_array((added, (bins, images)), shape=(count, len(bins))) @ weights)


def confusion_matrix(true: Integers, predicted: Integers, count: int, weights: Floats) -> Floats:
    """Return images by true class (rows) and predicted class (columns).

    predicted: [N], a class or -1 for none.
    weights: [N, R].
    Returns [count, count + 1, R]; the last column holds those that are predicted as nothing.
    """
    cells = true * (count + 1) + predicted % (count + 1)
    return weight_in_bins(weights, cells, count * (count + 1)).reshape(count, count + 1, -1)


def ratio(part: Any, whole: Any) -> Floats:
    """Divide; NaN where there is nothing to divide by."""
    part, whole = np.broadcast_arrays(part, whole)
    out = np.full(part.shape, math.nan)
    return np.asarray(np.divide(part, whole, out=out, where=whole > 0))


def mean_among(values: npt.NDArray[Any], among: Booleans, weights: Floats) -> Floats:
    """Return weighted means over some images, [R]; NaN where these have no weight.

    values: [N].
    among: bool [N], the images that are meant.
    weights: [N, R].
    """
    counted = weights[among]
    return ratio(values[among].astype(np.float64) @ counted, counted.sum(0))


def mean_of_measured(values: Floats) -> Floats:
    """Return the mean over the first axis of what was measured; NaN where nothing was.

    values: such as the sensitivity of each class in every replicate, [C, R].
    """
    measured = ~np.isnan(values)
    return ratio(np.where(measured, values, 0.0).sum(0), measured.sum(0))


def negative_log_likelihood(predictions: Predictions, weights: Floats) -> Floats:
    """Return the mean negative log of the true class's probability, [R].

    weights: [N, R].
    """
    chances, true = predictions.probabilities, predictions.true
    own = np.maximum(chances[np.arange(len(true)), true], np.finfo(float).tiny)
    return ratio(-np.log(own) @ weights, weights.sum(0))


def brier_score(predictions: Predictions, weights: Floats) -> Floats:
    """Return the mean squared distance to the truth, over all classes, from 0 to 2, [R].

    weights: [N, R]. Source: Brier 1950.
    """
    chances = predictions.probabilities
    truth = np.eye(chances.shape[1])[predictions.true]
    return ratio(((chances - truth) ** 2).sum(1) @ weights, weights.sum(0))


def calibration_error(
    predictions: Predictions, weights: Floats, bins: int = 15, cut: Bins = "width"
) -> Floats:
    """Return the mean gap between how sure the network is and how often it is right, [R].

    weights: [N, R].
    bins: how many bins.
    cut: bins of equal "width" (Guo et al. 2017, arXiv 1706.04599), or of equal "mass", with equal
        weight in each (Nguyen and O'Connor 2015, arXiv 1508.05154); there, images on the border of
        two bins, or equally sure, are shared.
    """
    sure = predictions.probabilities.max(1)
    surprise = (predictions.predicted == predictions.true) - sure
    if cut == "width":
        places = width_bins(sure, bins)
        gaps = np.abs(weight_in_bins(weights, places, bins, surprise)).sum(0)
    else:
        gaps = _gaps_of_equal_mass(sure, surprise, weights, bins)
    return ratio(gaps, weights.sum(0))


def width_bins(confidence: npt.NDArray[Any], bins: int) -> Integers:
    """Return the bin of each image [N] in ranges of equal width; a bin holds its upper border.

    confidence: [N], in [0, 1].
    """
    borders = np.linspace(0, 1, bins + 1)[1:-1]
    return np.searchsorted(borders, confidence, side="left")


def _gaps_of_equal_mass(sure: Floats, surprise: Floats, weights: Floats, bins: int) -> Floats:
    """Return the sum over bins of equal weight of what confidence and truth differ by, [R].

    The surprise summed from the least to the most sure image is a line over the weight that lies
    behind, straight within a tie. A bin adds what the line rises between its borders.
    """
    distinct, places = np.unique(sure, return_inverse=True)
    masses = weight_in_bins(weights, places, len(distinct))
    steps = weight_in_bins(weights, places, len(distinct), surprise)
    behind, line = masses.cumsum(0), steps.cumsum(0)
    heights = [np.zeros(weights.shape[1])]
    for border in range(1, bins):
        wanted = behind[-1] * (border / bins)
        at = np.minimum((behind < wanted).sum(0), len(distinct) - 1)[None]
        over, mass, step, end = (
            np.take_along_axis(rows, at, 0)[0] for rows in (behind, masses, steps, line)
        )
        # What of the tie lies beyond the border does not count yet.
        heights.append(end - np.nan_to_num(ratio(over - wanted, mass)) * step)
    return np.asarray(np.abs(np.diff([*heights, line[-1]], axis=0)).sum(0))


class RocCurve:
    """Hold the ROC curve of one class against the rest, under many weightings of the images.

    It bends only where a score of a positive lies, so that no more of it is kept: its G distinct
    scores of positives, from the highest down, and how many negatives score higher, and how many
    with ties counted in.
    """

    def __init__(
        self, positive: Booleans, scores: npt.NDArray[np.floating[Any]], weights: Floats
    ) -> None:
        """Sort once, and count under all weightings.

        positive: bool [N].
        scores: [N], higher for what is more likely positive.
        weights: [N, R].
        """
        distinct, place = np.unique(-scores, return_inverse=True)
        holds = np.bincount(place[positive], minlength=len(distinct)) > 0
        above = np.cumsum(holds)  # scores of positives down to here
        groups = int(holds.sum())
        # Negatives between two scores of positives fall into one bin, those that tie into the next;
        # the bins of positives come behind those of negatives.
        negative = np.where(holds, 2 * above - 1, 2 * above)[place]
        bins = np.where(positive, 2 * groups + above[place], negative)
        both = weight_in_bins(weights, bins, 3 * groups + 1)
        self.own, negatives = both[2 * groups + 1 :], both[: 2 * groups + 1].cumsum(0)
        self.hits = self.own.cumsum(0)
        self.higher, self.false = negatives[0:-1:2], negatives[1::2]
        self.positives, self.negatives = self.own.sum(0), negatives[-1]
        self._measured = (self.positives > 0) & (self.negatives > 0)

    def auc(self) -> Floats:
        """Return the area under the curve, [R]; a tie counts half."""
        lost = np.einsum("gr,gr->r", self.own, self.higher + self.false) / 2
        return 1 - ratio(lost, self.positives * self.negatives)

    def auc_above(self, sensitivity: float) -> Floats:
        """Return the area under the part of the curve above a sensitivity, down to zero, [R]."""
        if not len(self.own):
            return np.full(len(self.negatives), np.nan)
        crossing, lost = self._left_of(sensitivity)
        # Rounding may leave a little less than nothing.
        return np.maximum(1 - ratio(sensitivity * crossing + lost, self.negatives), 0.0)

    def partial_auc(self, sensitivity: float) -> Floats:
        """Return the area between the curve and a sensitivity below it, [R]; at most 1 less it."""
        if not len(self.own):
            return np.full(len(self.negatives), np.nan)
        lost = ratio(self._left_of(sensitivity)[1], self.negatives)
        area: Floats = np.maximum(1 - sensitivity - lost, 0.0)
        return area

    def _left_of(self, sensitivity: float) -> tuple[Floats, Floats]:
        """Return how many negatives the curve has passed where it reaches a sensitivity, [R].

        Also returns what lies left of the curve above it, in sensitivities times negatives.
        """
        shares = ratio(self.hits, self.positives)
        at = (shares < sensitivity).sum(0)
        higher, false = _at(self.higher, at), _at(self.false, at)
        before = np.where(at > 0, _at(shares, np.maximum(at - 1, 0)), 0.0)
        reached = _at(shares, at)
        crossing = higher + ratio(sensitivity - before, reached - before) * (false - higher)
        # Seen from the side of the sensitivities, what lies left of the curve is lost.
        later = np.where(np.arange(len(self.own))[:, None] > at, self.own, 0.0)
        left = np.einsum("gr,gr->r", later, self.higher + self.false) / 2
        lost = ratio(left, self.positives) + (reached - sensitivity) * (crossing + false) / 2
        return crossing, lost

    def average_precision(self) -> Floats:
        """Return the mean precision over the positives, each at its own score, [R]."""
        precision = np.nan_to_num(ratio(self.hits, self.hits + self.false))
        mean = ratio(np.einsum("gr,gr->r", self.own, precision), self.positives)
        return np.where(self._measured, mean, np.nan)

    def sensitivity_at(self, specificity: float) -> Floats:
        """Return the highest sensitivity of all thresholds with at least a specificity, [R]."""
        kept = ratio(self.negatives - self.false, self.negatives) >= specificity
        hits = np.where(kept, self.hits, 0.0).max(0, initial=0.0)
        return np.where(self._measured, ratio(hits, self.positives), np.nan)

    def specificity_at(self, sensitivity: float) -> Floats:
        """Return the highest specificity of all thresholds with at least a sensitivity, [R]."""
        kept = ratio(self.hits, self.positives) >= sensitivity
        false = np.where(kept, self.false, np.inf).min(0, initial=np.inf)
        specificity = ratio(self.negatives - false, self.negatives)
        return np.where(self._measured, specificity, np.nan)


def _at(rows: Floats, at: Integers) -> Floats:
    """Return the value of each replicate in its own row."""
    return np.asarray(np.take_along_axis(rows, np.minimum(at, len(rows) - 1)[None], 0)[0])
