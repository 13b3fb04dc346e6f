"""Recipes that were trained with several seeds beside each other: how far apart they are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from skinfw import (
    Comparison,
    ComparisonEntry,
    Interval,
    Predictions,
    RecipeError,
    SeedNumber,
    SkinfwError,
)
from skinfw.toolkit import (
    REPLICATES,
    SEEDS,
    Metrics,
    TrainedModel,
    applicable_metrics,
    build_components,
    combine_seeds,
    difference_intervals,
    display_path,
    measure_seeds,
    natural_range,
    open_series,
    range_of_difference,
    read_run,
    read_trainings,
    resample_together,
    shared_lesions,
)
from skinfw_evaluation.compare import ABSENT, wanted_numbers
from skinfw_evaluation.paired import align

if TYPE_CHECKING:
    from skinfw import Metric


def seed_differences(
    metric: Metric,
    first: Sequence[Predictions],
    second: Sequence[Predictions],
    replicates: int = REPLICATES,
    seed: int = 0,
) -> dict[str, SeedNumber]:
    """Return the mean difference of every number between two recipes, first less second.

    metric: called with predictions; its `resample` is used where it has one.
    first, second: the predictions of each training; those of one place are of the same images.
    replicates, seed: of the lesions that are drawn again.
    Raises SkinfwError where images, classes, labels or lesions of a pair are not the same.
    """
    import numpy as np

    second = [align(one, other) for one, other in zip(first, second, strict=True)]
    pairs = list(zip(first, second, strict=True))
    measured = [(metric(one), metric(other)) for one, other in pairs]
    bounds = [difference_intervals(metric, *pair, replicates, seed) for pair in pairs]
    drawn = [resample_together(metric, own, replicates, seed) for own in (first, second)]
    shared, nothing = shared_lesions(first), np.full(replicates, math.nan)
    absent = Interval(math.nan, math.nan)
    numbers = {}
    for name in dict.fromkeys(name for own in bounds for name in own):
        values = [
            float(one.get(name, math.nan)) - float(other.get(name, math.nan))
            for one, other in measured
        ]
        around = [own.get(name, absent) for own in bounds]
        ones, others = (np.array([own.get(name, nothing) for own in side]) for side in drawn)
        limits = range_of_difference(natural_range(ones), natural_range(others))
        numbers[name] = combine_seeds(values, around, ones - others, shared, limits)
    return numbers


@dataclass(frozen=True)
class ComparedSeeds:
    """Hold one of the recipes that were trained with several seeds.

    name: as the comparison calls it.
    trained_model: what the record of the first seed says.
    trainings: the predictions of each seed, by the names of their folders.
    marks: of all seeds.
    """

    name: str
    trained_model: TrainedModel
    trainings: Mapping[str, Predictions]
    marks: tuple[str, ...]


def holds_seeds(path: Path) -> bool:
    """Tell whether a folder is one of several seeds, and not of a single run."""
    return (path / SEEDS.file).is_file()


def read_seeds(paths: Sequence[Path], trust: bool = False) -> list[ComparedSeeds]:
    """Read folders that `skinfw run --seeds` has made.

    trust: whether Python files that they name may be imported unseen.
    Raises SkinfwError where one of them is no such folder, or some seed is not done.
    """
    if alone := [path for path in paths if not holds_seeds(path)]:
        raise RecipeError(
            "a single run cannot be compared with several seeds",
            display_path(alone[0]),
            "one training does not tell what another one would give",
            "compare folders of skinfw run --seeds, or the run folders of single seeds in them",
        )
    sides: list[ComparedSeeds] = []
    for path in paths:
        series = open_series(SEEDS, path)
        trainings, marks = read_trainings(series), tuple(series.marks())
        first = series.run_path(SEEDS.first)
        record = read_run(first)
        classes = tuple(record.get("classes") or ())
        model = TrainedModel(first, classes, record["recipe"], marks, trust=trust)
        name = path.resolve().name
        if name in {side.name for side in sides}:
            name = display_path(path)
        sides.append(ComparedSeeds(name, model, trainings, marks))
    return sides


def compare_seeds(
    sides: Sequence[ComparedSeeds], replicates: int, wanted: Sequence[str] = ()
) -> Comparison:
    """Compare recipes with the first one, by the metrics that it names, over lesions and seeds.

    replicates: how often lesions are drawn again.
    wanted: names of numbers; empty takes those that are not of a single class.
    Raises RecipeError for a number that nobody measures.
    """
    first = sides[0]
    notes = [f"{side.name}: {mark}" for side in sides for mark in side.marks]
    metrics: Metrics = build_components(
        first.trained_model.components("metric"), first.trained_model.classes
    )
    metrics, absent = applicable_metrics(metrics, next(iter(first.trainings.values())))
    notes += [f"{first.name}: {note}" for note in absent]
    columns = [_alone(metrics, side, replicates) for side in sides]
    names = wanted_numbers(list(columns[0]), wanted, first.name, first.trained_model.path)
    for side, column in zip(sides[1:], columns[1:], strict=True):
        try:
            apart = _apart(metrics, first, side, replicates, notes)
        except SkinfwError as error:
            notes.append(f"{side.name} cannot be compared with {first.name}: {error.why}")
            continue
        for name, one in apart.items():
            column[name] = replace(
                column[name], difference=one.mean, difference_interval=one.interval
            )
    return Comparison(
        tuple(side.name for side in sides),
        tuple(len(_together(side, "ids")) for side in sides),
        tuple(len(_together(side, "lesions")) for side in sides),
        {name: [column.get(name, ABSENT) for column in columns] for name in names},
        notes,
        tuple(len(side.trainings) for side in sides),
    )


def _together(side: ComparedSeeds, what: Literal["ids", "lesions"]) -> set[str]:
    """Return what the test parts of all seeds have."""
    return {name for own in side.trainings.values() for name in getattr(own, what)}


def _alone(metrics: Metrics, side: ComparedSeeds, replicates: int) -> dict[str, ComparisonEntry]:
    """Return the numbers of one recipe over its seeds."""
    numbers = measure_seeds(metrics, list(side.trainings.values()), replicates)
    return {
        name: ComparisonEntry(one.mean, one.interval, deviation=one.deviation)
        for name, one in numbers.items()
    }


def _apart(
    metrics: Metrics,
    first: ComparedSeeds,
    other: ComparedSeeds,
    replicates: int,
    notes: list[str],
) -> dict[str, SeedNumber]:
    """Return how far the numbers of a recipe are from those of the first, seed by seed.

    notes: told where one of them has seeds that the other lacks.
    """
    both = [name for name in first.trainings if name in other.trainings]
    if len(both) < max(len(first.trainings), len(other.trainings)):
        said = f"the difference is over the {len(both)} seeds that both have"
        notes.append(f"{other.name} and {first.name}: {said}")
    differences: dict[str, SeedNumber] = {}
    for component, metric in metrics:
        with component.guard():
            ones, others = ([side.trainings[name] for name in both] for side in (other, first))
            differences |= seed_differences(metric, ones, others, replicates)
    return differences
