"""What `skinfw validate` writes as tables and reads of them, and says in the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from skinfw import (
    ClassGroup,
    Estimate,
    Validation,
    ValidationNumber,
    ValidationSet,
    write_csv,
    write_json,
)
from skinfw.toolkit import json_number, number_cell, read_record
from skinfw_evaluation.schemas import VERSION, ValidationSchema
from skinfw_evaluation.validation import Foreign

HEADER = (
    "dataset", "number", "value", "low", "high", "home", "home_low", "home_high", "drop",
    "drop_low", "drop_high", "images", "lesions", "failure",
)  # fmt: skip
ENDS = ("value", "low", "high")
FIRST = (
    "balanced_accuracy", "accuracy", "macro_auc",
    "malignant_auc", "malignant_sensitivity", "malignant_specificity",
)  # fmt: skip
"""The numbers that a reader asks for first."""


def write_tables(folder: Path, validation: Validation, path: Path) -> None:
    """Write validation.csv and validation.json.

    path: the run folder.
    """
    everything = [validation.home, *validation.sets]
    rows = [row for own in everything for row in _rows(own)]
    write_csv(folder / "validation.csv", HEADER, rows)
    record = {
        "schema_version": VERSION,
        "run": str(path),
        "threshold": validation.threshold,
        "interval": "95 % over lesions; of a drop by MOVER (Zou and Donner 2008)",
        "marks": list(validation.marks),
        "home": _record(validation.home),
        "data_sets": [_record(own) for own in validation.sets],
    }
    write_json(folder / "validation.json", record)


def read_set(folder: Path) -> ValidationSet:
    """Return the first data set of a validation.

    folder: that `write_tables` has written to.
    Raises SkinfwError where it cannot be read.
    """
    record = read_record(ValidationSchema, folder / "validation.json", "validate again")
    one: dict[str, Any] = record["data_sets"][0]
    groups = [
        ClassGroup(own["name"], tuple(own["labels"]), tuple(own["classes"]))
        for own in one["groups"]
    ]
    numbers = {
        name: ValidationNumber(
            _estimate(own["there"]),
            _estimate(own["home"]),
            _estimate(own["drop"]),
            own["images"],
            own["lesions"],
        )
        for name, own in one["numbers"].items()
    }
    about = {key: one[key] for key in ("name", "dataset", "images", "lesions", "left_out", "notes")}
    return ValidationSet(**about, groups=groups, numbers=numbers)


def _estimate(ends: Mapping[str, float | None]) -> Estimate:
    value, low, high = (ends[key] for key in ENDS)
    return Estimate(json_number(value), json_number(low), json_number(high))


def write_foreign(file: Path, foreign: Foreign) -> None:
    """Write what the network says of each image of a data set, with the label that is compared."""
    own = foreign.predictions
    chances = own.probabilities.tolist()
    rows = zip(own.ids, own.lesions, foreign.labels, chances, strict=True)
    cells = ([name, lesion, label, *row] for name, lesion, label, row in rows)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_csv(file, ["id", "lesion", "label", *own.classes], cells)


def _rows(own: ValidationSet) -> Iterator[list[Any]]:
    """Yield a row for each number of a data set, and for each reason to leave images out."""
    blank = [""] * 8
    if own.failure:
        yield [own.name, "", "", *blank, "", "", own.failure]
    for name, one in own.numbers.items():
        cells = [number_cell(end) for estimate in _estimates(one) for end in _ends(estimate)]
        yield [own.name, name, *cells, one.images, one.lesions, ""]
    for reason, images in own.left_out.items():
        yield [own.name, f"left_out/{reason}", images, *blank, "", "", ""]


def _record(own: ValidationSet) -> dict[str, Any]:
    return {
        "name": own.name,
        "dataset": own.dataset,
        "failure": own.failure,
        "images": own.images,
        "lesions": own.lesions,
        "left_out": dict(own.left_out),
        "groups": [vars(group) for group in own.groups],
        "notes": list(own.notes),
        "numbers": {
            name: {
                key: dict(zip(ENDS, _ends(estimate), strict=True))
                for key, estimate in zip(("there", "home", "drop"), _estimates(one), strict=True)
            }
            | {"images": one.images, "lesions": one.lesions}
            for name, one in own.numbers.items()
        },
    }


def _estimates(one: ValidationNumber) -> tuple[Estimate, Estimate, Estimate]:
    return one.there, one.home, one.drop


def _ends(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high


def lines(validation: Validation) -> list[str]:
    """Return the first numbers of all data sets for the terminal."""
    width = max(len(own.name) for own in (validation.home, *validation.sets))
    told = []
    for own in (validation.home, *validation.sets):
        about = f"failed: {own.failure}" if own.failure else ""
        told.append(
            f"{own.name:{width}}  {about or f'{own.images:,} images of {own.lesions:,} lesions'}"
        )
    for name in FIRST:
        told.append(name.replace("_", " "))
        for own in (validation.home, *validation.sets):
            if own.failure:
                continue
            one = own.numbers.get(name)
            if one is None or math.isnan(one.there.value):
                told.append(f"  {own.name:{width}}  not measured")
                continue
            line = f"  {own.name:{width}}  {one.there.value:.3f}{_between(one.there, '')}"
            if not math.isnan(one.drop.value):
                line += f"   home {one.home.value:.3f}   drop {one.drop.value:+.3f}"
                line += _between(one.drop, "+")
            told.append(line)
    return told


def _between(estimate: Estimate, sign: str) -> str:
    if math.isnan(estimate.low):
        return ""
    return f"  ({estimate.low:{sign}.3f} to {estimate.high:{sign}.3f})"
