"""`skinfw run`: one command from recipe to result."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from skinfw.cli.options import set_option

if TYPE_CHECKING:
    from skinfw.recipe.plan import Plan
    from skinfw.workflows.run_folder import RunFolder


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@set_option()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Where the run folder is made; runs/ unless given.",
)
@click.option("--resume", is_flag=True, help="Go on with the stopped run in folder RECIPE.")
@click.option(
    "--folds", is_flag=True, help="Run every fold of the recipe's split, and judge all together."
)
def run(recipe: Path, sets: tuple[str, ...], out: Path | None, resume: bool, folds: bool) -> None:
    """Run a recipe: train, evaluate, explain, report.

    RECIPE is a TOML file, or the folder of an earlier run: to repeat it, or with --resume to go
    on where it stopped. Ctrl-C stops between two batches and leaves a run that can be resumed.
    """
    from skinfw.errors import RecipeError
    from skinfw.recipe.loading import display_path
    from skinfw.recipe.plan import load_plan
    from skinfw.workflows.cross_validate import FILE
    from skinfw.workflows.run import open_run
    from skinfw.workflows.run_folder import RunFolder

    if resume and (sets or out):
        raise RecipeError(
            "--resume goes on with the recorded recipe in its own folder",
            why="--set and --out would change them",
            cure="leave them out, or start a new run without --resume",
        )
    if resume and recipe.suffix == ".toml":
        raise RecipeError(
            "--resume goes on with a run, and this is a recipe",
            display_path(recipe),
            cure="name the run's folder: skinfw run runs/FOLDER --resume",
        )
    if folds or (recipe / FILE).is_file():
        _run_folds(recipe, sets, out or Path("runs"), resume)
        return
    folder = open_run(recipe) if resume else None
    plan = load_plan(recipe, sets)
    folder = folder or RunFolder.create(out or Path("runs"), plan)
    if not _executed(plan, folder, resume):
        if _is_main():
            click.echo(f"stopped; go on with: skinfw run {display_path(folder.path)} --resume")
        raise click.exceptions.Exit(130)


def _executed(plan: Plan, folder: RunFolder, resume: bool) -> bool:
    """Carry a run out and tell of it; False where it was stopped."""
    from skinfw.cli.progress import Watcher, summary
    from skinfw.recipe.loading import display_path
    from skinfw.workflows.run import execute_run

    if _is_main():
        click.secho(f"run folder {display_path(folder.path)}", bold=True)
    watcher = Watcher()
    try:
        with watcher:
            result = execute_run(plan, folder, click.echo, [watcher], resume)
    except KeyboardInterrupt:
        result = None
    if result is not None and _is_main():
        click.echo(summary(result))
    return result is not None


def _run_folds(recipe: Path, sets: tuple[str, ...], out: Path, resume: bool) -> None:
    """Run one fold after the other; what is done already is left as it is."""
    from skinfw.cli.progress import test_lines
    from skinfw.errors import RecipeError
    from skinfw.recipe.loading import display_path
    from skinfw.recipe.plan import load_plan
    from skinfw.workflows.cross_validate import (
        check_unchanged,
        create_folds,
        open_folds,
        pool_folds,
        run_folder,
    )

    if os.environ.get("WORLD_SIZE", "1") != "1":
        raise RecipeError(
            "folds run one after the other in one process",
            cure="start each fold by itself: --set split.fold=0 and so on",
        )
    if resume:
        folds = open_folds(recipe)
    else:
        folds = create_folds(out, load_plan(recipe, sets), recipe, sets)
    for fold in range(folds.count):
        plan = load_plan(folds.recipe, folds.changed(fold))
        check_unchanged(folds, plan)
        folder, there = run_folder(folds, fold, plan)
        if folder.record["status"] == "done":
            continue
        click.secho(f"fold {fold} of {folds.count}", bold=True)
        if not _executed(plan, folder, there):
            click.echo(f"stopped; go on with: skinfw run {display_path(folds.folder)} --resume")
            raise click.exceptions.Exit(130)
    found = pool_folds(folds, plan)
    click.secho("all folds together", bold=True)
    for line in test_lines(found.predictions, found.metrics, found.intervals, plan.train.select):
        click.echo(line)
    select = plan.train.select
    if measured := [
        fold[select] for fold in found.folds if not math.isnan(fold.get(select, math.nan))
    ]:
        said = f"folds {select.replace('_', ' ')}  {min(measured):.3f} to {max(measured):.3f}"
        click.echo(said)
    for file in sorted(path for path in found.folder.iterdir() if path.is_file()):
        click.echo(f"  {display_path(file)}")


def _is_main() -> bool:
    """Tell whether this process speaks to the user."""
    return os.environ.get("RANK", "0") == "0"
