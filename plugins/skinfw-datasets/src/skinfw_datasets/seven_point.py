"""The seven-point checklist of Derm7PT: what its criteria are worth, and how well they are read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from skinfw import ClassName, Findings, FindingsTable, SkinfwError, write_csv
from skinfw_datasets.points import POINTS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from skinfw import Predictions, Result
    from skinfw.metrics import Composition

    Floats = npt.NDArray[np.floating[Any]]

_REGULAR = {"absent": "absent", "regular": "regular", "irregular": "irregular"}
GROUPS: dict[str, dict[str, str]] = {
    "pigment_network": {"absent": "absent", "typical": "typical", "atypical": "atypical"},
    "streaks": _REGULAR,
    "pigmentation": {
        "absent": "absent",
        "diffuse regular": "regular",
        "localized regular": "regular",
        "diffuse irregular": "irregular",
        "localized irregular": "irregular",
    },
    "regression_structures": {
        "absent": "absent",
        "blue areas": "present",
        "white areas": "present",
        "combinations": "present",
    },
    "dots_and_globules": _REGULAR,
    "blue_whitish_veil": {"absent": "absent", "present": "present"},
    "vascular_structures": {
        "absent": "absent",
        "arborizing": "regular",
        "comma": "regular",
        "hairpin": "regular",
        "within regression": "regular",
        "wreath": "regular",
        "dotted": "irregular",
        "linear irregular": "irregular",
    },
}
"""The values of each criterion, grouped as Kawahara et al. 2019 (IEEE JBHI 23) do."""

SUSPICIOUS = 3


def scores(predictions: Predictions) -> tuple[Floats, Floats]:
    """Return the seven-point score of each image, as predicted and as it is, [N] each.

    predictions: with the seven criteria among the auxiliary outputs.
    The true score is NaN where a criterion is unknown.
    """
    import numpy as np

    missing = [name for name in POINTS if name not in predictions.auxiliary]
    if missing:
        wanted = ", ".join(f'"{name}"' for name in POINTS)
        raise SkinfwError(
            f"the network does not answer {', '.join(missing)}",
            why="the seven-point score is the sum of seven criteria",
            cure=f"modalities.auxiliary = [{wanted}]",
        )
    predicted = np.zeros(len(predictions.true))
    true = np.zeros(len(predictions.true))
    for name, (value, points) in POINTS.items():
        answer = predictions.auxiliary[name]
        # A value that no training image has is none that a network can predict.
        place = answer.values.index(value) if value in answer.values else -2
        predicted += points * (answer.probabilities.argmax(1) == place)
        true += points * (answer.true == place)
        true[answer.true < 0] = np.nan
    return predicted, true


@dataclass(frozen=True, kw_only=True)
class SevenPoint:
    """Measure how well a network reads the seven-point checklist.

    The numbers are the mean accuracy and the mean balanced accuracy over the criteria, the mean
    error of the score, and how well a score of three or more finds melanoma.

    melanoma: the class that the score must find.
    """

    smaller_is_better: ClassVar = ("seven_point_error",)
    melanoma: ClassName = "MEL"

    def __call__(self, predictions: Predictions) -> dict[str, float]:
        """Return the named numbers; NaN where there is nothing to measure on."""
        from skinfw.metrics import count_once

        return count_once(self, predictions)

    def resample(self, predictions: Predictions, weights: Floats) -> dict[str, Floats]:
        """Return each number under each row of weights [R, N], as float64 [R]."""
        import numpy as np

        from skinfw.metrics import by_image, mean_among, mean_of_measured

        weights = by_image(weights)
        predicted, true = scores(predictions)
        accuracies, recalls = [], []
        nothing = np.full(weights.shape[1], np.nan)
        for name in POINTS:
            answer = predictions.auxiliary[name]
            right = answer.probabilities.argmax(1) == answer.true
            accuracies.append(mean_among(right, answer.true >= 0, weights))
            kinds = np.unique(answer.true[answer.true >= 0])
            by_kind = [mean_among(right, answer.true == kind, weights) for kind in kinds]
            recalls.append(mean_of_measured(np.stack(by_kind)) if by_kind else nothing)
        melanoma, suspected = self._question(predictions, predicted)
        known = ~np.isnan(true)
        errors = np.abs(predicted - np.where(known, true, 0))
        return {
            "criteria_accuracy": mean_of_measured(np.stack(accuracies)),
            "criteria_balanced_accuracy": mean_of_measured(np.stack(recalls)),
            "seven_point_error": mean_among(errors, known, weights),
            "seven_point_sensitivity": mean_among(suspected, melanoma, weights),
            "seven_point_specificity": mean_among(~suspected, ~melanoma, weights),
        }

    def composition(self, predictions: Predictions) -> dict[str, Composition]:
        """Return what the rates are made of."""
        from skinfw.metrics import Mean, Rate

        answers = [predictions.auxiliary[name] for name in POINTS]
        melanoma, suspected = self._question(predictions, scores(predictions)[0])
        right = [Rate(own.probabilities.argmax(1) == own.true, own.true >= 0) for own in answers]
        return {
            "criteria_accuracy": Mean(right),
            "seven_point_sensitivity": Rate(suspected, melanoma),
            "seven_point_specificity": Rate(~suspected, ~melanoma),
        }

    def _question(
        self, predictions: Predictions, predicted: Floats
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Return which images show melanoma, and of which the score is suspicious, [N] each."""
        import numpy as np

        classes = np.array(predictions.classes)[predictions.true]
        return classes == self.melanoma, predicted >= SUSPICIOUS


