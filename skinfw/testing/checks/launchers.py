"""What launchers promise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from skinfw.errors import SkinfwError
from skinfw.interfaces.tasks import Task, TaskEnd
from skinfw.testing.candidate import Candidate
from skinfw.testing.check import Checks, NotTried, refuse
from skinfw.testing.sandbox import sandbox
from skinfw.workflows.launch import launch_tasks

CHECK = Checks("launcher")
_CODES = {"version": (("--version",), 0), "nonsense": (("no-such-command",), 2)}


def _launch(candidate: Candidate, tasks: Iterable[Task]) -> Iterator[TaskEnd]:
    """Yield how tasks ended; what the launcher says itself before it asks for one is no defect."""
    asked: list[Task] = []

    def ask() -> Iterator[Task]:
        for task in tasks:
            asked.append(task)
            yield task

    try:
        yield from launch_tasks(candidate.component, ask(), lambda _: None)
    except SkinfwError as error:
        if asked or error.what.startswith(candidate.label):  # who raises else is named so
            raise
        raise NotTried(f"what it launches on is not here: {error.what}") from error


def _tasks(folder: Path) -> Iterator[Task]:
    """Yield a task that succeeds and one that fails."""
    for name, (words, _) in _CODES.items():
        yield Task(name, words, folder / f"{name}.log", "cpu")


@CHECK("answers", "base")
def carries_out(candidate: Candidate) -> None:
    """It carries out each task, tells its exit code, and adds what it prints to its log."""
    with sandbox() as box:
        codes = {end.task.name: end.code for end in _launch(candidate, _tasks(box.folder))}
        for name, (words, code) in _CODES.items():
            if codes.get(name) != code:
                refuse(f"tells {codes.get(name)} of skinfw {words[0]}", f"its exit code is {code}")
        silent = [name for name in _CODES if not _printed(box.folder / f"{name}.log")]
        if silent:
            refuse(f"left the log of {silent[0]} empty", "what a task prints is in its log")


def _printed(log: Path) -> bool:
    return log.is_file() and log.stat().st_size > 0


@CHECK("nothing to do", "full")
def nothing_to_do(candidate: Candidate) -> None:
    """Where there is no task, it ends."""
    if ends := list(_launch(candidate, ())):
        refuse(f"told of {len(ends)} tasks", "there was none")
