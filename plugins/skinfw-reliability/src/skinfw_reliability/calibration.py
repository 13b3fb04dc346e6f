"""The report on calibration: all that is fitted on validation and measured on test."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Interval

from skinfw import Findings, FittedCalibration, Result, at_temperature, count_lesions
from skinfw_reliability.findings import write_findings

if TYPE_CHECKING:
    from skinfw import Predictions
    from skinfw_reliability.intervals import Estimate

Share = Annotated[float, Interval(gt=0, lt=1)]
KEY, TITLE = "calibration", "Calibration"
_POINTS = "Where a class is called from a threshold on, what is found of it, and what falsely?"
_SETS = "Which classes cannot be ruled out for an image?"
_ABSENT = (
    "There are no predictions of a validation part that were made alike and are apart from the "
    "images that are evaluated: what would be fitted on these says nothing about others."
)


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Fit temperature, thresholds and prediction sets on validation, and measure them on test.

    Writes calibration.json and reliability.png; where the test part chose the best epoch, only why
    nothing can be fitted. The best epoch was chosen on the same validation
    images, so that what is fitted there is a little too hopeful; the numbers on test show by how
    much. Thresholds and limits are those of the probabilities as they are in predictions.csv, the
    temperature changes neither.

    bins: of the reliability diagram and the calibration errors.
    sensitivity: what the threshold of each class must reach on validation.
    coverage: the share of images whose prediction set is to hold their class, for each class.
    sets: how prediction sets are made: "lac" makes the smallest, "aps" none that is empty.
    """

    bins: Annotated[int, Interval(ge=2, le=100)] = 15
    sensitivity: Share = 0.95
    coverage: Share = 0.9
    sets: Literal["lac", "aps"] = "lac"

    def analyse(self, result: Result) -> list[Findings]:
        """Return temperature, operating points and prediction sets, with their tables."""
        from skinfw_reliability.calibration_tables import (
            sets_table,
            temperature_table,
            thresholds_table,
        )
        from skinfw_reliability.intervals import estimator
        from skinfw_reliability.temperature import fit_temperature

        if "val" not in result.predictions:
            return [Findings(KEY, TITLE, [_ABSENT], data={"absent": _ABSENT})]
        val, test = result.predictions["val"], result.predictions["test"]
        estimate = estimator(result)
        temperature = fit_temperature(val.probabilities, val.true)
        scaled = replace(test, probabilities=at_temperature(test.probabilities, temperature))
        data = {
            "images": {"val": _images_of(val), "test": _images_of(test)},
            "lesions": {"val": count_lesions(val), "test": count_lesions(test)},
            "marks": list(result.marks),
            **self.scaling(test, scaled, temperature, estimate),
            "thresholds": self.thresholds(val, test, estimate),
            "prediction_sets": self.prediction_sets(val, test, estimate),
        }
        points = thresholds_table(data["thresholds"])
        sets = sets_table(data["prediction_sets"])
        sets_of = data["prediction_sets"]["classes"]
        fitted = FittedCalibration(
            temperature,
            {name: own["limit"] for name, own in sets_of.items()},
            self.sets,
            self.coverage,
        )
        tables = [temperature_table(data)]
        return [
            Findings(KEY, TITLE, tables=tables, data=data, calibration=fitted),
            Findings("operating-points", "Operating points", [_POINTS], [points]),
            Findings("prediction-sets", "Prediction sets", [_SETS], [sets]),
        ]

    def write(self, result: Result, folder: Path) -> None:
        """Write calibration.json and reliability.png."""
        from skinfw_reliability.curves import Bin
        from skinfw_reliability.figure import draw

        findings = result.section(KEY) or self.analyse(result)[0]
        write_findings(findings, "calibration", folder)
        data = findings.data
        if "absent" in data:
            return
        names = {"before": "as trained", "after": f"temperature {data['temperature']:.2f}"}
        panels = [
            (
                f"{name}, ECE {data[key]['ece']['value']:.3f}",
                [Bin(**one) for one in data[f"curve_{key}"]],
            )
            for key, name in names.items()
        ]
        title = f"Reliability on the test images of {result.name}"
        draw(panels, title, result.marks, folder / "reliability.png")

    evaluate = write

    def scaling(
        self, test: Predictions, scaled: Predictions, temperature: float, estimate: Estimate
    ) -> dict[str, Any]:
        """Return the temperature, and what it changes on test.

        test: as the model said.
        scaled: at the temperature.
        estimate: from `estimator`.
        """
        from skinfw_reliability.calibration_errors import CalibrationErrors
        from skinfw_reliability.temperature import HIGHEST, LOWEST

        data: dict[str, Any] = {
            "temperature": temperature,
            "temperature_at_bound": temperature in (LOWEST, HIGHEST),
        }
        for name, part in (("before", test), ("after", scaled)):
            data[name] = estimate(CalibrationErrors(bins=self.bins), part)
            data[f"curve_{name}"] = [asdict(one) for one in self._curve(part)]
        return data

    def _curve(self, part: Predictions) -> list[Any]:
        from skinfw_reliability.curves import reliability_curve

        confidence, right = part.probabilities.max(1), part.predicted == part.true
        return reliability_curve(confidence, right, self.bins)

    def thresholds(self, val: Predictions, test: Predictions, estimate: Estimate) -> dict[str, Any]:
        """Return a threshold for each class, chosen on validation, and what it gives on both."""
        from skinfw_reliability.thresholds import OperatingPoints, threshold_for

        chosen = {
            name: threshold_for(val.probabilities[:, place], val.true == place, self.sensitivity)
            for place, name in enumerate(val.classes)
        }
        points = OperatingPoints(chosen)
        given: dict[str, dict[str, Any]] = {"val": points(val), "test": estimate(points, test)}
        return {
            "sensitivity": self.sensitivity,
            "classes": {
                name: {
                    "threshold": threshold,
                    "val_lesions": count_lesions(val)[name],
                    **{part: _own(numbers, name) for part, numbers in given.items()},
                }
                for name, threshold in chosen.items()
            },
        }

    def prediction_sets(
        self, val: Predictions, test: Predictions, estimate: Estimate
    ) -> dict[str, Any]:
        """Return the limit of each class, fitted on validation, and coverage and size on test."""
        import math

        from skinfw_reliability.conformal import PredictionSets, class_limits, least_lesions

        limits = class_limits(val.probabilities, val.true, val.lesions, self.coverage, self.sets)
        measured = estimate(PredictionSets(limits, self.sets), test)
        return {
            "method": self.sets,
            "coverage": self.coverage,
            "least_lesions": least_lesions(self.coverage),
            "all": {name: ends for name, ends in measured.items() if "/" not in name},
            "classes": {
                name: {
                    "limit": float(limit),
                    "guaranteed": math.isfinite(limit),
                    "always_in_the_set": math.isinf(limit),
                    "val_images": _images_of(val)[name],
                    "val_lesions": count_lesions(val)[name],
                    **_own(measured, name),
                }
                for name, limit in zip(val.classes, limits, strict=True)
            },
        }


def _images_of(predictions: Predictions) -> dict[str, int]:
    """Return how many images of each class there are."""
    true = predictions.true.tolist()
    return {name: true.count(place) for place, name in enumerate(predictions.classes)}


def _own(numbers: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the numbers of one class, without its name."""
    end = f"/{name}"
    return {key.removesuffix(end): value for key, value in numbers.items() if key.endswith(end)}
