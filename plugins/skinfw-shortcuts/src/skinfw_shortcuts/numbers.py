"""What the answers to changed pictures tell, with many weightings of the images at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from skinfw import Predictions
from skinfw.metrics import (
    Area,
    Composition,
    Mean,
    Rate,
    RocCurve,
    WeightedMetric,
    by_image,
    mean_of_measured,
    ratio,
)
from skinfw_shortcuts.versions import ONLY, REMOVED, SAME, control, on_skin

Floats = npt.NDArray[np.floating[Any]]
Booleans = npt.NDArray[np.bool_]
MeanOfImages = tuple[str, npt.NDArray[Any], Booleans]
"""The name of a number, what each image adds to its mean, and which images are meant."""

OUTCOME = "malignant"
_CALLED = 0.5  # the chance from which an image is called malignant, as in the metric "malignancy"


@dataclass(frozen=True)
class Answers:
    """Hold the answers to all versions of some images.

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

    def outcomes(self, classes: Sequence[str]) -> list[str]:
        """Return what a mark may raise the chance of: malignancy, and each class."""
        return [*([OUTCOME] if self.malignant else []), *classes]

    def shows(self, outcome: str, predictions: Predictions) -> Booleans:
        """Return which images show an outcome, bool [M]."""
        places = [predictions.classes.index(outcome)] if outcome != OUTCOME else self.malignant
        return np.isin(predictions.true, places)

    def chance(self, version: str, outcome: str, classes: Sequence[str]) -> Floats:
        """Return the chance of an outcome in one version of each image, [M]."""
        chances = self.chances[:, self.names.index(version)]
        places = [classes.index(outcome)] if outcome != OUTCOME else list(self.malignant)
        return np.asarray(chances[:, places].sum(1))


class Changes(WeightedMetric):
    """Measure how chances and answers change with the pictures; see docs/reliability.md."""

    def __init__(self, answers: Answers) -> None:
        """Keep the answers; predictions are those of the same images."""
        self.answers = answers

    def resample(self, predictions: Predictions, weights: Floats) -> Mapping[str, Floats]:
        """Return each number under each row of weights [R, N]."""
        means = [*self._rises(predictions), *self._changes(predictions)]
        means += [(name, own.astype(float), among) for name, own, among in self._flips(predictions)]
        among = np.stack([mean[2] for mean in means]).astype(np.float64)
        values = np.where(among, np.stack([mean[1] for mean in means]), 0.0)
        own = by_image(weights)
        numbers = ratio(values @ own, among @ own)  # of all at once: there are hundreds
        return {mean[0]: row for mean, row in zip(means, numbers, strict=True)}

    def composition(self, predictions: Predictions) -> Mapping[str, Composition]:
        """Return what the rates are made of; changes of chances are no rates."""
        return {name: Rate(own, among) for name, own, among in self._flips(predictions)}

    def rests_on(self, predictions: Predictions) -> Mapping[str, int]:
        """Return how many lesions each change of a chance is the mean over."""
        lesions = np.asarray(predictions.lesions)
        means = (*self._rises(predictions), *self._changes(predictions))
        return {name: len(np.unique(lesions[among])) for name, _, among in means}

    def _rises(self, predictions: Predictions) -> Iterator[MeanOfImages]:
        """Yield how much each mark raises each chance, on images that do not show the outcome.

        On the picture as it is, and on its skin without the lesion, where no other evidence hides
        what the mark is taken for.
        """
        answers, classes = self.answers, predictions.classes
        for outcome in answers.outcomes(classes):
            others = ~answers.shows(outcome, predictions)
            before = answers.chance(SAME, outcome, classes)
            skin = answers.chance(REMOVED, outcome, classes)
            for mark in answers.marks:
                after = answers.chance(mark, outcome, classes)
                marked = answers.chance(on_skin(mark), outcome, classes)
                scattered = answers.chance(control(mark), outcome, classes)
                yield f"rise/{mark}/to {outcome}", after - before, others
                for name, rise in (
                    ("rise_on_skin", marked - skin),
                    ("rise_of_scattered", scattered - skin),
                    ("rise_beyond_scattered", marked - scattered),
                ):
                    yield f"{name}/{mark}/to {outcome}", rise, others & answers.told

    def _changes(self, predictions: Predictions) -> Iterator[MeanOfImages]:
        """Yield how far the chance of malignancy changes, by class."""
        for version, name, group, before, after in self._malignancy(predictions):
            yield f"malignant_change/{version}/{name}", after - before, group

    def _flips(self, predictions: Predictions) -> Iterator[MeanOfImages]:
        """Yield which answers turn to malignant, and away from it, by class."""
        for version, name, group, before, after in self._malignancy(predictions):
            called, was = after >= _CALLED, before >= _CALLED
            yield f"to_malignant/{version}/{name}", called & ~was, group
            yield f"from_malignant/{version}/{name}", was & ~called, group

    def _malignancy(
        self, predictions: Predictions
    ) -> Iterator[tuple[str, str, Booleans, Floats, Floats]]:
        """Yield version, class, its images, and their chances of malignancy before and after."""
        answers, classes = self.answers, predictions.classes
        if not answers.malignant:
            return
        before = answers.chance(SAME, OUTCOME, classes)
        everyone = np.ones(len(before), bool)
        groups = {name: answers.shows(name, predictions) for name in classes}
        for version in (REMOVED, ONLY, *answers.marks):
            after = answers.chance(version, OUTCOME, classes)
            usable = answers.told if version in (REMOVED, ONLY) else everyone
            for name, group in {"all": everyone, **groups}.items():
                yield version, name, group & usable, before, after


class Discrimination(WeightedMetric):
    """Measure how well versions tell malignant from benign, and the classes from each other."""

    def __init__(self, answers: Answers) -> None:
        """Keep the answers; predictions are those of the images that could be told apart."""
        self.answers = replace(answers, chances=answers.chances[answers.told])

    def resample(self, predictions: Predictions, weights: Floats) -> Mapping[str, Floats]:
        """Return each number under each row of weights [R, N]."""
        answers, classes, own = self.answers, predictions.classes, by_image(weights)
        numbers = {}
        for version in (SAME, REMOVED, ONLY):
            areas = {
                outcome: RocCurve(
                    answers.shows(outcome, predictions),
                    answers.chance(version, outcome, classes),
                    own,
                ).auc()
                for outcome in answers.outcomes(classes)
            }
            if answers.malignant:
                numbers[f"malignant_auc/{version}"] = areas[OUTCOME]
            each = np.stack([areas[name] for name in classes])
            numbers[f"macro_auc/{version}"] = mean_of_measured(each)
        return numbers

    def composition(self, predictions: Predictions) -> Mapping[str, Composition]:
        """Return what the numbers are made of: areas, and means of them."""
        answers, classes = self.answers, predictions.classes
        numbers: dict[str, Composition] = {}
        for version in (SAME, REMOVED, ONLY):
            areas = {
                outcome: Area(
                    answers.shows(outcome, predictions),
                    answers.chance(version, outcome, classes),
                )
                for outcome in answers.outcomes(classes)
            }
            if answers.malignant:
                numbers[f"malignant_auc/{version}"] = areas[OUTCOME]
            numbers[f"macro_auc/{version}"] = Mean([areas[name] for name in classes])
        return numbers
