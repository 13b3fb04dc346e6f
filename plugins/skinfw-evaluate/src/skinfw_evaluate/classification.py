"""Numbers of a classification, from saved predictions alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skinfw import Predictions

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, kw_only=True)
class Classification:
    """Measure accuracy, balanced accuracy, macro F1 and AUC, and each class against the rest.

    Balanced accuracy is the mean sensitivity of the classes, the goal metric of ISIC 2018 and
    2019. A class without images is not measured: its numbers are NaN, and means leave it out.
    """

    def __call__(self, predictions: Predictions) -> dict[str, float]:
        """Return the numbers; those of single classes are called `sensitivity/MEL` and so on."""
        import numpy as np

        count = len(predictions.classes)
        matrix = confusion(predictions.true, predictions.predicted, count)
        hits, actual, called = np.diag(matrix), matrix.sum(1), matrix.sum(0)
        total = matrix.sum()
        sensitivity = _ratio(hits, actual)
        specificity = _ratio(total - actual - called + hits, total - actual)
        precision = _ratio(hits, called)
        # F1 = 2 TP / (2 TP + FP + FN): zero, not undefined, for a class that is never called.
        f1 = np.where(actual > 0, _ratio(2 * hits, actual + called), math.nan)
        auc = np.array(
            [
                _auc(predictions.true == label, predictions.probabilities[:, label])
                for label in range(count)
            ]
        )
        numbers = {
            "balanced_accuracy": _mean(sensitivity),
            "accuracy": float(hits.sum() / total),
            "macro_f1": _mean(f1),
            "macro_auc": _mean(auc),
        }
        table = {
            "sensitivity": sensitivity,
            "specificity": specificity,
            "precision": precision,
            "f1": f1,
            "auc": auc,
        }
        for number, values in table.items():
            for name, value in zip(predictions.classes, values, strict=True):
                numbers[f"{number}/{name}"] = float(value)
        return numbers


def confusion(
    true: npt.NDArray[np.integer[Any]], predicted: npt.NDArray[np.integer[Any]], count: int
) -> npt.NDArray[np.int64]:
    """Return images by true class (rows) and predicted class (columns), [count, count]."""
    import numpy as np

    return np.bincount(true * count + predicted, minlength=count * count).reshape(count, count)


def _ratio(part: Any, whole: Any) -> npt.NDArray[np.float64]:
    """Divide; NaN where there is nothing to divide by."""
    import numpy as np

    out = np.full(len(part), math.nan)
    return np.divide(part, whole, out=out, where=np.asarray(whole) > 0)


def _auc(positive: npt.NDArray[np.bool_], scores: npt.NDArray[np.floating[Any]]) -> float:
    """Return the area under the ROC curve; NaN where one side is empty."""
    from sklearn.metrics import roc_auc_score

    if positive.all() or not positive.any():
        return math.nan
    return float(roc_auc_score(positive, scores))


def _mean(values: npt.NDArray[np.floating[Any]]) -> float:
    """Return the mean of what was measured."""
    measured = values[values == values]
    return float(measured.mean()) if len(measured) else math.nan
