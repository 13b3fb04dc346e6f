"""Accuracy and its relatives, and every class against the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skinfw import Predictions

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from skinfw.metrics import Composition

    Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, kw_only=True)
class Classification:
    """Measure accuracy, balanced accuracy, macro F1 and AUC, and each class against the rest.

    Balanced accuracy is the mean sensitivity of the classes. An image belongs to its most probable
    class, and where several are equally probable, to the first of them. A class without images is
    not measured: its numbers are NaN, and means leave it out.
    """

    def __call__(self, predictions: Predictions) -> dict[str, float]:
        """Return the numbers; those of single classes are called `sensitivity/MEL` and so on."""
        from skinfw.metrics import count_once

        return count_once(self, predictions)

    def resample(self, predictions: Predictions, weights: Floats) -> dict[str, Floats]:
        """Return each number under each row of weights [R, N], as float64 [R]."""
        import numpy as np

        from skinfw.metrics import RocCurve, by_image, confusion_matrix, mean_of_measured, ratio

        classes, weights = predictions.classes, by_image(weights)
        true, chances = predictions.true, predictions.probabilities
        matrix = confusion_matrix(true, predictions.predicted, len(classes), weights)[:, :-1]
        hits = np.einsum("ccr->cr", matrix)
        actual, called, total = matrix.sum(1), matrix.sum(0), matrix.sum((0, 1))
        sensitivity = ratio(hits, actual)
        # F1 = 2 TP / (2 TP + FP + FN): zero, not undefined, for a class that is never called.
        f1 = np.where(actual > 0, ratio(2 * hits, actual + called), np.nan)
        auc = np.stack(
            [RocCurve(true == c, chances[:, c], weights).auc() for c in range(len(classes))]
        )
        numbers = {
            "balanced_accuracy": mean_of_measured(sensitivity),
            "accuracy": ratio(hits.sum(0), total),
            "macro_f1": mean_of_measured(f1),
            "macro_auc": mean_of_measured(auc),
        }
        table = {
            "sensitivity": sensitivity,
            "specificity": ratio(total - actual - called + hits, total - actual),
            "precision": ratio(hits, called),
            "f1": f1,
            "auc": auc,
        }
        for number, values in table.items():
            numbers |= {f"{number}/{name}": own for name, own in zip(classes, values, strict=True)}
        return numbers

    def composition(self, predictions: Predictions) -> dict[str, Composition]:
        """Return what the numbers are made of: all are rates, areas, or means over the classes."""
        import numpy as np

        from skinfw.metrics import Area, Mean, Rate

        everything = np.ones(len(predictions.true), bool)
        right = predictions.predicted == predictions.true
        parts: dict[str, list[Rate | Area]] = {}
        for place in range(len(predictions.classes)):
            shows, called = predictions.true == place, predictions.predicted == place
            own: dict[str, Rate | Area] = {
                "sensitivity": Rate(called, shows),
                "specificity": Rate(~called, ~shows),
                "precision": Rate(shows, called),
                "f1": Rate(shows & called, (shows | called) & shows.any(), f1=True),
                "auc": Area(shows, predictions.probabilities[:, place]),
            }
            for number, part in own.items():
                parts.setdefault(number, []).append(part)
        numbers: dict[str, Composition] = {
            "balanced_accuracy": Mean(parts["sensitivity"]),
            "accuracy": Rate(right, everything),
            "macro_f1": Mean(parts["f1"]),
            "macro_auc": Mean(parts["auc"]),
        }
        for number, each in parts.items():
            named = zip(predictions.classes, each, strict=True)
            numbers |= {f"{number}/{name}": part for name, part in named}
        return numbers
