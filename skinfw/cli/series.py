"""Several runs of one recipe on the terminal, one after the other or by a launcher."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from skinfw.cli.launcher import launch_series
from skinfw.cli.options import Detail
from skinfw.cli.terminal import echo

if TYPE_CHECKING:
    from skinfw.interfaces.protocols import Launcher
    from skinfw.recipe.component import PlannedComponent
    from skinfw.recipe.plan import Plan
    from skinfw.workflows.series import RunSeries, SeriesKind


def refuse_processes(kind: SeriesKind) -> None:
    """Refuse a series under torchrun, whose processes would share one run and not its order."""
    from skinfw.errors import RecipeError

    if os.environ.get("WORLD_SIZE", "1") != "1":
        raise RecipeError(
            f"{kind.word}s run one after the other in one process",
            cure=f"start each {kind.word} by itself: skinfw run --set {kind.key}={kind.first} "
            "and so on, or leave torchrun out and take a launcher: --launcher local",
        )


def run_series(
    series: RunSeries,
    trust: bool | None,
    detail: Detail | None = None,
    launcher: PlannedComponent[Launcher] | None = None,
) -> tuple[Plan, bool]:
    """Carry out the runs of a series that are not done yet.

    trust: as `load_plan` takes it.
    detail: of what is printed.
    launcher: carries them out side by side; None does it one after the other in this process.
    Returns the recipe of the last run, and whether some report of some run failed. Leaves the
    command with the exit code of the signal where one of them is stopped.
    """
    from skinfw.cli.run import run_with_progress
    from skinfw.recipe.run_record import read_run
    from skinfw.workflows.series import check_unchanged, plan_run, run_folder

    if launcher:
        plan = launch_series(series, trust, launcher, detail)
        return plan, any(read_run(series.run_path(one)).get("failures") for one in series.values)
    word, failed = series.kind.word, False
    for value in series.values:
        plan = plan_run(series, value, trust)
        check_unchanged(series, plan)
        folder, there = run_folder(series, value, plan)
        if folder.record.get("status") != "done":
            echo(f"{word} {value} of {series.count}", bold=True)
            if not run_with_progress(plan, folder, there, detail):
                echo(f"stopped; go on with: {series.resume_command}")
                raise click.exceptions.Exit(folder.exit_code)
        failed = failed or bool(folder.record.get("failures"))
    return plan, failed
