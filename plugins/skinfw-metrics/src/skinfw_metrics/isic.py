"""The numbers of the ISIC challenges, as the official scoring computes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skinfw import ClassName, Predictions, SkinfwError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from skinfw.metrics import Composition

    Floats = npt.NDArray[np.floating[Any]]

THRESHOLD = 0.5
SENSITIVITY = 0.8


@dataclass(frozen=True, kw_only=True)
class IsicChallenge:
    """Measure what the challenges of 2018 and 2019 publish, equal to isic-challenge-scoring 5.6.0.

    `isic_balanced_accuracy`, the goal, is the mean sensitivity of the classes when each image
    belongs to its most probable class; where two are equally probable, the image is undecided,
    which is wrong. Of each class against the rest there are accuracy, sensitivity, specificity,
    dice (F1), ppv and npv of what has a probability above 0.5, and auc, auc_sens_80 (the area above
    a sensitivity of 80 %, not stretched to reach 1) and ap. The name without a class is the mean of
    all classes. Where no image is called positive, the official ppv is 1, and so is the npv where
    none is called negative. A class without images is not measured, and means leave it out, where
    the official scoring gives it 1 or 0. Source: github.com/ImageMarkup/isic-challenge-scoring.
    """

    def __call__(self, predictions: Predictions) -> dict[str, float]:
        """Return the numbers; those of single classes are called `isic_auc/MEL` and so on."""
        from skinfw.metrics import count_once

        return count_once(self, predictions)

    def resample(self, predictions: Predictions, weights: Floats) -> dict[str, Floats]:
        """Return each number under each row of weights [R, N], as float64 [R]."""
        import numpy as np

        from skinfw.metrics import by_image, confusion_matrix, mean_of_measured, ratio

        weights, classes = by_image(weights), predictions.classes
        decided = _decided(predictions)
        matrix = confusion_matrix(predictions.true, decided, len(classes), weights)
        right = ratio(np.einsum("ccr->cr", matrix[:, :-1]), matrix.sum(1))
        goal = {"isic_balanced_accuracy": mean_of_measured(right)}
        return goal | _one_against_rest(predictions, classes, weights, "isic")

    def composition(self, predictions: Predictions) -> dict[str, Composition]:
        """Return what rates, areas and their means are made of."""
        from skinfw.metrics import Mean, Rate

        decided, classes = _decided(predictions), predictions.classes
        right = decided == predictions.true
        goal = Mean([Rate(right, predictions.true == place) for place in range(len(classes))])
        own = _compose_one_against_rest(predictions, classes, "isic")
        return {"isic_balanced_accuracy": goal, **own}


@dataclass(frozen=True, kw_only=True)
class Isic2017Challenge:
    """Measure the two questions of part 3 of the challenge of 2017, each yes or no.

    They are whether a lesion is a melanoma and whether it is a seborrheic keratosis; each has the
    numbers of `isic-challenge`, with the threshold of 0.5. `isic2017_auc`, the mean of both, was
    the goal. Source: Codella et al. 2018, arXiv 1710.05006.

    melanoma: the class of the first question.
    keratosis: the class of the second.
    """

    melanoma: ClassName = "MEL"
    keratosis: ClassName = "SK"

    def __call__(self, predictions: Predictions) -> dict[str, float]:
        """Return the numbers; those of single questions are called `isic2017_auc/MEL` and so on."""
        from skinfw.metrics import count_once

        return count_once(self, predictions)

    def resample(self, predictions: Predictions, weights: Floats) -> dict[str, Floats]:
        """Return each number under each row of weights [R, N], as float64 [R]."""
        from skinfw.metrics import by_image

        return _one_against_rest(
            predictions, self._asked(predictions), by_image(weights), "isic2017"
        )

    def composition(self, predictions: Predictions) -> dict[str, Composition]:
        """Return what rates, areas and their means are made of."""
        return _compose_one_against_rest(predictions, self._asked(predictions), "isic2017")

    def _asked(self, predictions: Predictions) -> tuple[str, str]:
        """Return the classes of both questions; raise SkinfwError where one is absent."""
        asked = (self.melanoma, self.keratosis)
        absent = [name for name in asked if name not in predictions.classes]
        if absent:
            raise SkinfwError(
                f"there is no class {' and no '.join(absent)}",
                why=f"the classes are {', '.join(predictions.classes)}",
                cure="set melanoma and keratosis, or take the metric isic-challenge",
            )
        return asked


def _decided(predictions: Predictions) -> npt.NDArray[np.integer[Any]]:
    """Return the most probable class of each image, -1 where several are equally probable."""
    import numpy as np

    chances = predictions.probabilities
    tied = (chances == chances.max(1, keepdims=True)).sum(1) > 1
    return np.where(tied, -1, predictions.predicted)


def _one_against_rest(
    predictions: Predictions, asked: Sequence[str], weights: Floats, prefix: str
) -> dict[str, Floats]:
    """Return the numbers of some classes, each against all others, and their means.

    weights: [N, R].
    """
    import numpy as np

    from skinfw.metrics import mean_of_measured

    found: dict[str, list[Floats]] = {}
    for name in asked:
        label = predictions.classes.index(name)
        positive, scores = predictions.true == label, predictions.probabilities[:, label]
        for number, values in _binary(positive, scores, weights).items():
            found.setdefault(f"{prefix}_{number}", []).append(values)
    numbers = {number: mean_of_measured(np.stack(values)) for number, values in found.items()}
    for number, each in found.items():
        numbers |= {f"{number}/{name}": own for name, own in zip(asked, each, strict=True)}
    return numbers


def _binary(positive: npt.NDArray[np.bool_], scores: Floats, weights: Floats) -> dict[str, Floats]:
    """Return the official numbers of one question, [R] each."""
    import numpy as np

    from skinfw.metrics import RocCurve, ratio, weight_in_bins

    cells = 2 * positive + (scores > THRESHOLD)
    passed, alarms, missed, hits = weight_in_bins(weights, cells, 4)
    curve = RocCurve(positive, scores, weights)
    numbers = {
        "accuracy": ratio(hits + passed, hits + passed + alarms + missed),
        "sensitivity": ratio(hits, hits + missed),
        "specificity": ratio(passed, passed + alarms),
        "dice": ratio(2 * hits, 2 * hits + alarms + missed),
        "ppv": np.where(hits + alarms > 0, ratio(hits, hits + alarms), 1.0),
        "npv": np.where(passed + missed > 0, ratio(passed, passed + missed), 1.0),
        "auc": curve.auc(),
        "auc_sens_80": curve.auc_above(SENSITIVITY),
        "ap": curve.average_precision(),
    }
    measured = hits + missed > 0
    return {name: np.where(measured, values, np.nan) for name, values in numbers.items()}


def _compose_one_against_rest(
    predictions: Predictions, asked: Sequence[str], prefix: str
) -> dict[str, Composition]:
    """Return what the numbers of some classes are made of, and their means.

    The official ppv of what is never called, and the npv of what always is, are a convention and
    made of nothing; neither is their mean.
    """
    import numpy as np

    from skinfw.metrics import Area, Mean, Rate

    parts: dict[str, dict[str, Rate | Area]] = {}
    for name in asked:
        label = predictions.classes.index(name)
        positive, scores = predictions.true == label, predictions.probabilities[:, label]
        known, called = np.full(len(positive), positive.any()), scores > THRESHOLD
        right = called == positive
        own: dict[str, Rate | Area] = {
            "accuracy": Rate(right, known),
            "sensitivity": Rate(called, positive),
            "specificity": Rate(~called, ~positive & known),
            "dice": Rate(positive & called, (positive | called) & known, f1=True),
            "ppv": Rate(positive, called & known),
            "npv": Rate(~positive, ~called & known),
            "auc": Area(positive, scores),
        }
        for number, part in own.items():
            asked_of_none = isinstance(part, Rate) and not part.members.any()
            if not (number in ("ppv", "npv") and asked_of_none and known.any()):
                parts.setdefault(f"{prefix}_{number}", {})[name] = part
    numbers: dict[str, Composition] = {}
    for number, each in parts.items():
        if len(each) == len(asked):
            numbers[number] = Mean(list(each.values()))
        numbers |= {f"{number}/{name}": part for name, part in each.items()}
    return numbers
