"""The tables of the calibration report for a reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skinfw import FindingsTable
from skinfw_reliability.findings import estimate_cell

_ERRORS = {
    "nll": "negative log-likelihood",
    "brier": "Brier score",
    "ece": "calibration error, bins of equal width",
    "adaptive_ece": "calibration error, bins of equal size",
}


def temperature_table(data: Mapping[str, Any]) -> FindingsTable:
    """Return the calibration errors before and after temperature scaling."""
    rows = [
        [name, estimate_cell(data["before"][key]), estimate_cell(data["after"][key])]
        for key, name in _ERRORS.items()
    ]
    caption = (
        f"Before and after scaling by the temperature {data['temperature']:.3f}, fitted on "
        "validation and measured on test"
    )
    return FindingsTable(caption, ["", "before", "after"], rows)


def thresholds_table(data: Mapping[str, Any]) -> FindingsTable:
    """Return the operating point of each class."""
    rows = [
        [
            name,
            one["threshold"],
            f"{one['val_lesions']:,}",
            estimate_cell(one["test"].get("sensitivity")),
            estimate_cell(one["test"].get("specificity")),
        ]
        for name, one in data["classes"].items()
    ]
    caption = (
        "Operating points: the threshold at which validation reaches a sensitivity of "
        f"{data['sensitivity']:.0%}, and what it gives on test"
    )
    head = ["class", "threshold", "validation lesions", "sensitivity", "specificity"]
    return FindingsTable(caption, head, rows)


def sets_table(data: Mapping[str, Any]) -> FindingsTable:
    """Return the coverage and the size of the prediction sets of each class."""
    rows = [
        [
            name,
            "yes" if one["guaranteed"] else "no, too few validation lesions",
            estimate_cell(one.get("coverage")),
            estimate_cell(one.get("set_size")),
        ]
        for name, one in data["classes"].items()
    ]
    caption = (
        f"Prediction sets that hold the true class of {data['coverage']:.0%} of the images of "
        "each class: whether that is guaranteed for lesions drawn as those of validation were, and "
        "what came of it on test"
    )
    return FindingsTable(caption, ["class", "guaranteed", "coverage", "classes in the set"], rows)
