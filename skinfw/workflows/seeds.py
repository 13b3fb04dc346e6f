"""A recipe that was trained with several seeds: all trainings together, in a table and on pages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skinfw.data.table import split_data, split_hash
from skinfw.errors import SkinfwError
from skinfw.evaluation.numbers import Metrics, applicable_metrics
from skinfw.files.atomic import write_json
from skinfw.files.numbers import number_cell
from skinfw.files.paths import display_path
from skinfw.files.spreadsheets import write_csv
from skinfw.interfaces.protocols import SeedsReport
from skinfw.interfaces.values import Predictions, SeedNumber, SeedsSummary
from skinfw.recipe.component import build_components
from skinfw.recipe.plan import Plan, load_plan
from skinfw.recipe.run_record import read_run
from skinfw.statistics.predictions import run_predictions
from skinfw.statistics.seeds import seed_numbers
from skinfw.workflows.series import SEEDS, RunSeries, create_series

TABLE = "seeds.csv"
ONE_DIVISION = "all seeds have the same division: nothing is said of another one"
OWN_DIVISIONS = "each seed has a division of its own"


def create_seeds(
    parent: Path, recipe: Path, sets: Sequence[str], count: int, trust: bool | None
) -> tuple[RunSeries, bool]:
    """Make the folder of several seeds.

    parent: where runs go.
    recipe, sets: as the command line has them.
    count: how many seeds.
    trust: as `load_plan` takes it.
    Returns the series, and whether the split gives all seeds the same division. A recipe whose
    data are absent, or that cannot be divided, leaves no folder.
    """
    plans = [load_plan(recipe, (*sets, f"seed={seed}"), trust=trust) for seed in (1, 2)]
    # Ids alone tell whether a division follows the seed; no image is looked at twice for it.
    first, second = (split_hash(split_data(plan, compare=False).rows) for plan in plans)
    return create_series(SEEDS, parent, plans[0], recipe, sets, count), first == second


def read_trainings(series: RunSeries) -> dict[str, Predictions]:
    """Return the predictions of all seeds, by the names of their folders.

    Raises SkinfwError where one of them is not done.
    """
    trainings = {}
    for seed in series.values:
        path = series.run_path(seed)
        if not (path / "run.json").is_file() or read_run(path).get("status") != "done":
            raise SkinfwError(
                f"seed {seed} of {series.count} is not done",
                display_path(series.folder),
                "all seeds count together, or none",
                f"go on with: {series.resume_command}",
            )
        trainings[path.name] = run_predictions(path)
    return trainings


def summarize_seeds(series: RunSeries, plan: Plan) -> SeedsSummary:
    """Return the numbers of all seeds together, and write them into seeds.json and seeds.csv.

    plan: the recipe of any seed.
    """
    trainings = read_trainings(series)
    first, *_ = own = list(trainings.values())
    records = [read_run(series.run_path(seed)) for seed in series.values]
    built = build_components(plan.components.metric, plan.classes)
    metrics, notes = applicable_metrics(built, first)
    if len({record.get("data_fingerprint") for record in records}) > 1:
        notes.append("the data set has changed between seeds")
    summary = SeedsSummary(
        plan.recipe.name,
        tuple(trainings),
        tuple(len(one.ids) for one in own),
        tuple(len(set(one.lesions)) for one in own),
        len({record.get("split_hash") for record in records}) == 1,
        measure_seeds(metrics, own, plan.evaluate.replicates),
        plan.train.select,
        [*series.marks(), *notes],
    )
    write_json(series.folder / SEEDS.file, {**series.record(), "summary": _record(summary)})
    _write_table(series.folder / TABLE, summary)
    for component, report in build_components(plan.components.report, plan.classes):
        if isinstance(report, SeedsReport):
            with component.guard():
                report.summarize(summary, series.folder)
    return summary


def measure_seeds(
    metrics: Metrics, trainings: Sequence[Predictions], replicates: int
) -> dict[str, SeedNumber]:
    """Return the numbers of all metrics over several trainings.

    metrics: pairs of plan and object.
    replicates: how often lesions are drawn again; 0 makes no intervals.
    """
    numbers: dict[str, SeedNumber] = {}
    for component, metric in metrics:
        with component.guard():
            numbers |= seed_numbers(metric, trainings, replicates)
    return numbers


def _record(summary: SeedsSummary) -> dict[str, Any]:
    """Return what seeds.json says of all seeds together."""
    numbers = {name: {**vars(one)} for name, one in summary.numbers.items()}
    return {**vars(summary), "numbers": numbers}


def _write_table(file: Path, summary: SeedsSummary) -> None:
    """Write a row for each number."""
    head = ["number", "mean", "low", "high", "deviation", *summary.trainings]
    rows: list[list[Any]] = [
        [name, *map(number_cell, (one.mean, *one.interval, one.deviation, *one.values))]
        for name, one in summary.numbers.items()
    ]
    write_csv(file, head, rows)
