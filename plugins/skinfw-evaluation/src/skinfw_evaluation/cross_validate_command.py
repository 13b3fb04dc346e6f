"""`skinfw cross-validate`: a run for each fold, and all of them together."""

from __future__ import annotations

import math
from pathlib import Path

import click

from skinfw.toolkit import (
    Detail,
    detail_options,
    echo,
    launcher_options,
    recipe_options,
    trust_option,
)


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
@launcher_options
@trust_option
@detail_options
def cross_validate(
    recipe: Path,
    sets: tuple[str, ...],
    out: Path,
    resume: bool,
    launcher: str | None,
    launcher_sets: tuple[str, ...],
    trust: bool,
    detail: Detail | None,
) -> None:
    """Run every fold of a recipe's split, and evaluate all together.

    RECIPE is a recipe whose split has folds, such as kfold, or with --resume the folder of a
    cross-validation that was stopped; folds that are done are left as they are. They run one after
    the other, or with --launcher side by side, here or on other machines.
    """
    from skinfw import RecipeError
    from skinfw.toolkit import (
        FOLDS,
        chosen_launcher,
        display_path,
        load_data,
        load_plan,
        open_series,
        refuse_processes,
        run_series,
        test_lines,
    )
    from skinfw_evaluation.cross_validate import create_folds, pool_folds

    refuse_processes(FOLDS)
    chosen = chosen_launcher(launcher, launcher_sets)
    if resume and sets:
        raise RecipeError(
            "--resume goes on with what was set when the cross-validation began",
            cure="leave --set out, or start a new cross-validation without --resume",
        )
    if resume:
        folds = open_series(FOLDS, recipe)
    else:
        plan = load_plan(recipe, sets, trust=trust or None)
        load_data(plan)  # without its data it never starts, and leaves no folder
        folds = create_folds(out, plan, recipe, sets)
    # Another's folds.json names another's recipe.
    plan, _ = run_series(folds, trust or (False if resume else None), detail, chosen)
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
