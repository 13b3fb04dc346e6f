"""Tables of the report page from what the reports calibration, subgroups and unknown found."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skinfw_reports.cells import interval, number, plain_table, words

_ERRORS = {
    "nll": "negative log-likelihood",
    "brier": "Brier score",
    "ece_width": "calibration error, bins of equal width",
    "ece_mass": "calibration error, bins of equal size",
}


def calibration_tables(file: Path) -> tuple[list[dict[str, Any]], str]:
    """Return the tables of calibration.json, and what must be said where there are none.

    file: it may be absent.
    """
    if not file.is_file():
        return [], (
            'The report "calibration" adds temperature scaling, operating points and prediction '
            "sets, all chosen on the validation part."
        )
    found = json.loads(file.read_text(encoding="utf-8"))
    if "absent" in found:
        return [], str(found["absent"])
    return [_scaling(found), _thresholds(found["thresholds"]), _sets(found["prediction_sets"])], ""


def _scaling(found: Mapping[str, Any]) -> dict[str, Any]:
    rows = [
        [name, _estimate(found["before"].get(key)), _estimate(found["after"].get(key))]
        for key, name in _ERRORS.items()
    ]
    caption = f"Before and after scaling by the temperature {number(found['temperature'])}, fitted "
    return plain_table(caption + "on validation and judged on test", ["", "before", "after"], rows)


def _thresholds(found: Mapping[str, Any]) -> dict[str, Any]:
    rows = []
    for name, one in found["classes"].items():
        test = one["test"]
        rows.append(
            [name, number(_float(one["threshold"])), f"{one['val_lesions']:,}",
             _estimate(test.get("sensitivity")), _estimate(test.get("specificity"))]
        )  # fmt: skip
    caption = (
        f"Operating points: the threshold at which validation reaches a sensitivity of "
        f"{found['sensitivity']:.0%}, and what it gives on test"
    )
    head = ["class", "threshold", "validation lesions", "sensitivity", "specificity"]
    return plain_table(caption, head, rows)


def _sets(found: Mapping[str, Any]) -> dict[str, Any]:
    rows = []
    for name, one in found["classes"].items():
        kept = "yes" if one["guaranteed"] else "no, too few validation lesions"
        rows.append([name, kept, _estimate(one.get("coverage")), _estimate(one.get("set_size"))])
    caption = (
        f"Prediction sets that hold the true class of {found['coverage']:.0%} of the images of "
        "each class: whether that is guaranteed for lesions drawn as those of validation were, and "
        "what came of it on test"
    )
    return plain_table(caption, ["class", "guaranteed", "coverage", "classes in the set"], rows)


def subgroup_table(file: Path) -> dict[str, Any] | None:
    """Return the table of subgroups.csv, where there is one."""
    import pandas as pd

    if not file.is_file():
        return None
    table = pd.read_csv(file, dtype=str, keep_default_na=False)
    measured = list(dict.fromkeys(table["number"]))
    rows = []
    for (attribute, group), own in table.groupby(["attribute", "group"], sort=False):
        cells = {row["number"]: row for _, row in own.iterrows()}
        first = own.iloc[0]
        shown = []
        for name in measured:
            row = cells.get(name)
            value = math.nan if row is None else _float(row["value"])
            if row is None or math.isnan(value):
                shown.append("not measured")
                continue
            few = ", few" if row["few"] not in ("", "False", "0", "no") else ""
            ends = interval([_float(row["low"]), _float(row["high"])])
            shown.append(f"{number(value)} ({ends}{few})" if ends else number(value) + few)
        name = "all images" if attribute == "all" else f"{words(attribute)}: {group}"
        rows.append([name, first["images"], first["lesions"], *shown])
    head = ["group", "images", "lesions", *map(words, measured)]
    return plain_table("Test images by group; few: rests on few lesions", head, rows)


def unknown_tables(file: Path) -> list[dict[str, Any]]:
    """Return the tables of out_of_distribution.json: what UNK costs and what it detects."""
    if not file.is_file():
        return []
    found = json.loads(file.read_text(encoding="utf-8"))
    tables = []
    if "without_unknown" in found:
        rows = [
            [name, _estimate(found[key]["balanced_accuracy"]),
             _estimate(found[key]["predicted_unknown"]) if key == "with_unknown" else "none"]
            for name, key in (("without UNK", "without_unknown"), ("with UNK", "with_unknown"))
        ]  # fmt: skip
        caption = f"Known images, with UNK by {words(found['score'])}"
        head = ["", "balanced accuracy of the challenge", "called UNK"]
        tables.append(plain_table(caption, head, rows))
    if ood := found.get("out_of_distribution"):
        keys = ("auroc", "ood_detected", "known_refused")
        rows = [
            [words(name), *(_estimate(one[key]) for key in keys)]
            for name, one in ood["scores"].items()
        ]
        whole = _estimate(ood["with_unknown"]["balanced_accuracy"])
        caption = (
            f"{ood['images']:,} out-of-distribution images beside the known ones; the challenge's "
            f"balanced accuracy of all of them, with UNK as a class, is {whole}"
        )
        head = ["score", "AUROC", "predicted UNK, out of distribution", "predicted UNK, known"]
        tables.append(plain_table(caption, head, rows))
    return tables


def _estimate(one: Mapping[str, Any] | None) -> str:
    if not one or one.get("value") is None:
        return "not measured"
    ends = interval([_float(one.get("low")), _float(one.get("high"))])
    value = number(float(one["value"]))
    return f"{value} ({ends})" if ends else value


def _float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan
