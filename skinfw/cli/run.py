"""`skinfw run`: one command from recipe to result."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from skinfw.cli.launcher import chosen_launcher, launcher_options
from skinfw.cli.options import Detail, detail_options, recipe_options, trust_option
from skinfw.cli.processes import process_options, run_group
from skinfw.cli.terminal import echo

if TYPE_CHECKING:
    from skinfw.recipe.plan import Plan
    from skinfw.workflows.processes import ProcessGroup
    from skinfw.workflows.run_folder import RunFolder


@click.command()
@recipe_options
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Where the run folder is made; runs/ unless given.",
)
@click.option("--resume", is_flag=True, help="Go on with the stopped run in folder RECIPE.")
@click.option(
    "--seeds",
    type=click.IntRange(2, 1000),
    metavar="N",
    help="Train with the seeds 1 to N, and tell mean, spread and interval.",
)
@click.option(
    "--locked",
    is_flag=True,
    help="Repeat the run RECIPE only where nothing differs that can change its numbers.",
)
@launcher_options
@process_options
@trust_option
@detail_options
def run(
    recipe: Path,
    sets: tuple[str, ...],
    out: Path | None,
    resume: bool,
    seeds: int | None,
    launcher: str | None,
    launcher_sets: tuple[str, ...],
    group: ProcessGroup | None,
    trust: bool,
    locked: bool,
    detail: Detail | None,
) -> None:
    """Run a recipe: train, evaluate, explain, report.

    RECIPE is a TOML file, the name of a recipe that skinfw brings, such as quickstart, or the
    folder of an earlier run: to repeat it, or with --resume to go on where it stopped. Ctrl-C
    stops between two batches and leaves a run that can be resumed. With --locked it is a run
    folder or the recipe.lock of one; what differs from it is told, and nothing is installed.
    With --seeds it is trained several times, in a folder with a run folder for each seed, which
    --resume goes on with, too; --launcher trains seeds side by side, here or on other machines.
    With --processes several processes share each batch of one run.
    """
    from skinfw.cli.seeds import run_seeds
    from skinfw.errors import RecipeError
    from skinfw.files.paths import display_path
    from skinfw.recipe.plan import load_plan
    from skinfw.workflows.run import new_run, open_run
    from skinfw.workflows.series import SEEDS

    if seeds and (resume or locked):
        raise RecipeError(
            "--seeds begins several trainings of a recipe",
            why="--locked repeats one run, and --resume goes on with as many as the folder has",
            cure="leave the other option out",
        )
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
    several = bool(seeds) or (resume and (recipe / SEEDS.file).is_file())
    if group and (several or launcher or locked):
        raise RecipeError(
            "--processes shares one run among processes",
            f"--processes {group.processes}",
            "--seeds and --launcher are about several runs, and --locked repeats one as it was",
            "leave the other option out",
        )
    chosen = chosen_launcher(launcher, launcher_sets)
    if several:
        return run_seeds(recipe, sets, out or Path("runs"), seeds, trust, detail, chosen)
    if chosen:
        raise RecipeError(
            "a launcher carries out several runs, and this is one",
            f"--launcher {launcher}",
            cure="add --seeds N, or leave --launcher out",
        )
    lock = _lock_of(recipe, resume) if locked else None
    folder = open_run(recipe) if resume else None
    plan = load_plan(recipe, sets, trust=trust or None)
    if group:
        return run_group(plan, out or Path("runs"), folder, group, detail)
    folder = folder or new_run(plan, out or Path("runs"))
    run_to_exit(plan, folder, resume, detail, lock)


def run_to_exit(
    plan: Plan,
    folder: RunFolder,
    resume: bool,
    detail: Detail | None = None,
    lock: Path | None = None,
) -> None:
    """Carry a run out on the terminal, and end with the exit code that says how it ended.

    The parameters are those of `run_with_progress`.
    """
    from skinfw.errors import REPORT_FAILED
    from skinfw.files.paths import display_path
    from skinfw.runtime.group import has_starter, is_main

    if not run_with_progress(plan, folder, resume, detail, lock):
        if is_main() and not has_starter():
            echo(f"stopped; go on with: skinfw run {display_path(folder.path)} --resume")
        raise click.exceptions.Exit(folder.exit_code)
    if folder.record["failures"] and not has_starter():
        raise click.exceptions.Exit(REPORT_FAILED)


def _lock_of(recipe: Path, resume: bool) -> Path:
    """Return the lock that --locked means, of a format that can be read."""
    from skinfw.errors import RecipeError
    from skinfw.files.paths import display_path
    from skinfw.recipe.loading import LOCK
    from skinfw.workflows.lock import read_lock

    if resume or recipe.suffix == ".toml":
        raise RecipeError(
            "--locked repeats a run from its beginning",
            display_path(recipe),
            "it goes on with one" if resume else "this is a recipe, which was not run yet",
            "name a run folder or its recipe.lock, and leave --resume out",
        )
    read_lock(recipe)
    return recipe / LOCK if recipe.is_dir() else recipe


def run_with_progress(
    plan: Plan,
    folder: RunFolder,
    resume: bool,
    detail: Detail | None = None,
    lock: Path | None = None,
    listeners: Sequence[object] = (),
) -> bool:
    """Carry a run out on the terminal.

    plan: the checked recipe.
    folder: of the run, new or to be resumed.
    detail: "quiet" for the last lines alone, "verbose" for every number and file in them.
    lock: the recipe.lock of the run that is repeated, where nothing may differ from it.
    listeners: objects with run hooks beside those of the recipe.
    Returns whether it is done; False where it was stopped.
    """
    from skinfw.cli.progress import Watcher
    from skinfw.cli.summary import summary
    from skinfw.files.paths import display_path
    from skinfw.runtime.group import is_main
    from skinfw.workflows.run import execute_run

    try:
        if detail == "quiet":
            result = execute_run(plan, folder, lambda _: None, listeners, resume, lock)
        else:
            if is_main():
                echo(f"run folder {display_path(folder.path)}", bold=True)
            with Watcher() as watcher:
                result = execute_run(plan, folder, watcher.say, [watcher, *listeners], resume, lock)
    except KeyboardInterrupt:
        result = None
    if result is not None and is_main():
        click.echo(summary(result, folder.record, detail == "verbose"))
        for failure in result.failures:
            echo(str(failure.error), err=True, fg="red")
    return result is not None
