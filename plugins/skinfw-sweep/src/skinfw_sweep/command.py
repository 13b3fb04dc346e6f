"""`skinfw sweep`: many runs of one recipe, compared by their validation part."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from skinfw.toolkit import (
    REPORT_FAILED,
    Detail,
    detail_options,
    echo,
    launcher_options,
    recipe_options,
    trust_option,
)

if TYPE_CHECKING:
    from skinfw import Launcher, Task
    from skinfw.toolkit import PlannedComponent
    from skinfw_sweep.definition import Definition
    from skinfw_sweep.study import Study, Trial
    from skinfw_sweep.workers import TrialQueue


@click.command()
@recipe_options
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Where the folder of the sweep is made.",
)
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with the sweep in folder RECIPE, or add workers to it while it runs.",
)
@click.option("--check", is_flag=True, help="Check what would be tried, and try nothing.")
@click.option(
    "--trial",
    type=click.IntRange(min=0),
    metavar="N",
    help="Carry out trial N of the sweep in folder RECIPE alone, as launchers do.",
)
@launcher_options
@trust_option
@detail_options
def sweep(
    recipe: Path,
    sets: tuple[str, ...],
    out: Path,
    resume: bool,
    check: bool,
    trial: int | None,
    launcher: str | None,
    launcher_sets: tuple[str, ...],
    trust: bool,
    detail: Detail | None,
) -> None:
    """Try many settings of a recipe, and compare them by the validation part.

    RECIPE is a recipe with a table [sweep], or a file with [sweep] that extends one, or with
    --resume the folder of a sweep. Each trial is a run folder like any other. Trials run one after
    the other, or with --launcher side by side, here or on other machines; a second command with
    --resume adds workers. It ends with sweep.html, sweep.csv and best.toml, a recipe that runs.
    """
    from skinfw import RecipeError
    from skinfw.toolkit import chosen_launcher, display_path
    from skinfw_sweep.definition import read_definition
    from skinfw_sweep.study import FILE, create_study, open_study

    if sets and (resume or trial is not None):
        raise RecipeError(
            "a sweep goes on with what was set when it began",
            f"--set {sets[0]}",
            cure="leave --set out, or start a new sweep without --resume",
        )
    if os.environ.get("WORLD_SIZE", "1") != "1":
        raise RecipeError(
            "a sweep is one process, and its trials are others",
            cure="leave torchrun out, and take a launcher: --launcher local",
        )
    if trial is not None:
        return _carry_out(open_study(recipe, trust), trial, detail)
    chosen = chosen_launcher(launcher, launcher_sets)
    if not resume and (recipe / FILE).is_file():
        raise RecipeError(
            "this is the folder of a sweep that has begun",
            display_path(recipe),
            cure=f"go on with it: skinfw sweep {display_path(recipe)} --resume",
        )
    if resume:
        study = open_study(recipe, trust)
        _need_optuna(study.definition)
    else:
        definition, plan = read_definition(recipe, sets, trust or None)
        _need_optuna(definition)
        if check:
            echo(f"{definition.count} trials, chosen by {', '.join(definition.settings.objectives)}"
                 " of the validation part")  # fmt: skip
            return
        from skinfw.toolkit import load_data

        load_data(plan)  # without its data it never starts, and leaves no folder
        study = create_study(out, definition, plan)
    _run(study, chosen, detail)


def _need_optuna(definition: Definition) -> None:
    """Raise SkinfwError where Optuna is needed and absent."""
    from skinfw_sweep.search import check_optuna

    if definition.settings.searches:
        check_optuna()


def _carry_out(study: Study, number: int, detail: Detail | None) -> None:
    """Carry out one trial, and end with the exit code of its run."""
    from skinfw import RecipeError
    from skinfw.toolkit import RunFolder
    from skinfw_sweep.trial import run_trial

    if study.trial(number) is None:
        raise RecipeError(
            f"the sweep has no trial {number} yet",
            f"--trial {number}",
            cure=f"begin the sweep, or go on with it: {study.resume_command}",
        )
    trial = run_trial(study, number, detail)
    if trial.state == "open":
        raise click.exceptions.Exit(RunFolder.open(trial.folder).exit_code)


def _run(study: Study, launcher: PlannedComponent[Launcher] | None, detail: Detail | None) -> None:
    """Carry out the trials that are left, and write what came of all of them."""
    from skinfw import SkinfwError
    from skinfw.toolkit import display_path, exit_code, last_line, stop_signals
    from skinfw_sweep.results import write_results
    from skinfw_sweep.workers import TrialQueue

    echo(f"sweep folder {display_path(study.folder)}", bold=True)
    queue = TrialQueue(study)
    try:
        if launcher:
            with stop_signals() as stop:
                try:
                    _launch(queue, launcher, detail)
                except KeyboardInterrupt:
                    echo(f"stopped; go on with: {study.resume_command}")
                    raise click.exceptions.Exit(exit_code(stop.name or "SIGINT")) from None
        else:
            _run_here(queue, detail)
    finally:
        queue.close()
    trials = study.trials()
    left = [number for number in range(study.count)
            if number >= len(trials) or trials[number].state == "open"]  # fmt: skip
    if left:
        log = study.logs / f"{study.name(left[0])}.log"
        raise SkinfwError(
            f"{len(left)} of {study.count} trials are not done",
            display_path(log),
            f"trial {left[0]}: {last_line(log) or 'it left no word'}",
            f"go on with: {study.resume_command}",
        )
    for line in write_results(study, trials):
        echo(line)
    if any(trial.state == "failed" for trial in trials):
        raise click.exceptions.Exit(REPORT_FAILED)


def _launch(queue: TrialQueue, launcher: PlannedComponent[Launcher], detail: Detail | None) -> None:
    """Let a launcher carry out trials, as long as there are some for it."""
    from skinfw.toolkit import launch_tasks
    from skinfw_sweep.workers import trial_task

    say = echo if detail != "quiet" else lambda _: None
    began: dict[int, float] = {}

    def task(number: int) -> Task:
        began.setdefault(number, time.monotonic())
        return trial_task(queue.study, number)

    ended = True
    while ended:  # a launcher need not ask again where there was none for now
        ended = False
        for end in launch_tasks(launcher, map(task, queue), say):
            ended, number = True, int(end.task.name.rpartition("-")[2])
            trial = queue.end(number)
            say(_end_line(queue.study, trial, time.monotonic() - began[number], end.code))


def _run_here(queue: TrialQueue, detail: Detail | None) -> None:
    """Carry out trials one after the other in this process."""
    from skinfw import SkinfwError
    from skinfw.toolkit import RunFolder
    from skinfw_sweep.trial import run_trial

    study = queue.study
    for number in queue:
        echo(f"trial {number} of {study.count}", bold=True)
        began = time.monotonic()
        try:
            run_trial(study, number, detail)
        except SkinfwError as error:
            if not queue.is_over(number):
                raise
            echo(str(error), err=True, fg="red")
        trial = queue.end(number)
        if trial.state == "open":
            echo(f"stopped; go on with: {study.resume_command}")
            raise click.exceptions.Exit(RunFolder.open(trial.folder).exit_code)
        echo(_end_line(study, trial, time.monotonic() - began, 0))


def _end_line(study: Study, trial: Trial, seconds: float, code: int) -> str:
    """Say how a trial ended."""
    from skinfw.toolkit import duration
    from skinfw_sweep.settings import label

    how = trial.state if trial.state != "open" else f"ended with {code}, and is given again"
    numbers = [f"{name.replace('_', ' ')} {value:.3f}" for name, value in trial.objectives.items()]
    values = [f"{key} = {label(value)}" for key, value in trial.values.items()]
    said = [f"trial {trial.number} of {study.count} {how} after {duration(seconds)}"]
    return ": ".join([*said, ", ".join([*numbers, *values])])
