"""`--launcher`: the runs of a series as tasks that a launcher carries out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from skinfw.cli.options import Detail
from skinfw.cli.terminal import echo

if TYPE_CHECKING:
    from skinfw.interfaces.protocols import Launcher
    from skinfw.interfaces.tasks import Task, TaskEnd
    from skinfw.recipe.component import PlannedComponent
    from skinfw.recipe.plan import Plan
    from skinfw.workflows.series import RunSeries

F = TypeVar("F", bound=Callable[..., Any])


def launcher_options(command: F) -> F:
    """Add `--launcher` and `--launcher-set`, which come as `launcher` and `launcher_sets`."""
    named = click.option(
        "--launcher",
        metavar="NAME",
        help="Let a launcher carry out the parts of the command, such as local, or that of a TOML "
        "file with [launcher].",
    )
    keys = click.option(
        "--launcher-set",
        "launcher_sets",
        multiple=True,
        metavar="KEY=VALUE",
        help="Set a key of the launcher, e.g. --launcher-set workers=4; may be repeated.",
    )
    return named(keys(command))


def chosen_launcher(name: str | None, sets: Sequence[str]) -> PlannedComponent[Launcher] | None:
    """Return the launcher that the options name, checked, or None where they name none.

    name, sets: of `launcher_options`.
    Raises SkinfwError where it is none, or can carry out nothing here.
    """
    from skinfw.errors import RecipeError
    from skinfw.interfaces.protocols import CheckingLauncher
    from skinfw.recipe.launcher_table import plan_launcher

    if name is not None:
        component = plan_launcher(name, sets)
        launcher = component.make()
        if isinstance(launcher, CheckingLauncher):
            with component.guard(launcher.check):
                launcher.check()
        return component
    if sets:
        raise RecipeError(
            "--launcher-set sets a key of a launcher, and none is named",
            f"--launcher-set {sets[0]}",
            cure="name one: --launcher local",
        )
    return None


def launch_series(
    series: RunSeries,
    trust: bool | None,
    launcher: PlannedComponent[Launcher],
    detail: Detail | None = None,
) -> Plan:
    """Let a launcher carry out the runs of a series that are not done yet.

    trust: as `load_plan` takes it.
    launcher: checked but not built.
    detail: of what is printed.
    Returns the recipe of the last run. Raises SkinfwError where a run has failed, after the others
    have ended, and leaves the command with the exit code of the signal where it is stopped.
    """
    from skinfw.files.paths import display_path
    from skinfw.runtime.signals import exit_code, stop_signals
    from skinfw.workflows.launch import launch_tasks

    say = echo if detail != "quiet" else lambda _: None
    plans: list[Plan] = []
    stopped = ""
    say(f"what the {series.kind.word}s print is in {display_path(_logs(series))}")
    with stop_signals() as stop:
        try:
            for tasks in _batches(series, trust, plans):
                began = time.monotonic()
                for end in launch_tasks(launcher, tasks, say):
                    say(_end_line(series, end, time.monotonic() - began))
        except KeyboardInterrupt:
            stopped = stop.name or "SIGINT"
    if stopped:
        echo(f"stopped; go on with: {series.resume_command}")
        raise click.exceptions.Exit(exit_code(stopped))
    _refuse_absent(series)
    return plans[-1]


def _batches(series: RunSeries, trust: bool | None, plans: list[Plan]) -> Iterator[list[Task]]:
    """Yield the tasks that may be carried out side by side.

    Where the batch size is "auto", the others have what it came to in the first run.

    plans: gets the recipe of each run.
    """
    from skinfw.workflows.series import plan_run

    first, *others = series.values
    plan = plan_run(series, first, trust)
    alone = plan.train.batch_size == "auto"
    for values in ([first], others) if alone else (list(series.values),):
        tasks = [_task(series, value, trust, plans) for value in values]
        yield [task for task in tasks if task]


def _task(series: RunSeries, value: int, trust: bool | None, plans: list[Plan]) -> Task | None:
    """Return the task of one run, whose folder is made; None where the run is done."""
    from skinfw.workflows.launch import run_task
    from skinfw.workflows.series import check_unchanged, plan_run, run_folder

    plan = plan_run(series, value, trust)
    check_unchanged(series, plan)
    plans.append(plan)
    folder, _ = run_folder(series, value, plan)
    if folder.record.get("status") == "done":
        return None
    return run_task(folder.path, plan, _log(series, value))


def _logs(series: RunSeries) -> Path:
    return series.folder / "logs"


def _log(series: RunSeries, value: int) -> Path:
    return _logs(series) / f"{series.run_path(value).name}.log"


def _end_line(series: RunSeries, end: TaskEnd, seconds: float) -> str:
    """Say how a run ended, by its own record."""
    from skinfw.cli.durations import duration
    from skinfw.recipe.run_record import read_run

    word, value = series.kind.word, int(end.task.name.rpartition("-")[2])
    status = read_run(series.run_path(value)).get("status")
    how = status if status in ("done", "stopped", "failed") else f"ended with {end.code}"
    place = f", {end.place}" if end.place else ""
    return f"{word} {value} of {series.count} {how} after {duration(seconds)}{place}"


def _refuse_absent(series: RunSeries) -> None:
    """Raise SkinfwError for runs that are not done, with what the first of them said."""
    from skinfw.errors import SkinfwError
    from skinfw.files.paths import display_path
    from skinfw.recipe.run_record import read_run
    from skinfw.workflows.launch import last_line

    records = {value: read_run(series.run_path(value)) for value in series.values}
    absent = [value for value, record in records.items() if record.get("status") != "done"]
    if not absent:
        return
    word, first = series.kind.word, absent[0]
    log = _log(series, first)
    why = records[first].get("error") or last_line(log) or "it left no word"
    raise SkinfwError(
        f"{len(absent)} of {series.count} {word}s are not done",
        display_path(log),
        f"{word} {first}: {why}",
        f"go on with: {series.resume_command}",
    )