@dataclass(frozen=True, kw_only=True)
class SevenPointTable:
    """Write the seven-point score and its criteria beside the diagnosis of each image.

    The page gets a table of how well each criterion is read.
    """

    def analyse(self, result: Result) -> list[Findings]:
        """Return how many images have each criterion, and how well it is read."""
        import numpy as np

        predictions = result.predictions["test"]
        scores(predictions)  # which refuses a network that does not answer all of them
        rows: list[list[str | float]] = []
        for name in POINTS:
            answer = predictions.auxiliary[name]
            known = answer.true >= 0
            true, called = answer.true[known], answer.probabilities[known].argmax(1)
            right = true == called
            by_value = [float(right[true == value].mean()) for value in np.unique(true)]
            measured = [float(right.mean()), float(np.mean(by_value))] if by_value else [np.nan] * 2
            rows.append([name.replace("_", " "), f"{len(true):,}", *measured])
        head = ("criterion", "images", "read rightly", "mean sensitivity of its values")
        table = FindingsTable("How well each criterion is read", head, rows)
        text = "The score of each image stands in seven_point.csv, its measures among all numbers."
        return [Findings("seven-point", "The seven-point checklist", [text], [table])]

    def write(self, result: Result, folder: Path) -> None:
        """Write seven_point.csv: a row per image, what is true and what is predicted."""
        predictions = result.predictions["test"]
        predicted, true = scores(predictions)
        header = ["id", "true", "predicted", "true_score", "predicted_score"]
        for name in POINTS:
            header += [f"true_{name}", f"predicted_{name}"]
        rows = []
        for place, name in enumerate(predictions.ids):
            diagnosis = (predictions.true[place], predictions.predicted[place])
            row = [name, *(predictions.classes[label] for label in diagnosis)]
            row += [f"{value:g}" if value == value else "" for value in (true[place],)]
            row.append(f"{predicted[place]:g}")
            for criterion in POINTS:
                answer = predictions.auxiliary[criterion]
                own = answer.true[place]
                row.append(answer.values[own] if own >= 0 else "")
                row.append(answer.values[answer.probabilities[place].argmax()])
            rows.append(row)
        write_csv(folder / "seven_point.csv", header, rows)

    evaluate = write
