"""A run folder that was not trained: its numbers, its files and its reports."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinfw import Explanations, Predictions, RecipeError, Result, write_csv, write_json
from skinfw.toolkit import (
    LOCK,
    PREDICTION_FILES,
    RECORD_KEYS,
    Failures,
    ModelEvaluator,
    Plan,
    RunFolder,
    TrainedModel,
    build_components,
    class_counts,
    combine,
    compute_intervals,
    compute_metrics,
    display_path,
    intervals_record,
    read_lock,
    split_hash,
    with_network,
    write_predictions,
    write_reports,
)
from skinfw_ensembles.members import Member

if TYPE_CHECKING:
    import pandas as pd

Say = Callable[[str], None]
_OF_FIRST = ("hardware", "modalities", "data_fingerprint", "draw_hash")


@contextmanager
def new_folder(place: Path, plan: Plan, members: Sequence[Member]) -> Iterator[RunFolder]:
    """Make the folder of a run that is made of others; it is removed again where that fails.

    place: the folder, which must not exist.
    plan: of the first run.
    """
    if place.exists():
        raise RecipeError(
            "the folder exists already",
            display_path(place),
            "what is in it would be mixed with the new run",
            "name a new folder with --out",
        )
    folder = RunFolder.create(place.parent, plan, place.name)
    first = members[0].record
    folder.update(name=place.name, **{key: first[key] for key in _OF_FIRST if key in first})
    recipe = folder.record["recipe"]  # a run that was not trained has no epochs to tell of
    reports = recipe.get("report", [])
    recipe["report"] = [own for own in reports if own["use"].rpartition(":")[2] != "history"]
    try:
        with folder.hold():
            yield folder
    except BaseException:  # there is nothing in it to go on from
        shutil.rmtree(folder.path, ignore_errors=True)
        raise


@dataclass(frozen=True)
class Division:
    """Hold the images of a run that is made of others.

    rows: all of them, with component and part.
    parts: those that are measured, by part.
    marks: what a reader must know before believing the numbers.
    """

    rows: pd.DataFrame
    parts: Mapping[str, pd.DataFrame]
    marks: Sequence[str]

    def of(self, part: str) -> pd.DataFrame:
        """Return the images of a part, those of "train" too."""
        return self.rows[self.rows["part"] == part].reset_index(drop=True)


def folder_model(folder: RunFolder, first: TrainedModel, division: Division) -> TrainedModel:
    """Return what is known of the network of the folder, as far as the first run tells it.

    first: of the first run.
    """
    record = folder.record
    return replace(
        first,
        path=folder.path,
        tables=record["recipe"],
        marks=tuple(division.marks),
        counts=tuple(record["class_counts"].values()),
    )


def write_division(folder: RunFolder, division: Division, classes: Sequence[str]) -> None:
    """Write which image is in which part."""
    kept = division.rows[["id", "lesion", "component", "label", "part"]]
    write_csv(folder.path / "splits.csv", list(kept.columns), kept.itertuples(index=False))
    train = division.rows[division.rows["part"] == "train"]
    folder.update(
        marks=list(division.marks),
        classes=list(classes),
        class_counts=class_counts(train, classes),
        split_hash=split_hash(division.rows),
    )


def write_run(
    folder: RunFolder,
    model: TrainedModel,
    plan: Plan,
    division: Division,
    predictions: Mapping[str, Predictions],
    say: Say,
) -> Result:
    """Write the numbers and the reports of a run whose network and division are in its folder.

    model: of the folder.
    plan: of the first run.
    predictions: by part.
    say: told what a user must hear.
    """
    started = time.perf_counter()
    metrics = build_components(model.components("metric"), model.classes)
    numbers = {part: compute_metrics(metrics, own) for part, own in predictions.items()}
    replicates = plan.evaluate.replicates
    bounds = {part: compute_intervals(metrics, own, replicates, plan.seed)
              for part, own in predictions.items()} if replicates else {}  # fmt: skip
    for part, own in predictions.items():
        write_predictions(folder.path / PREDICTION_FILES[part], own)
    write_json(folder.path / "metrics.json", numbers)
    if bounds:
        record = intervals_record(predictions, bounds, replicates)
        write_json(folder.path / "intervals.json", record)
    folder.update(results={"select": plan.train.select, **numbers})
    evaluator = ModelEvaluator(model)
    result = Result(
        folder.path,
        folder.record["name"],
        model.classes,
        [],
        0,
        plan.train.select,
        predictions,
        numbers,
        rows=division.parts,
        marks=division.marks,
        intervals=bounds,
        replicates=replicates,
        seed=plan.seed,
        record=folder.record,
    )
    result = with_network(result, evaluator, lambda part: (division.of(part), plan.dataset))
    if "test" in predictions:
        result = _tell(folder, model, plan, replace(result, explanations=[]), evaluator)
    else:
        say("note: without a test part the reports have nothing to write about")
    _write_lock(folder, plan.recipe.path)
    folder.record["timings"]["evaluate"] = round(time.perf_counter() - started, 3)
    folder.keep_checksums()
    folder.finish("done")
    return result


def _write_lock(folder: RunFolder, first: Path) -> None:
    """Write what the run is made of: the packages and the data of the first run.

    first: its folder; runs of older versions have no lock.
    """
    if (first / LOCK).is_file():
        own = {key: folder.record[key] for key in RECORD_KEYS}
        write_json(folder.path / LOCK, {**read_lock(first), **own})


def _tell(
    folder: RunFolder, model: TrainedModel, plan: Plan, result: Result, evaluator: ModelEvaluator
) -> Result:
    """Explain and report; whoever fails costs the run nothing."""
    failures = Failures()
    explanations: list[Explanations] = []
    test = result.predictions["test"]
    for component in model.components("explainer"):
        with failures.contain(component):
            explanations.append(
                evaluator.explain(result.rows["test"], plan.dataset, test, component, plan.seed)
            )
    reports = build_components(model.components("report"), model.classes)
    result = replace(result, explanations=explanations)
    result = write_reports(reports, result, folder.path, failures)
    fitted = combine(own.calibration for own in result.findings)
    folder.update(calibration=fitted.record(), failures=failures.record())
    return result


def gathered_marks(members: Sequence[Member]) -> list[str]:
    """Return the marks of all runs, each once, and which of them answer by a refit.

    What a run says of its refit is about numbers of its own, which nobody sees here.
    """
    every: dict[str, Any] = {}
    for own in members:
        every |= dict.fromkeys(
            mark for mark in own.model.marks if mark not in own.model.refit_marks
        )
    refits = [own.name for own in members if own.model.network == "refit"]
    if refits:
        every[f"refits answer: {', '.join(refits)}"] = None
    return list(every)
