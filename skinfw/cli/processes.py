"""`--processes` and what goes with it: one run by several processes."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from skinfw.cli.options import Detail
from skinfw.cli.terminal import echo

if TYPE_CHECKING:
    from skinfw.recipe.plan import Plan
    from skinfw.workflows.processes import ProcessGroup
    from skinfw.workflows.run_folder import RunFolder

F = TypeVar("F", bound=Callable[..., Any])
_OPTIONS = (
    click.option(
        "--processes",
        type=click.IntRange(1, 1024),
        metavar="N",
        help="Share one run among N processes of this machine, each with a GPU of its own.",
    ),
    click.option(
        "--max-restarts",
        type=click.IntRange(0, 1000),
        metavar="N",
        help="Where a process ends early, start all again from the last state, at most N times.",
    ),
    click.option(
        "--machines",
        type=click.IntRange(2, 1024),
        metavar="N",
        help="How many machines give this command; each starts its processes.",
    ),
    click.option(
        "--rendezvous",
        metavar="HOST:PORT",
        help="Where the machines meet: one of them, and a free port.",
    ),
    click.option(
        "--run-name",
        metavar="NAME",
        help="What all machines call the run, such as a job's number; its folder is named by it.",
    ),
)


def process_options(command: F) -> F:
    """Add `--processes` and what goes with it, which come as `group`, None where absent."""

    @functools.wraps(command)
    def packed(
        *values: Any,
        processes: int | None,
        max_restarts: int | None,
        machines: int | None,
        rendezvous: str | None,
        run_name: str | None,
        **named: Any,
    ) -> Any:
        others = {
            "--max-restarts": max_restarts, "--machines": machines,
            "--rendezvous": rendezvous, "--run-name": run_name,
        }  # fmt: skip
        group = _group(processes, {key: own for key, own in others.items() if own is not None})
        return command(*values, group=group, **named)

    for option in reversed(_OPTIONS):
        packed = option(packed)
    return packed  # type: ignore[return-value]


def _group(processes: int | None, others: dict[str, Any]) -> ProcessGroup | None:
    """Return the processes that the options mean; None for the one of the command itself."""
    from skinfw.errors import RecipeError

    if processes is None:
        if others:
            raise RecipeError(
                f"{next(iter(others))} is about several processes, and none are asked for",
                cure="say how many: --processes 4",
            )
        return None
    from skinfw.workflows.processes import ProcessGroup

    names = ("--machines", "--rendezvous", "--run-name")
    if absent := [name for name in names if name not in others]:
        if len(absent) < len(names):
            raise RecipeError(
                f"{absent[0]} is missing",
                why="--machines, --rendezvous and --run-name go together",
                cure="say how many machines there are, where they meet, and what they call the run",
            )
        return ProcessGroup(processes, others.get("--max-restarts", 0))
    rendezvous = others["--rendezvous"]
    if not re.fullmatch(r"[^\s:]+:\d{1,5}", rendezvous) or not 0 < _port(rendezvous) < 65536:
        raise RecipeError(
            "--rendezvous is no HOST:PORT",
            f"--rendezvous {rendezvous}",
            cure="name one of the machines and a free port of it: node1:29400",
        )
    own = (others.get("--max-restarts", 0), others["--machines"], rendezvous, others["--run-name"])
    return ProcessGroup(processes, *own)


def _port(rendezvous: str) -> int:
    return int(rendezvous.rpartition(":")[2])


def run_group(
    plan: Plan,
    out: Path,
    folder: RunFolder | None,
    group: ProcessGroup,
    detail: Detail | None = None,
) -> None:
    """Carry a run out by several processes, and end with the exit code that says how it ended.

    plan: the checked recipe.
    out: where the folder of a new run is made.
    folder: of the run that is gone on with.
    detail: of what the first process prints.
    """
    from skinfw.errors import REPORT_FAILED
    from skinfw.recipe.run_record import read_run
    from skinfw.runtime.signals import exit_code
    from skinfw.workflows.processes import (
        check_group,
        group_folder,
        resume_command,
        run_in_processes,
    )

    check_group(plan, group)
    folder = folder or group_folder(plan, out, group)
    words = [f"--{detail}"] if detail else []
    if stopped := run_in_processes(plan, folder, group, words):
        echo(f"stopped; go on with: {resume_command(folder, group)}")
        raise click.exceptions.Exit(exit_code(stopped))
    if read_run(folder.path).get("failures"):
        raise click.exceptions.Exit(REPORT_FAILED)
