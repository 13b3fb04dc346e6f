"""Several runs beside each other, on the same lesions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from skinfw import (
    Comparison,
    ComparisonEntry,
    Interval,
    Predictions,
    RecipeError,
    SkinfwError,
    confidence_intervals,
)
from skinfw.toolkit import (
    Metrics,
    TrainedModel,
    applicable_metrics,
    build_components,
    display_path,
    read_run,
    run_predictions,
)
from skinfw_evaluation.evaluate import EVALUATION_FILE
from skinfw_evaluation.paired import Difference, compare
from skinfw_evaluation.schemas import read_evaluation

HEADER = (
    "number", "run", "value", "low", "high", "difference", "difference_low", "difference_high", "p",
)  # fmt: skip
ABSENT = ComparisonEntry(math.nan, Interval(math.nan, math.nan))


@dataclass(frozen=True)
class ComparedRun:
    """Hold one of the runs.

    name: as the comparison calls it.
    trained_model: what its record says.
    predictions: of its test part.
    """

    name: str
    trained_model: TrainedModel
    predictions: Predictions

    @property
    def seed(self) -> int:
        """What its intervals are drawn with."""
        return int(self.trained_model.tables.get("seed", 0))


def read_sides(paths: Sequence[Path], trust: bool = False) -> list[ComparedRun]:
    """Read the runs.

    paths: run folders, and folders that `skinfw evaluate` has made.
    trust: whether Python files that they name may be imported unseen.
    Raises SkinfwError where one has no predictions of its test part.
    """
    sides = []
    for path in paths:
        record = _record(path)
        classes, marks = tuple(record.get("classes") or ()), tuple(record["marks"])
        recorded = TrainedModel(path, classes, record["recipe"], marks, trust=trust)
        sides.append(ComparedRun(path.resolve().name, recorded, run_predictions(path)))
    if len({side.name for side in sides}) < len(sides):
        sides = [
            ComparedRun(display_path(path), side.trained_model, side.predictions)
            for path, side in zip(paths, sides, strict=True)
        ]
    return sides


def compare_runs(
    sides: Sequence[ComparedRun], replicates: int, wanted: Sequence[str] = ()
) -> Comparison:
    """Compare the runs with the first one, by the metrics that its recipe names.

    replicates: how often lesions are drawn again.
    wanted: names of numbers; empty takes those that are not of a single class.
    Raises RecipeError for a number that nobody measures.
    """
    first = sides[0].trained_model
    notes = [f"{side.name}: {mark}" for side in sides for mark in side.trained_model.marks]
    columns: list[Any] = []
    metrics: Metrics = build_components(first.components("metric"), first.classes)
    for side in sides:
        own, absent = applicable_metrics(metrics, side.predictions)
        notes += [f"{side.name}: {note}" for note in absent]
        columns.append(_alone(own, side, replicates))
        if side is sides[0]:
            metrics = own
    names = wanted_numbers(list(columns[0]), wanted, sides[0].name, first.path)
    for place, side in enumerate(sides[1:], 1):
        try:
            apart = _apart(metrics, sides[0], side, replicates)
        except SkinfwError as error:
            notes.append(f"{side.name} cannot be compared with {sides[0].name}: {error.why}")
            continue
        for name, one in apart.items():
            columns[place][name] = replace(
                columns[place][name],
                difference=one.difference,
                difference_interval=one.interval,
                p=one.p,
            )
    return Comparison(
        tuple(side.name for side in sides),
        tuple(len(side.predictions.ids) for side in sides),
        tuple(len(set(side.predictions.lesions)) for side in sides),
        {name: [column.get(name, ABSENT) for column in columns] for name in names},
        notes,
    )


def wanted_numbers(
    known: Sequence[str], wanted: Sequence[str], first: str, path: Path
) -> list[str]:
    """Return the names of the numbers to compare: those of no single class, unless others are.

    known: what the first run has.
    wanted: what was asked for.
    first, path: the name of that run, and its folder.
    Raises RecipeError for a number that nobody measures.
    """
    if unknown := [name for name in wanted if name not in known]:
        raise RecipeError(
            f"no metric of {first} measures {', '.join(unknown)}",
            display_path(path),
            cure=f"it has {', '.join(known)}",
        )
    return list(wanted) or [name for name in known if "/" not in name]


def _alone(metrics: Metrics, side: ComparedRun, replicates: int) -> dict[str, ComparisonEntry]:
    """Return the numbers of one run with their intervals, drawn as the run itself drew."""
    entries: dict[str, ComparisonEntry] = {}
    for component, metric in metrics:
        with component.guard():
            numbers = metric(side.predictions)
            bounds = confidence_intervals(metric, side.predictions, replicates, side.seed)
        entries |= {
            name: ComparisonEntry(float(value), bounds[name]) for name, value in numbers.items()
        }
    return entries


def _apart(
    metrics: Metrics,
    first: ComparedRun,
    other: ComparedRun,
    replicates: int,
) -> dict[str, Difference]:
    """Return how far the numbers of a run are from those of the first."""
    differences: dict[str, Difference] = {}
    for component, metric in metrics:
        with component.guard():
            differences |= compare(
                metric, other.predictions, first.predictions, replicates, first.seed
            )
    return differences


def _record(path: Path) -> Mapping[str, Any]:
    """Return the record of a run or of an evaluation."""
    file = path / EVALUATION_FILE
    return read_evaluation(file) if file.is_file() else read_run(path)


def as_rows(comparison: Comparison) -> list[list[str]]:
    """Return the comparison as a table, a row for each number and run, with columns `HEADER`.

    Where runs are those of several seeds, a last column has the deviation between them.
    """
    rows = []
    for name, entries in comparison.numbers.items():
        for run, one in zip(comparison.runs, entries, strict=True):
            values = [one.value, *one.interval, one.difference, *one.difference_interval, one.p]
            if comparison.seeds:
                values.append(one.deviation)
            rows.append(
                [name, run, *("" if value != value else f"{value:.6f}" for value in values)]
            )
    return rows
