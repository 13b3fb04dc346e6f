"""A cross-validation: a run for each fold, and the predictions of all folds together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from skinfw import RecipeError, concatenate
from skinfw.toolkit import (
    FOLDS,
    Plan,
    RunSeries,
    applicable_metrics,
    build_components,
    create_series,
    run_predictions,
)
from skinfw_evaluation.evaluate import Evaluation, write_evaluation


def create_folds(parent: Path, plan: Plan, recipe: Path, sets: Sequence[str]) -> RunSeries:
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
    return create_series(FOLDS, parent, plan, recipe, sets, count)


def pool_folds(folds: RunSeries, plan: Plan) -> Evaluation:
    """Evaluate the predictions that all images got while they were in the test part.

    plan: the recipe of any fold.
    """
    every = [run_predictions(folds.run_path(fold)) for fold in folds.values]
    together = concatenate(every)
    built = build_components(plan.components.metric, plan.classes)
    metrics, notes = applicable_metrics(built, together)
    about = {"name": folds.folder.name, "marks": folds.marks(), "notes": notes}
    return write_evaluation(folds.folder, together, metrics, plan.resolved(), about, every)
