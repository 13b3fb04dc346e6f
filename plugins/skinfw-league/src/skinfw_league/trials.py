"""Carry out the trials of a league, here or by a launcher, each of them once."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skinfw import RecipeError, SkinfwError
from skinfw.toolkit import (
    BEST_WEIGHTS,
    Plan,
    RunFolder,
    display_path,
    execute_run,
    exit_code,
    last_line,
    launch_tasks,
    load_safetensors,
    plain_json,
    raise_all,
    read_run,
    run_task,
    stop_signals,
)
from skinfw_league.energy import joules_between, read_counters
from skinfw_league.folder import League, differing_keys, read_rows, write_row
from skinfw_league.identity import axis_tables, trial_key
from skinfw_league.protocol import AXES, Cell, Protocol

if TYPE_CHECKING:
    from skinfw import Launcher, Task
    from skinfw.toolkit import PlannedComponent

Say = Callable[[str], None]
_STATISTICS = ("running_mean", "running_var")


@dataclass(frozen=True)
class Trial:
    """Hold one training of a league.

    cell: what it names for each axis.
    seed: of its run.
    key: the name of its row and of its run folder.
    tables: of `axis_tables`.
    """

    cell: Cell
    seed: int
    key: str
    tables: dict[str, Any]

    @property
    def words(self) -> str:
        """What it is called on the terminal."""
        return ", ".join((*(own.name for own in self.cell), f"seed {self.seed}"))


def list_trials(protocol: Protocol, league: League, plans: dict[Cell, Plan]) -> list[Trial]:
    """Return all trials of a protocol, those with one network and one seed behind each other."""
    trials = []
    for cell, plan in plans.items():
        tables = axis_tables(plan)
        for seed in range(1, protocol.settings.seeds + 1):
            key = trial_key(league.digest, cell[0].name, tables, seed)
            trials.append(Trial(cell, seed, key, tables))
    return sorted(trials, key=lambda one: ([own.name for own in one.cell[:2]], one.seed))


def refuse_new_meanings(league: League, trials: Sequence[Trial]) -> None:
    """Refuse a name that has rows of something else, before anything is trained.

    Raises RecipeErrors with all such names at once.
    """
    meant = {
        (kind, name): row.record["tables"][kind]
        for row in read_rows(league)
        for kind, name in zip(AXES, row.names, strict=True)
    }
    problems: dict[tuple[str, str], RecipeError] = {}
    for trial in trials:
        for own in trial.cell:
            now = trial.tables[own.kind]
            if meant.get((own.kind, own.name), now) != now:
                place = own.origins.get((own.kind,))
                problems[own.kind, own.name] = RecipeError(
                    f'the {own.kind} "{own.name}" meant something else when the league began',
                    place.text if place else display_path(league.path),
                    f"{differing_keys(meant[own.kind, own.name], now, own.kind)}; one name in a "
                    "table is one thing",
                    "give it another name, restore it, or choose another --out",
                )
    raise_all(list(problems.values()))


def carry_out(
    protocol: Protocol,
    league: League,
    trials: Sequence[Trial],
    launcher: PlannedComponent[Launcher] | None,
    say: Say,
) -> list[tuple[Trial, str]]:
    """Carry out all trials that have no row yet.

    launcher: carries them out side by side; None does it one after the other in this process.
    Returns those that failed, with what they said. Leaves the command with the exit code of the
    signal where it is stopped.
    """
    waiting = [one for one in trials if not league.has_row(one.key)]
    say(f"{len(trials)} trials, {len(trials) - len(waiting)} of them done")
    failed: list[tuple[Trial, str]] = []
    done = len(trials) - len(waiting)
    began = time.monotonic()
    ends = (
        _launch(protocol, league, waiting, launcher, say)
        if launcher
        else _one_by_one(protocol, league, waiting, say)
    )
    for trial, why in ends:
        done += not why
        if why:
            failed.append((trial, why))
        how = f"failed: {why}" if why else "done"
        minutes = (time.monotonic() - began) / 60
        say(f"{done} of {len(trials)}  {trial.words}  {how}  ({minutes:.1f} min)")
    return failed


Ended = Iterator[tuple[Trial, str]]


def _one_by_one(protocol: Protocol, league: League, trials: Sequence[Trial], say: Say) -> Ended:
    for trial in trials:
        plan = protocol.plan(trial.cell, trial.seed)
        before, result = read_counters(), None
        try:
            folder, there = _run_folder(league, trial, plan)
            if folder.record.get("status") == "done":
                yield _finish(league, trial, None)
                continue
            with suppress(KeyboardInterrupt):
                result = execute_run(plan, folder, lambda _: None, resume=there)
        except SkinfwError as error:
            yield trial, _why(error)
            continue
        if result is None:
            say("stopped; the same command goes on")
            raise click.exceptions.Exit(folder.exit_code)
        yield _finish(league, trial, joules_between(before, read_counters()))


def _launch(
    protocol: Protocol,
    league: League,
    trials: Sequence[Trial],
    launcher: PlannedComponent[Launcher],
    say: Say,
) -> Ended:
    stopped = ""
    with stop_signals() as stop:
        try:
            for wave in _waves(trials):
                yield from _wave(protocol, league, wave, launcher, say)
        except KeyboardInterrupt:
            stopped = stop.name or "SIGINT"
    if stopped:
        say("stopped; the same command goes on")
        raise click.exceptions.Exit(exit_code(stopped))


def _waves(trials: Sequence[Trial]) -> list[list[Trial]]:
    """Return what may be carried out side by side.

    The first trial of each network comes before the others, so that features of a frozen network
    are computed once: first those of one seed, whose features may be those of all seeds.
    """
    networks: set[tuple[str, ...]] = set()
    trained: set[tuple[object, ...]] = set()
    waves: list[list[Trial]] = [[], [], []]
    for trial in trials:
        network = tuple(own.name for own in trial.cell[:2])
        seeded = (*network, trial.seed)
        wave = 0 if network not in networks else 1 if seeded not in trained else 2
        networks.add(network)
        trained.add(seeded)
        waves[wave].append(trial)
    return [wave for wave in waves if wave]


def _wave(
    protocol: Protocol,
    league: League,
    trials: Sequence[Trial],
    launcher: PlannedComponent[Launcher],
    say: Say,
) -> Ended:
    by_name = {trial.key: trial for trial in trials}
    done: list[Trial] = []
    failed: list[tuple[Trial, str]] = []

    def tasks() -> Iterator[Task]:
        for trial in trials:
            plan = protocol.plan(trial.cell, trial.seed)
            try:
                folder, _ = _run_folder(league, trial, plan)
            except SkinfwError as error:
                failed.append((trial, _why(error)))
                continue
            if folder.record.get("status") == "done":
                done.append(trial)
            else:
                yield run_task(folder.path, plan, _log(league, trial))

    for end in launch_tasks(launcher, tasks(), say):
        trial = by_name[end.task.name]
        record = read_run(_run_path(league, trial))
        if record.get("status") == "done":
            yield _finish(league, trial, None)
        else:
            log = _log(league, trial)
            why = record.get("error") or last_line(log) or f"it ended with {end.code}"
            yield trial, f"{why} ({display_path(log)})"
    for trial in done:
        yield _finish(league, trial, None)
    yield from failed


def _why(error: SkinfwError) -> str:
    """Return what a trial failed of, where, and its cure."""
    return "; ".join(filter(None, (error.what, error.where, error.cure)))


def _run_path(league: League, trial: Trial) -> Path:
    return league.path / "runs" / trial.key


def _log(league: League, trial: Trial) -> Path:
    return league.path / "logs" / f"{trial.key}.log"


def _run_folder(league: League, trial: Trial, plan: Plan) -> tuple[RunFolder, bool]:
    """Return the run folder of a trial, and whether it was there already."""
    path = _run_path(league, trial)
    if (path / "run.json").is_file():
        folder = RunFolder.open(path)
        _refuse_changed(folder, plan)
        return folder, True
    shutil.rmtree(path, ignore_errors=True)  # of one that was killed before it had begun
    about = {"word": "seed", "value": trial.seed, "count": league.shared["seeds"]}
    lineage = {"study": league.path.name, **about}
    return RunFolder.create(path.parent, plan, path.name, lineage), False


def _refuse_changed(folder: RunFolder, plan: Plan) -> None:
    """Refuse to go on with a run that was begun with another recipe, or elsewhere."""
    now = json.loads(json.dumps(plain_json(plan.resolved())))
    if now["train"]["batch_size"] == "auto":  # the run has written what it came to
        now["train"]["batch_size"] = folder.record["recipe"]["train"]["batch_size"]
    if now != folder.record["recipe"]:
        raise SkinfwError(
            "a run of the league was begun with another recipe",
            display_path(folder.path),
            "its tables, or the folders of its data, were others",
            "delete its folder, and the trial is carried out again",
        )


def _finish(league: League, trial: Trial, joules: float | None) -> tuple[Trial, str]:
    """Write the row of a trial whose run is done."""
    path = _run_path(league, trial)
    record = read_run(path)
    row = {
        "shared": league.digest,
        "names": {kind: own.name for kind, own in zip(AXES, trial.cell, strict=True)},
        "tables": trial.tables,
        "seed": trial.seed,
        "data_fingerprint": record["data_fingerprint"],
        "split_hash": record["split_hash"],
        "marks": record["marks"],
    }
    hardware = record.get("hardware", {})
    cost = {
        "timings": record["timings"],
        "parameters": _parameters(path),
        "joules": joules,
        "hardware": hardware.get("gpu") or hardware.get("device", ""),
        "versions": record["versions"],
    }
    write_row(league.row_path(trial.key), row, cost, path)
    return trial, ""


def _parameters(run: Path) -> int:
    """Return how many weights the network of a run has, without statistics of its layers."""
    tensors = load_safetensors(run / BEST_WEIGHTS, "delete the run's folder, and go on")
    return sum(
        values.numel()
        for name, values in tensors.items()
        if values.is_floating_point() and not name.endswith(_STATISTICS)
    )
