"""What would be done with an image at the thresholds of a run: of each class, and of triage."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from skinfw import MALIGNANT
from skinfw.toolkit import Schema, alternatives, read_record
from skinfw_serve.schemas import OperatingPoint
from skinfw_serve.words import class_in_words

if TYPE_CHECKING:
    from skinfw.toolkit import TrainedModel

Floats = npt.NDArray[np.float64]
Chance = Annotated[float, Field(ge=0, le=1)]

_FILES = ("calibration.json", "triage.json")
_CURE = "restore the file from the run, or delete it to serve without these thresholds"
_RULES = (
    "network alone",
    "defer by probability",
    "conformal, on average",
    "conformal, with confidence",
)


class _Estimate(Schema):
    value: Chance | None = None
    low: Chance | None = None
    high: Chance | None = None


class _Class(Schema):
    threshold: Chance | None
    test: dict[str, _Estimate] = Field(default={})


class _Thresholds(Schema):
    sensitivity: Chance
    classes: dict[str, _Class]


class _Calibration(Schema):
    thresholds: _Thresholds | None = None


class _Rule(Schema):
    low: float | None = None
    high: float | None = None


class _At(Schema):
    rules: dict[str, _Rule]


class _Triage(Schema):
    malignant: list[str] = Field(default=[])
    at: dict[str, _At] = Field(default={})


@dataclass(frozen=True)
class Threshold:
    """Hold a chance from which on something is done.

    name: the class, or what is asked.
    places: of the classes whose probabilities are summed.
    value: from which on it is called.
    above, below: what would be done, in a sentence.
    """

    name: str
    places: tuple[int, ...]
    value: float
    above: str
    below: str

    def apply(self, probabilities: Floats) -> OperatingPoint:
        """Return what would be done with an image.

        probabilities: [C], as the network gives them.
        """
        chance = min(1.0, float(probabilities[list(self.places)].sum()))
        called = chance >= self.value
        return OperatingPoint(
            name=self.name,
            of_a_class=len(self.places) == 1,
            chance=chance,
            threshold=self.value,
            called=called,
            does=self.above if called else self.below,
        )


@dataclass(frozen=True)
class Band:
    """Hold a rule of triage: below it a lesion is dismissed, inside deferred, above biopsied."""

    name: str
    places: tuple[int, ...]
    low: float
    high: float

    def apply(self, probabilities: Floats) -> OperatingPoint:
        """Return what would be done with an image that is all that is known of its lesion."""
        chance = min(1.0, float(probabilities[list(self.places)].sum()))
        if chance < self.low:
            does = "the lesion would be dismissed"
        elif chance < self.high:
            does = "the lesion would be left to a reader"
        else:
            does = "the lesion would have a biopsy"
        ends = [f"{end:.3g}" for end in (self.low, self.high) if 0 < end <= 1]
        return OperatingPoint(
            name=f"triage, {self.name}",
            of_a_class=False,
            chance=chance,
            threshold=min(1.0, max(0.0, self.low)),
            called=chance >= self.low,
            does=f"{does} (bounds {', '.join(ends)})" if ends else does,
        )


Point = Threshold | Band


def read_operating_points(model: TrainedModel) -> list[Point]:
    """Return the thresholds of a run that hold for what its network says; none after `--set`.

    For a refit, that of the recipe alone: the others were found on answers of the first network.
    Raises SkinfwError where a file of the run that tells them is damaged.
    """
    if model.sets:
        return []
    points: list[Point] = _malignancy(model)
    if model.network == "refit":
        return points
    calibration, triage = (model.path / name for name in _FILES)
    if calibration.is_file():
        record = read_record(_Calibration, calibration, _CURE)
        points += _by_class(record.get("thresholds"), model.classes)
    if triage.is_file():
        points += _by_rule(read_record(_Triage, triage, _CURE), model.classes)
    return points


def _malignancy(model: TrainedModel) -> list[Point]:
    """Return the threshold of the metric of malignancy, as the recipe states it."""
    every = model.tables.get("metric", ())
    tables = [one for one in every if one["use"].rpartition(":")[2] == "malignancy"]
    if not tables:
        return []
    names = tables[0].get("malignant") or MALIGNANT
    places = _places(names, model.classes)
    value = float(tables[0].get("threshold", 0.5))
    if not places:
        return []
    words = alternatives([model.classes[place] for place in places])
    text = f"malignant ({words}) at the recipe's threshold of {value:.2g}"
    return [
        Threshold(
            "malignant", places, value, f"would be called {text}", f"would not be called {text}"
        )
    ]


def _by_class(thresholds: Mapping[str, Any] | None, classes: Sequence[str]) -> list[Point]:
    """Return the threshold of each class, as the report on calibration found it."""
    if thresholds is None:
        return []
    points: list[Point] = []
    for name, own in thresholds["classes"].items():
        if name not in classes or own["threshold"] is None:
            continue
        words, test = class_in_words(name).words, own.get("test", {})
        reached = f"the threshold that finds {_percent(thresholds['sensitivity'])} on validation"
        found = _estimate("of its test images it found", test.get("sensitivity"))
        falsely = _estimate("of all others it let pass", test.get("specificity"))
        about = "; ".join(filter(None, (reached, found, falsely)))
        points.append(
            Threshold(
                name,
                (list(classes).index(name),),
                float(own["threshold"]),
                f"would be called {words} ({about})",
                f"would not be called {words} ({about})",
            )
        )
    return points


def _estimate(about: str, estimate: Mapping[str, Any] | None) -> str:
    if not estimate or estimate.get("value") is None:
        return ""
    low, high = estimate.get("low"), estimate.get("high")
    ends = "" if low is None or high is None else f" ({_percent(low)} to {_percent(high)})"
    return f"{about} {_percent(estimate['value'])}{ends}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _by_rule(triage: Mapping[str, Any], classes: Sequence[str]) -> list[Point]:
    """Return the rules of triage that depend on an image, at the recipe's prevalence.

    One without any end does not: it does the same with every lesion.
    """
    places = _places(triage.get("malignant", ()), classes)
    rules = triage.get("at", {}).get("recipe", {}).get("rules", {})
    return [
        _band(name, places, *_ends(rules[name]))
        for name in _RULES
        if name in rules and places and {*_ends(rules[name])} != {None}
    ]


def _ends(rule: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Return both ends of a band; JSON knows no infinity and says null."""
    return rule.get("low"), rule.get("high")


def _band(name: str, places: tuple[int, ...], low: float | None, high: float | None) -> Band:
    return Band(name, places, -math.inf if low is None else low, math.inf if high is None else high)


def _places(names: Sequence[str], classes: Sequence[str]) -> tuple[int, ...]:
    return tuple(place for place, name in enumerate(classes) if name in names)
