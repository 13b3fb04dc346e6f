"""What the answers to changed pictures tell, with many weightings of the images at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from skinfw import Predictions
from skinfw.metrics import RocCurve, WeightedMetric, by_image, mean_of_measured, ratio
from skinfw_shortcuts.versions import ONLY, REMOVED, SAME, control, on_skin

Floats = npt.NDArray[np.floating[Any]]
Booleans = npt.NDArray[np.bool_]
Mean = tuple[str, Floats, Booleans]
"""The name of a number, what each image adds to its mean, and which images are meant."""

OUTCOME = "malignant"
_CALLED = 0.5  # the chance from which an image is called malignant, as in the metric "malignancy"


@dataclass(frozen=True)
class Answers(WeightedMetric):
    """Measure how answers change with the pictures; the predictions are those of the first version.

    chances: float64 [M, K, C], of every version.
    names: of the K versions.
    marks: those of them that are marks.
    told: bool [M], whether lesion and skin could be told apart.
    malignant: positions of the malignant classes.
    """

    chances: Floats
    names: Sequence[str]
    marks: Sequence[str]
    told: Booleans
    malignant: Sequence[int]

    def resample(self, predictions: Predictions, weights: Floats) -> Mapping[str, Floats]:
        """Return each number under each row of weights [R, N]; see docs/reliability.md."""
        own = by_image(weights)
        means = [*self._rises(predictions), *self._flips(predictions)]
        among = np.stack([mean[2] for mean in means]).astype(np.float64)
        values = np.where(among, np.stack([mean[1] for mean in means]), 0.0)
        found = ratio(values @ own, among @ own)  # of all numbers at once: there are hundreds
        numbers = {mean[0]: row for mean, row in zip(means, found, strict=True)}
        for version in (SAME, REMOVED, ONLY):
            numbers |= self._discrimination(version, predictions, own)
        return numbers

    def outcomes(self, classes: Sequence[str]) -> list[str]:
        """Return what a mark may raise the chance of: malignancy, and each class."""
        return [*([OUTCOME] if self.malignant else []), *classes]

    def _chance(self, version: str, outcome: str, classes: Sequence[str]) -> Floats:
        """Return the chance of an outcome in one version of each image, [M]."""
        chances = self.chances[:, self.names.index(version)]
        if outcome == OUTCOME:
            return np.asarray(chances[:, list(self.malignant)].sum(1))
        return np.asarray(chances[:, classes.index(outcome)])

    def _rises(self, predictions: Predictions) -> Iterator[Mean]:
        """Yield how much each mark raises each chance, on images that do not show the outcome.

        On skin without a lesion, where no other evidence hides what the mark is taken for.
        """
        true, classes = predictions.true, predictions.classes
        for outcome in self.outcomes(classes):
            shows = self.malignant if outcome == OUTCOME else [classes.index(outcome)]
            others = self.told & ~np.isin(true, shows)
            skin = self._chance(REMOVED, outcome, classes)
            for mark in self.marks:
                marked = self._chance(on_skin(mark), outcome, classes)
                scattered = self._chance(control(mark), outcome, classes)
                yield f"rise/{mark}/{outcome}", marked - skin, others
                yield f"rise_of_scattered/{mark}/{outcome}", scattered - skin, others
                yield f"rise_beyond/{mark}/{outcome}", marked - np.maximum(skin, scattered), others

    def _flips(self, predictions: Predictions) -> Iterator[Mean]:
        """Yield how often and how far malignancy changes, by class."""
        if not self.malignant:
            return
        true, classes = predictions.true, predictions.classes
        before = self._chance(SAME, OUTCOME, classes)
        groups = {"all": np.ones(len(true), bool)}
        groups |= {name: true == place for place, name in enumerate(classes)}
        for version in (REMOVED, ONLY, *self.marks):
            after = self._chance(version, OUTCOME, classes)
            called, was = after >= _CALLED, before >= _CALLED
            usable = self.told if version in (REMOVED, ONLY) else groups["all"]
            for name, group in groups.items():
                among = group & usable
                yield f"malignant_change/{version}/{name}", after - before, among
                yield f"to_malignant/{version}/{name}", (called & ~was).astype(float), among
                yield f"from_malignant/{version}/{name}", (was & ~called).astype(float), among

    def _discrimination(
        self, version: str, predictions: Predictions, weights: Floats
    ) -> dict[str, Floats]:
        """Return how well a version still tells malignant from benign, and class from class."""
        true, classes = predictions.true[self.told], predictions.classes
        counted = weights[self.told]
        numbers = {}
        if self.malignant:
            chances = self._chance(version, OUTCOME, classes)[self.told]
            curve = RocCurve(np.isin(true, self.malignant), chances, counted)
            numbers[f"malignant_auc/{version}"] = curve.auc()
        each = [
            RocCurve(true == place, self._chance(version, name, classes)[self.told], counted).auc()
            for place, name in enumerate(classes)
        ]
        numbers[f"macro_auc/{version}"] = mean_of_measured(np.stack(each))
        return numbers
