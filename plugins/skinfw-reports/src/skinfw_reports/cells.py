"""Numbers as a reader wants them, and the tables of the report page."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from skinfw import (
    Cell,
    Estimate,
    Findings,
    Interval,
    Predictions,
    Result,
    count_lesions,
    few_lesions,
    headline_numbers,
    read_csv,
)
from skinfw.toolkit import INTERVAL_METHODS
from skinfw_reports.scatter import scatter_content

PER_CLASS = ("sensitivity", "specificity", "precision", "f1", "auc")
_PARTS = {"train": "training part", "val": "validation part", "all": "evaluated images"}


def words(name: str) -> str:
    """Return a number's name as words."""
    return name.replace("_", " ")


def images_of(result: Result) -> str:
    """Return which images the numbers of a page are of."""
    return _PARTS.get(result.evaluation.get("part", "test"), "test part")


def number(value: float) -> str:
    """Return a number with three places, or a word where it was not measured."""
    return "not measured" if math.isnan(value) else f"{value:.3f}"


def interval(bounds: Sequence[float] | None) -> str:
    """Return an interval, or that there is none; nothing where none was asked for, or no number."""
    if bounds is None:
        return ""
    low, high = bounds
    if math.isnan(low) or math.isnan(high):
        return "no interval" if isinstance(bounds, Interval) and bounds.reason else ""
    return f"{low:.3f} to {high:.3f}"


def plain_table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Return a table as the template takes it."""
    return {"caption": caption, "head": list(head), "rows": [list(row) for row in rows]}


def section(findings: Findings) -> dict[str, Any]:
    """Return what a report found as the template takes it."""
    return {
        "key": findings.key,
        "title": findings.title,
        "text": list(findings.text),
        "tables": [
            plain_table(table.caption, table.head, [list(map(cell, row)) for row in table.rows])
            for table in findings.tables
        ],
        "scatters": [
            scatter_content(one, f"{findings.key}-{place}")
            for place, one in enumerate(findings.scatters)
        ],
        "pictures": [
            {"caption": one.caption, "alt": one.alt, "address": png_address(one.png)}
            for one in findings.pictures
        ],
    }


def png_address(png: bytes) -> str:
    """Return a PNG as an address that holds it."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def cell(value: Cell) -> str:
    """Return a cell of a table as a reader wants it."""
    if isinstance(value, str):
        return value
    if not isinstance(value, Estimate):
        return number(value)
    ends = interval((value.low, value.high))
    beside = ", ".join(filter(None, (ends, value.remark)))
    return f"{number(value.value)} ({beside})" if beside else number(value.value)


def headline(result: Result) -> list[dict[str, str]]:
    """Return the first numbers of the page, those of them that the recipe measures."""
    metrics, bounds = result.metrics["test"], _intervals(result)
    chosen = headline_numbers(result.select, metrics) or list(metrics)[:3]
    return [
        {
            "label": words(name),
            "value": number(metrics[name]),
            "interval": interval(bounds.get(name)),
        }
        for name in chosen
    ]


def all_numbers(result: Result) -> list[dict[str, Any]]:
    """Return tables of all numbers but those that stand in the first table of the classes.

    The second one, if there is any such number, has those of single classes of any metric.
    """
    metrics, bounds = result.metrics["test"], _intervals(result)
    rows, of_classes = [], list[str]()
    for name, value in metrics.items():
        measure, _, place = name.partition("/")
        if place in result.classes:
            of_classes.append(measure)
            continue
        own = bounds.get(name)
        rows.append([words(name), number(value), interval(own), _method(own)])
    head = ["number", "value", "95 % interval", "its method"]
    tables = [plain_table(f"All numbers of the {images_of(result)}", head, rows)]
    if others := [name for name in dict.fromkeys(of_classes) if name not in PER_CLASS]:
        tables.append(_class_numbers(result, others))
    return tables


def _class_numbers(result: Result, measures: Sequence[str]) -> dict[str, Any]:
    """Return a table with a row for each number that classes have, and a column for each class."""
    rows = [
        [words(name), *(_class_number(result, name, one) for one in result.classes)]
        for name in measures
    ]
    caption = f"Further numbers of single classes of the {images_of(result)}"
    return plain_table(caption, ["number", *result.classes], rows)


