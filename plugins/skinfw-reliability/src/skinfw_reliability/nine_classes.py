"""ISIC 2019's ninth column, UNK, and how the challenge scores it.

A submission has a confidence in [0, 1] for each class and for UNK. The confidences need not sum to
one. What has the highest is called, and a tie for the highest is undecided, hence wrong; the score
is the mean sensitivity of the classes that the truth shows, UNK as one of them
(challenge.isic-archive.com/landing/2019; isic-challenge-scoring, metrics.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skinfw import UNKNOWN, Predictions
from skinfw.metrics import (
    Area,
    Composition,
    Floats,
    Mean,
    Rate,
    RocCurve,
    WeightedMetric,
    by_image,
    mean_among,
    mean_of_measured,
)


def unknown_confidence(scores: Floats, validation: Floats, refused: float) -> Floats:
    """Return a confidence for UNK, [N], above one half for what scores higher than most.

    The rank p of a score among those of known images, as in conformal prediction, is turned into
    refused / (refused + p). Nothing about unknown images is known, so that this is no probability.

    scores: [N], out-of-distribution scores of images.
    validation: [M], those of the validation images, which are all known.
    refused: the share of known images that may get more than one half.
    """
    above = len(validation) - np.searchsorted(np.sort(validation), scores, side="left")
    rank = (1 + above) / (len(validation) + 1)
    return np.asarray(refused / (refused + rank), np.float64)


def with_unknown(probabilities: Floats, unknown: Floats) -> Floats:
    """Return nine confidences that sum to one: the classes share what UNK leaves.

    The challenge does not ask for the sum. Sharing lets UNK win wherever it exceeds one half, and
    earlier where no class stands out.

    probabilities: [N, C].
    unknown: [N], the confidence of UNK.
    """
    return np.column_stack([probabilities * (1 - unknown[:, None]), unknown])


class ChallengeAccuracy(WeightedMetric):
    """Measure balanced_accuracy as the challenge does, and the share of images called UNK."""

    def resample(self, predictions: Predictions, weights: Floats) -> dict[str, Floats]:
        """Return the numbers under each row of weights; unknown images count where there are."""
        weights = by_image(weights)
        by_class, rates = self._rates(predictions)
        hits = [mean_among(one.successes, one.members, weights) for one in by_class]
        return {
            "balanced_accuracy": mean_of_measured(np.stack(hits)),
            **{
                name: mean_among(one.successes, one.members, weights) for name, one in rates.items()
            },
        }

    def composition(self, predictions: Predictions) -> dict[str, Composition]:
        """Return what the numbers are made of: rates, and the mean over the classes."""
        by_class, rates = self._rates(predictions)
        return {"balanced_accuracy": Mean(by_class), **rates}

    def _rates(self, predictions: Predictions) -> tuple[list[Rate], dict[str, Rate]]:
        """Return the sensitivity of each class that is shown, and how often UNK is called."""
        probabilities = predictions.probabilities
        decided = (probabilities == probabilities.max(1, keepdims=True)).sum(1) == 1
        right = (predictions.predicted == predictions.true) & decided
        shown = [predictions.true == label for label in np.unique(predictions.true)]
        rates = {}
        if UNKNOWN in predictions.classes:
            called = (predictions.predicted == predictions.classes.index(UNKNOWN)) & decided
            rates["predicted_unknown"] = Rate(called, np.ones(len(right), bool))
            for place, name in enumerate(predictions.classes):
                rates[f"predicted_unknown/{name}"] = Rate(called, predictions.true == place)
        return [Rate(right, which) for which in shown], rates


@dataclass(frozen=True)
class Detection(WeightedMetric):
    """Measure how well out-of-distribution images are told from known ones.

    auroc: how often an out-of-distribution image has the higher score; ood_detected,
    known_refused: the share of each that gets a confidence above one half for UNK.

    scores, unknown: [N], out-of-distribution scores and confidences of UNK.
    """

    scores: Floats
    unknown: Floats

    def resample(self, predictions: Predictions, weights: Floats) -> dict[str, Floats]:
        """Return the numbers under each row of weights; the last class is out of distribution."""
        weights = by_image(weights)
        ood = predictions.true == len(predictions.classes) - 1
        refused = self.unknown > 0.5
        return {
            "auroc": RocCurve(ood, self.scores, weights).auc(),
            "ood_detected": mean_among(refused, ood, weights),
            "known_refused": mean_among(refused, ~ood, weights),
        }

    def composition(self, predictions: Predictions) -> dict[str, Composition]:
        """Return what the numbers are made of: rates and an area."""
        ood = predictions.true == len(predictions.classes) - 1
        refused = self.unknown > 0.5
        return {
            "auroc": Area(ood, self.scores),
            "ood_detected": Rate(refused, ood),
            "known_refused": Rate(refused, ~ood),
        }
