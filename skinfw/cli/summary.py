"""The last lines of a run: what it was, the numbers that matter, and where to read on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from skinfw.cli.durations import duration
from skinfw.errors import printable
from skinfw.files.paths import display_path
from skinfw.interfaces.values import Interval, Predictions, Result, headline_numbers
from skinfw.recipe.loading import BEST_WEIGHTS
from skinfw.recipe.merging import dataset_name
from skinfw.statistics.intervals import few_lesions

PAGE = "report.html"
"""The file of a run folder that holds all that a reader must know."""


def summary(result: Result, record: Mapping[str, Any], every: bool = False) -> str:
    """Return what a user wants to know when a run is done.

    result: of the run.
    record: of its run.json.
    every: whether to tell every number and every file.
    """
    predictions, metrics = result.predictions["test"], result.metrics["test"]
    bounds = result.intervals.get("test", {})
    lines = [
        *(_best(result) if every else ()),
        *test_lines(predictions, metrics, bounds, result.select, every),
        *_refit(record),
        *(f"note: {mark}" for mark in result.marks),
        *_places(result, every),
    ]
    headline = click.style(printable(_headline(result, record)), bold=True)
    return "\n".join([headline, *map(printable, lines)])


def _headline(result: Result, record: Mapping[str, Any]) -> str:
    """Return what a run was, in one line; resumed runs count the time of all their parts."""
    recipe = record["recipe"]
    return " · ".join(
        [
            dataset_name(recipe).rpartition("/")[2],
            recipe["backbone"]["use"].rpartition("/")[2],
            f"best epoch {result.best_epoch}",
            duration(sum(record["timings"].values())),
        ]
    )


def _best(result: Result) -> list[str]:
    """Return the number of the validation part that chose the epoch."""
    best = result.history[result.best_epoch - 1][result.select]
    return [f"best epoch {result.best_epoch}: {result.select.replace('_', ' ')} {best:.3f}"]


def _refit(record: Mapping[str, Any]) -> list[str]:
    """Return which network the numbers are of, where there are two."""
    if not (refit := record.get("refit")):
        return []
    return [
        f"refit  {refit['images']:,} images ({refit['on']}) until epoch {refit['epochs']}: "
        f"{refit['weights']} answers new images; the numbers are those of {BEST_WEIGHTS}"
    ]


def _places(result: Result, every: bool) -> list[str]:
    """Return the page, or the folder where no report wrote one; or all files."""
    page = result.folder / PAGE
    files: Sequence[Path] = [page if page.is_file() else result.folder]
    if every:
        files = sorted(file for file in result.folder.rglob("*") if file.is_file())
    return [f"  {display_path(file)}" for file in files]


def test_lines(
    predictions: Predictions,
    metrics: Mapping[str, float],
    bounds: Mapping[str, tuple[float, float]],
    select: str,
    every: bool = True,
    part: str = "test",
) -> list[str]:
    """Return the numbers of images with their intervals; those of classes are in files.

    select: the number that the run was selected by, which its reader asks for first.
    every: whether to tell all numbers, or three.
    part: what the images are called.
    """
    beside = ", 95 % intervals in brackets" if bounds else ""
    images, lesions = len(predictions.ids), len(set(predictions.lesions))
    lines = [f"{part:5} {images:,} images of {lesions:,} lesions{beside}"]
    names = chosen_names(metrics, select, every)
    width = max(map(len, names), default=0)
    for name in names:
        line = f"{part:5} {name.replace('_', ' '):{width}}  {metrics[name]:.3f}"
        low, high = ends = bounds.get(name, (math.nan, math.nan))
        if not math.isnan(low):
            line += f"  ({low:.3f} to {high:.3f})"
        elif isinstance(ends, Interval) and ends.reason:
            line += "  (no interval)"
        lines.append(line)
    few = few_lesions(predictions)
    if bounds and few:
        counts = ", ".join(f"{name} {count}" for name, count in few.items())
        lines.append(f"note: few {part} lesions, for which intervals are wide: {counts}")
    return lines


def chosen_names(metrics: Iterable[str], select: str, every: bool) -> list[str]:
    """Return the names of the numbers to tell, the one that the run was selected by first.

    metrics, select, every: as `test_lines` takes them.
    """
    if every:
        names = [name for name in metrics if "/" not in name]
        return sorted(names, key=lambda name: name != select)
    return headline_numbers(select, metrics)[:3]
