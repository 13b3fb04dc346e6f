"""Judge a trained network again: on its own test part, or on another data set."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinfw.errors import SkinfwError, unwritable
from skinfw.files.atomic import write_csv, write_json
from skinfw.interfaces.values import Features, Predictions, Result
from skinfw.recipe.loading import display_path, read_run
from skinfw.recipe.plan import Plan, load_plan
from skinfw.statistics.intervals import REPLICATES, intervals_record
from skinfw.statistics.predictions import FILES, run_predictions, write_predictions
from skinfw.workflows.evaluation_data import own_rows, unknown_rows

if TYPE_CHECKING:
    import pandas as pd

    from skinfw.inference.trained_model import TrainedModel
    from skinfw.recipe.component import PlannedComponent

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
    intervals: Mapping[str, tuple[float, float]]
    folds: Sequence[Mapping[str, float]] = ()


def evaluate_rows(
    saved: TrainedModel,
    rows: pd.DataFrame,
    plan: Plan,
    name: str,
    out: Path | None,
    of_run: bool,
    notes: Sequence[str] = (),
    marks: Sequence[str] = (),
) -> Evaluation:
    """Judge images, write what was found, and let the run's reports write about it.

    rows: with labels of the network's classes, and UNK for out-of-distribution images, which no
        number counts.
    planned: the recipe whose data set they are of.
    name: of the evaluation.
    out: its folder; in the run folder unless given.
    of_run: whether these are the run's own data.
    notes: what was told of the images.
    marks: what must be known before believing the numbers, beside the marks of the run.
    """
    from skinfw.inference.labelled_images import ModelEvaluator

    folder = out or saved.path / "evaluations" / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
    if (folder / "run.json").exists():
        raise SkinfwError(
            "the folder is a run's own, whose splits and predictions would be lost",
            display_path(folder),
            cure="choose another place with --out",
        )
    judge, ood = ModelEvaluator(saved), unknown_rows(rows, saved)
    parts = {"test": rows[~ood].reset_index(drop=True)}
    if ood.any():
        parts["out_of_distribution"] = rows[ood].reset_index(drop=True)
    found = {part: judge.predictions(own, plan.dataset) for part, own in parts.items()}
    metrics = [(metric, metric.make(classes=saved.classes)) for metric in saved.metrics]
    recipe, marks = {**saved.tables, "seed": plan.seed}, (*saved.marks, *marks)
    about = {
        "name": name,
        "run": str(saved.path),
        "dataset": plan.one("dataset").use,
        "marks": marks,
        "notes": notes,
    }
    made = write_evaluation(folder, found["test"], metrics, recipe, about)

    def features(part: str) -> Features:
        if part in parts:
            return judge.features(parts[part], plan.dataset)
        own = plan if of_run else load_plan(saved.path)
        return judge.features(own_rows(own, part, read_run(saved.path)), own.dataset)

    # What the run said of its validation part fits no other answers.
    if (saved.path / FILES["val"]).is_file() and not saved.sets:
        fitted = run_predictions(saved.path, "val")
        if not set(fitted.ids) & set(found["test"].ids):
            found["val"] = fitted
    _report(
        saved,
        Result(
            saved.path,
            name,
            saved.classes,
            *_trained(saved.path),
            predictions=found,
            metrics={"test": made.metrics},
            rows=parts,
            marks=marks,
            intervals={"test": made.intervals} if made.intervals else {},
            features=features,
            replicates=recorded_replicates(recipe),
            seed=plan.seed,
        ),
        folder,
    )
    return made


def recorded_replicates(recipe: Mapping[str, Any]) -> int:
    """Return how often the intervals of a recorded recipe draw lesions again."""
    return int(recipe.get("evaluate", {}).get("replicates", REPLICATES))


def _trained(run: Path) -> tuple[list[dict[str, float]], int, str]:
    """Return the history of a run, its best epoch, and the number that chose it."""
    import pandas as pd

    from skinfw.training.trainer import best_epoch

    record, file = read_run(run), run / "history.csv"
    history: list[Any] = pd.read_csv(file).to_dict("records") if file.is_file() else []
    select = record["recipe"]["train"]["select"]
    best = record["results"].get("best_epoch")  # absent where the run is not done
    return history, best or (best_epoch(history, select) if history else 0), select


def _report(saved: TrainedModel, result: Result, folder: Path) -> None:
    """Let those reports of the run write that know what to do with other images."""
    for component in saved.reports:
        report = component.make()
        if hasattr(report, "evaluate"):
            with component.guard():
                report.evaluate(result, folder)


def applicable_metrics(
    metrics: Sequence[tuple[PlannedComponent, Any]], predictions: Predictions
) -> tuple[list[tuple[PlannedComponent, Any]], list[str]]:
    """Return the metrics that predictions from a table can be measured by, and why others cannot.

    A table holds no auxiliary outputs, so that a metric of these has nothing to measure.
    """
    kept, notes = [], []
    for component, metric in metrics:
        try:
            with component.guard():
                metric(predictions)
        except SkinfwError as error:
            notes.append(f"{component.use} is not measured: {error.what}")
        else:
            kept.append((component, metric))
    return kept, notes


def write_evaluation(
    folder: Path,
    found: Predictions,
    metrics: Sequence[tuple[PlannedComponent, Any]],
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
    from skinfw.evaluation.evaluator import compute_intervals, compute_metrics

    numbers = compute_metrics(metrics, found)
    by_fold = [compute_metrics(metrics, fold) for fold in folds]
    replicates = recorded_replicates(recipe)
    bounds = compute_intervals(metrics, found, replicates, recipe["seed"]) if replicates else {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error
    _write_splits(folder / "splits.csv", found)
    write_predictions(folder / "predictions.csv", found)
    write_json(folder / "metrics.json", {"test": numbers, **({"folds": by_fold} if folds else {})})
    if bounds:
        kept = intervals_record({"test": found}, {"test": bounds}, replicates)
        write_json(folder / "intervals.json", kept)
    tables = {name: recipe[name] for name in ("seed", "metric", "report") if name in recipe}
    write_json(folder / EVALUATION_FILE, {**about, "recipe": tables, "classes": found.classes})
    return Evaluation(folder, found, numbers, bounds, by_fold)


def _write_splits(file: Path, found: Predictions) -> None:
    """Write which lesion each image counts to, so that intervals can be made again."""
    labels = [found.classes[label] for label in found.true.tolist()]
    parts = ["test"] * len(labels)
    rows = zip(found.ids, found.lesions, labels, parts, strict=True)
    write_csv(file, ["id", "lesion", "label", "part"], rows)
