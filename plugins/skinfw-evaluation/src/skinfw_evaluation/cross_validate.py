"""A cross-validation: a run for each fold, and the predictions of all folds together."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from skinfw import RecipeError, SkinfwError, concatenate, write_json
from skinfw.toolkit import (
    Plan,
    RunFolder,
    build_components,
    display_path,
    file_name,
    load_plan,
    read_run,
    run_predictions,
    unwritable,
)
from skinfw_evaluation.evaluate import Evaluation, applicable_metrics, write_evaluation
from skinfw_evaluation.schemas import VERSION, read_folds

FILE = "folds.json"


@dataclass(frozen=True)
class Folds:
    """Hold a cross-validation.

    folder: where its runs are, fold-0 and so on.
    recipe: the file, or the name of a shipped recipe.
    sets: what was set besides.
    count: how many folds there are.
    """

    folder: Path
    recipe: Path
    sets: tuple[str, ...]
    count: int

    def run_path(self, fold: int) -> Path:
        """Return the run folder of one fold."""
        return self.folder / f"fold-{fold}"

    def changed(self, fold: int) -> tuple[str, ...]:
        """Return what is set for one fold; nobody would use the refit of a fold."""
        return (*self.sets, f"split.fold={fold}", "train.refit=none")


def create_folds(parent: Path, plan: Plan, recipe: Path, sets: Sequence[str]) -> Folds:
    """Make the folder of a cross-validation.

    parent: where runs go.
    plan: the checked recipe.
    Raises RecipeError where its split has no folds.
    """
    split = plan.components.split
    count = split.arguments.get("folds")
    if not isinstance(count, int) or "fold" not in split.arguments:
        raise RecipeError(
            f'the split "{split.use}" has no folds',
            split.origin.text,
            "a cross-validation needs a split with the parameters folds and fold",
            '[split] use = "kfold"',
        )
    folder = parent / f"{file_name(plan.recipe.name)}-folds-{time.strftime('%Y%m%d-%H%M%S')}"
    # The bare name of a shipped recipe is found again by itself.
    made = Folds(folder, recipe.resolve() if recipe.exists() else recipe, tuple(sets), count)
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise unwritable(parent, error) from error
    record = {"recipe": str(made.recipe), "sets": list(made.sets), "count": count}
    write_json(folder / FILE, {"schema_version": VERSION, **record})
    return made


def open_folds(folder: Path) -> Folds:
    """Open the folder of a cross-validation, to go on with it."""
    record = read_folds(folder / FILE)
    return Folds(folder, Path(record["recipe"]), tuple(record["sets"]), record["count"])


def plan_fold(folds: Folds, fold: int, trust: bool | None) -> Plan:
    """Return the checked recipe of a fold.

    All folds have the batch size that "auto" came to in the first, so that they differ in their
    images alone.

    trust: as `load_plan` takes it.
    """
    plan = load_plan(folds.recipe, folds.changed(fold), trust=trust)
    first = folds.run_path(0)
    if plan.train.batch_size != "auto" or not (first / "run.json").is_file():
        return plan
    size = read_run(first)["recipe"]["train"]["batch_size"]
    sets = (*folds.changed(fold), f"train.batch_size={size}")
    return load_plan(folds.recipe, sets, trust=trust)


def check_unchanged(folds: Folds, plan: Plan) -> None:
    """Refuse a recipe that has changed since the first fold.

    plan: the recipe of another fold.
    """
    first = folds.run_path(0)
    if not (first / "run.json").is_file():
        return
    old = read_run(first)["recipe"]
    new = json.loads(json.dumps(plan.resolved()))
    for recipe in (old, new):
        recipe["split"] = {**recipe.get("split", {}), "fold": 0}
    if old != new:
        tables = [name for name in {**old, **new} if old.get(name) != new.get(name)]
        raise SkinfwError(
            "the recipe has changed since the first fold",
            display_path(folds.recipe),
            f"other folds would be trained otherwise: {', '.join(tables)}",
            "restore it, or start a new cross-validation",
        )


def run_folder(folds: Folds, fold: int, plan: Plan) -> tuple[RunFolder, bool]:
    """Return the run folder of a fold, and whether it was there already."""
    path = folds.run_path(fold)
    if (path / "run.json").is_file():
        return RunFolder.open(path), True
    return RunFolder.create(folds.folder, plan, path.name), False


def pool_folds(folds: Folds, plan: Plan) -> Evaluation:
    """Evaluate the predictions that all images got while they were in the test part.

    plan: the recipe of any fold.
    """
    every = [run_predictions(folds.run_path(fold)) for fold in range(folds.count)]
    together = concatenate(every)
    built = build_components(plan.components.metric, plan.classes)
    metrics, notes = applicable_metrics(built, together)
    about = {"name": folds.folder.name, "marks": _marks(folds), "notes": notes}
    return write_evaluation(folds.folder, together, metrics, plan.resolved(), about, every)


def _marks(folds: Folds) -> list[str]:
    """Return the marks of all folds, each once."""
    marks: dict[str, None] = {}
    for fold in range(folds.count):
        marks |= dict.fromkeys(read_run(folds.run_path(fold)).get("marks", ()))
    return list(marks)
