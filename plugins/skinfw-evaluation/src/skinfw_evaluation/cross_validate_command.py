"""`skinfw cross-validate`: one run after the other, and all of them together."""

from __future__ import annotations

import math
import os
from pathlib import Path

import click

from skinfw.toolkit import Detail, detail_options, echo, recipe_options, trust_option


@click.command()
@recipe_options
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Where the folder of the cross-validation is made.",
)
@click.option("--resume", is_flag=True, help="Go on with the cross-validation in folder RECIPE.")
@trust_option
@detail_options
def cross_validate(
    recipe: Path,
    sets: tuple[str, ...],
    out: Path,
    resume: bool,
    trust: bool,
    detail: Detail | None,
) -> None:
    """Run every fold of a recipe's split, one after the other, and evaluate all together.

    RECIPE is a recipe whose split has folds, such as kfold, or with --resume the folder of a
    cross-validation that was stopped; folds that are done are left as they are.
    """
    from skinfw import RecipeError
    from skinfw.toolkit import display_path, load_data, load_plan, run_with_progress, test_lines
    from skinfw_evaluation.cross_validate import (
        check_unchanged,
        create_folds,
        open_folds,
        plan_fold,
        pool_folds,
        run_folder,
    )

    if os.environ.get("WORLD_SIZE", "1") != "1":
        raise RecipeError(
            "folds run one after the other in one process",
            cure="start each fold by itself: skinfw run --set split.fold=0 and so on",
        )
    if resume and sets:
        raise RecipeError(
            "--resume goes on with what was set when the cross-validation began",
            cure="leave --set out, or start a new cross-validation without --resume",
        )
    if resume:
        folds = open_folds(recipe)
    else:
        plan = load_plan(recipe, sets, trust=trust or None)
        load_data(plan)  # without its data it never starts, and leaves no folder
        folds = create_folds(out, plan, recipe, sets)
    for fold in range(folds.count):
        # Another's folds.json names another's recipe.
        plan = plan_fold(folds, fold, trust or (False if resume else None))
        check_unchanged(folds, plan)
        folder, there = run_folder(folds, fold, plan)
        if folder.record.get("status") == "done":
            continue
        echo(f"fold {fold} of {folds.count}", bold=True)
        if not run_with_progress(plan, folder, there, detail):
            again = f"skinfw cross-validate {display_path(folds.folder)} --resume"
            echo(f"stopped; go on with: {again}")
            raise click.exceptions.Exit(folder.exit_code)
    evaluation = pool_folds(folds, plan)
    echo("all folds together", bold=True)
    select = plan.train.select
    numbers = evaluation.metrics, evaluation.intervals
    for line in test_lines(evaluation.predictions, *numbers, select, detail == "verbose"):
        echo(line)
    values = [fold.get(select, math.nan) for fold in evaluation.folds]
    if measured := [value for value in values if not math.isnan(value)]:
        name = select.replace("_", " ")
        echo(f"folds {name}  {min(measured):.3f} to {max(measured):.3f}")
    for file in sorted(path for path in evaluation.folder.iterdir() if path.is_file()):
        echo(f"  {display_path(file)}")
