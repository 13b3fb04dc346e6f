"""`skinfw run`: one command from recipe to result."""

from __future__ import annotations

from pathlib import Path

import click

from skinfw.cli.recipes import SET_HELP


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--set", "sets", multiple=True, metavar="TABLE.KEY=VALUE", help=SET_HELP)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Where the run folder is made; runs/ unless given.",
)
@click.option("--resume", is_flag=True, help="Go on with the stopped run in folder RECIPE.")
def run(recipe: Path, sets: tuple[str, ...], out: Path | None, resume: bool) -> None:
    """Run a recipe: train, evaluate, explain, report.

    RECIPE is a TOML file, or the folder of an earlier run: to repeat it, or with --resume to go
    on where it stopped. Ctrl-C stops between two batches and leaves a run that can be resumed.
    """
    import os

    from skinfw.build import plan
    from skinfw.catalog import Catalog
    from skinfw.cli.progress import Watcher, summary
    from skinfw.errors import RecipeError
    from skinfw.recipe import load, shown
    from skinfw.record import RunFolder
    from skinfw.run import execute, open_run

    if resume and (sets or out):
        raise RecipeError(
            "--resume goes on with the recorded recipe in its own folder",
            why="--set and --out would change them",
            cure="leave them out, or start a new run without --resume",
        )
    if resume and recipe.suffix == ".toml":
        raise RecipeError(
            "--resume goes on with a run, and this is a recipe",
            shown(recipe),
            cure="name the run's folder: skinfw run runs/FOLDER --resume",
        )
    folder = open_run(recipe) if resume else None
    planned = plan(load(recipe, sets), Catalog())
    folder = folder or RunFolder.create(out or Path("runs"), planned)
    main_process = os.environ.get("RANK", "0") == "0"
    if main_process:
        click.secho(f"run folder {shown(folder.path)}", bold=True)
    watcher = Watcher()
    try:
        with watcher:
            result = execute(planned, folder, click.echo, [watcher], resume)
    except KeyboardInterrupt:
        result = None
    if result is None:
        if main_process:
            click.echo(f"stopped; go on with: skinfw run {shown(folder.path)} --resume")
        raise click.exceptions.Exit(130)
    if main_process:
        click.echo(summary(result))
