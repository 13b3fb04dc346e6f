"""Evaluate a trained network again: on its own test part, or on another data set."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from skinfw import (
    Interval,
    Predictions,
    Result,
    SkinfwError,
    write_csv,
    write_json,
)
from skinfw.toolkit import (
    PREDICTION_FILES,
    REPLICATES,
    DataPlan,
    Metrics,
    ModelEvaluator,
    TrainedModel,
    best_epoch,
    build_components,
    compute_intervals,
    compute_metrics,
    display_path,
    file_name,
    intervals_record,
    load_data_plan,
    own_rows,
    read_history,
    read_run,
    run_predictions,
    unknown_rows,
    unwritable,
    with_network,
    write_evaluation_reports,
    write_predictions,
)
from skinfw_evaluation.schemas import VERSION

EVALUATION_FILE = "evaluation.json"


@dataclass(frozen=True)
class Evaluation:
    """Hold what was found.

    folder: where the files are.
    predictions: of the images.
    metrics, intervals: named numbers, and their 95 % intervals over lesions.
    folds: the numbers of each fold, where there are folds.
    """

    folder: Path
    predictions: Predictions
    metrics: Mapping[str, float]
    intervals: Mapping[str, Interval]
    folds: Sequence[Mapping[str, float]] = ()


def evaluate_rows(
    model: TrainedModel,
    rows: pd.DataFrame,
    plan: DataPlan,
    name: str,
    part: str,
    out: Path | None,
    of_run: bool,
    notes: Sequence[str] = (),
    marks: Sequence[str] = (),
) -> Evaluation:
    """Evaluate images, write the numbers, and let the run's reports write about them.

    rows: with labels of the network's classes, and UNK for out-of-distribution images, which no
        number counts.
    plan: the recipe whose data set they are of.
    name: of the evaluation.
    part: of its data set that the images are, or "all".
    out: its folder; in the run folder unless given.
    of_run: whether these are the run's own data.
    notes: what was told of the images.
    marks: what must be known before believing the numbers, beside the marks of the run.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S")
    folder = out or model.path / "evaluations" / f"{file_name(name)}-{stamp}"
    if (folder / "run.json").exists():
        raise SkinfwError(
            "the folder is a run's own, whose splits and predictions would be lost",
            display_path(folder),
            cure="choose another place with --out",
        )
    record = read_run(model.path)
    evaluator, ood = ModelEvaluator(model), unknown_rows(rows, model)
    parts = {"test": rows[~ood].reset_index(drop=True)}
    if ood.any():
        parts["out_of_distribution"] = rows[ood].reset_index(drop=True)
    predictions = {part: evaluator.predict(own, plan.dataset) for part, own in parts.items()}
    metrics = build_components(model.components("metric"), model.classes)
    recipe, marks = {**model.tables, "seed": plan.seed}, (*model.marks, *marks)
    dataset = plan.components.dataset.use
    about = {
        "name": name,
        "run": str(model.path),
        "network": model.weights.name,
        "dataset": dataset,
        "part": part,
        "marks": marks,
        "notes": notes,
    }
    evaluation = write_evaluation(folder, predictions["test"], metrics, recipe, about)

    def labelled(part: str) -> tuple[pd.DataFrame, Any]:
        """Return the rows of a part and the data set that they are of."""
        if part in parts:
            return parts[part], plan.dataset
        own = plan if of_run else load_data_plan(model.path, trust=model.trust or None)
        return own_rows(own, part, record, model.path), own.dataset

    # What the run said of its validation part fits no other answers.
    unchanged = not model.sets and model.network == "best"
    if (model.path / PREDICTION_FILES["val"]).is_file() and unchanged:
        validation = run_predictions(model.path, "val")
        if not set(validation.ids) & set(predictions["test"].ids):
            predictions["val"] = validation
    result = Result(
        model.path,
        name,
        model.classes,
        *_read_training(model.path, record),
        predictions=predictions,
        metrics={"test": evaluation.metrics},
        rows=parts,
        marks=marks,
        intervals={"test": evaluation.intervals} if evaluation.intervals else {},
        replicates=recorded_replicates(recipe),
        seed=plan.seed,
        record=record,
        evaluation={"dataset": dataset, "part": part, "notes": list(notes)},
    )
    reports = build_components(model.components("report"), model.classes)
    write_evaluation_reports(reports, with_network(result, evaluator, labelled), folder)
    return evaluation


def recorded_replicates(recipe: Mapping[str, Any]) -> int:
    """Return how often the intervals of a recorded recipe draw lesions again."""
    return int(recipe.get("evaluate", {}).get("replicates", REPLICATES))


def _read_training(run: Path, record: Mapping[str, Any]) -> tuple[list[dict[str, float]], int, str]:
    """Return the history of a run, its best epoch, and the number that chose it."""
    history = read_history(run)
    select = record["recipe"].get("train", {}).get("select", "balanced_accuracy")
    best = record["results"].get("best_epoch")  # absent where the run is not done
    if history and select not in history[0]:
        raise SkinfwError(
            f"the history of the run has no {select}, by which its best epoch was chosen",
            display_path(run / "history.csv"),
            cure="restore the file, or train again",
        )
    return history, best or (best_epoch(history, select) if history else 0), select


def write_evaluation(
    folder: Path,
    predictions: Predictions,
    metrics: Metrics,
    recipe: Mapping[str, Any],
    about: Mapping[str, Any],
    folds: Sequence[Predictions] = (),
) -> Evaluation:
    """Measure predictions, and write them into a folder that `skinfw compare` takes.

    metrics: pairs of plan and object.
    recipe: the resolved tables; of them, what a comparison needs is kept.
    about: what else evaluation.json says: the name and the marks.
    folds: the predictions of each fold, where these are all of them together.
    """
    numbers = compute_metrics(metrics, predictions)
    by_fold = [compute_metrics(metrics, fold) for fold in folds]
    replicates = recorded_replicates(recipe)
    bounds = (
        compute_intervals(metrics, predictions, replicates, recipe["seed"]) if replicates else {}
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error
    _write_splits(folder / "splits.csv", predictions)
    write_predictions(folder / "predictions.csv", predictions)
    write_json(folder / "metrics.json", {"test": numbers, **({"folds": by_fold} if folds else {})})
    if bounds:
        kept = intervals_record({"test": predictions}, {"test": bounds}, replicates)
        write_json(folder / "intervals.json", kept)
    tables = {name: recipe[name] for name in ("seed", "metric", "report") if name in recipe}
    about = {"schema_version": VERSION, **about, "recipe": tables, "classes": predictions.classes}
    write_json(folder / EVALUATION_FILE, about)
    return Evaluation(folder, predictions, numbers, bounds, by_fold)


def _write_splits(file: Path, predictions: Predictions) -> None:
    """Write which lesion each image counts to, so that intervals can be made again."""
    labels = [predictions.classes[label] for label in predictions.true.tolist()]
    parts = ["test"] * len(labels)
    rows = zip(predictions.ids, predictions.lesions, labels, parts, strict=True)
    write_csv(file, ["id", "lesion", "label", "part"], rows)