def _class_number(result: Result, measure: str, name: str) -> str:
    """Return a number of a class, and its interval in brackets."""
    key = f"{measure}/{name}"
    value = number(result.metrics["test"].get(key, math.nan))
    shown = interval(_intervals(result).get(key))
    return f"{value} ({shown})" if shown else value


def interval_notes(result: Result) -> list[str]:
    """Return how the intervals were made, and which numbers have none and why."""
    metrics, bounds = result.metrics["test"], _intervals(result)
    used = {_method(own) for own in bounds.values()}
    notes = [f"{name}: {said}." for name, said in INTERVAL_METHODS.items() if name in used]
    without: dict[str, list[str]] = {}
    for name, own in bounds.items():
        if isinstance(own, Interval) and own.reason and not math.isnan(metrics.get(name, math.nan)):
            without.setdefault(own.reason, []).append(words(name))
    return notes + [f"No interval, {why}: {', '.join(names)}." for why, names in without.items()]


def _method(bounds: Sequence[float] | None) -> str:
    return bounds.method if isinstance(bounds, Interval) else ""


def per_class(result: Result) -> dict[str, Any]:
    """Return the table of the classes, and what must be said below it."""
    import numpy as np

    test, metrics, bounds = result.predictions["test"], result.metrics["test"], _intervals(result)
    counts, lesions = np.bincount(test.true, minlength=len(test.classes)), count_lesions(test)
    named = [name for name in PER_CLASS if any(f"{name}/{one}" in metrics for one in test.classes)]
    rows, absent = [], []
    for label, name in enumerate(test.classes):
        cells = [_class_number(result, measure, name) for measure in named]
        rows.append([name, f"{counts[label]:,}", f"{lesions[name]:,}", *cells])
        if not counts[label]:
            absent.append(name)
    notes = []
    scarce = few_lesions(test).items()
    if few := [f"{name} ({count})" for name, count in scarce if count]:
        notes.append(f"Few lesions, so that one moves the numbers: {', '.join(few)}.")
    if absent:
        notes.append(f"Without an image and therefore not measured: {', '.join(absent)}.")
    head = ["class", "images", "lesions", *(f"{words(name)}" for name in named)]
    caption = f"Each class against the rest on the {images_of(result)}"
    caption += "; 95 % intervals over lesions in brackets" if bounds else ""
    return {"table": plain_table(caption, head, rows), "notes": notes}


def confusion(predictions: Predictions) -> dict[str, Any]:
    """Return the confusion matrix as cells with colours that can be read."""
    import numpy as np

    count = len(predictions.classes)
    matrix = np.zeros((count, count), int)
    np.add.at(matrix, (predictions.true, predictions.predicted), 1)
    rows = []
    for name, row in zip(predictions.classes, matrix, strict=True):
        total = int(row.sum())
        cells = []
        for images in row.tolist():
            share = images / total if total else 0.0
            # White letters on a dark ground, black ones on a light one: a contrast above 4.5.
            strength = share if share < 0.5 else 0.55 + 0.45 * share
            shade = [round(255 + (end - 255) * strength) for end in (31, 78, 121)]
            cells.append(
                {
                    "count": f"{images:,}" if images else "·",
                    "share": f"{share:.0%}" if images else "",
                    "background": f"rgb({', '.join(map(str, shade))})",
                    "ink": "#fff" if strength > 0.6 else "#1b1b1b",
                }
            )
        rows.append({"name": name, "cells": cells, "total": f"{total:,}"})
    return {"names": list(predictions.classes), "rows": rows}


def parts_table(file: Path, classes: Sequence[str]) -> dict[str, Any]:
    """Return images and lesions by part and class."""
    table = read_csv(file, ["lesion", "label", "part"], own=True)
    rows = []
    for name in [*classes, "all"]:
        own = table if name == "all" else table[table["label"] == name]
        cells = []
        for part in ("train", "val", "test"):
            here = own[own["part"] == part]
            cells.append(f"{len(here):,} ({here['lesion'].nunique():,})")
        rows.append([name, *cells])
    head = ["class", "training", "validation", "test"]
    return plain_table("Images, and lesions in brackets, by part", head, rows)


def _intervals(result: Result) -> Mapping[str, Sequence[float]]:
    intervals: Mapping[str, Sequence[float]] = result.intervals.get("test", {})
    return intervals
