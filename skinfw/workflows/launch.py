"""Carry out tasks by a launcher, whose answers are checked, and make tasks of runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from skinfw.errors import AnswerError
from skinfw.guards.answers import describe
from skinfw.interfaces.tasks import Task, TaskEnd
from skinfw.recipe.component import PlannedComponent

if TYPE_CHECKING:
    from skinfw.interfaces.protocols import Launcher
    from skinfw.recipe.plan import Plan

Say = Callable[[str], None]
_END_BYTES = 1 << 14
"""Of a log; the four lines of an error have no more."""


def run_task(folder: Path, plan: Plan, log: Path) -> Task:
    """Return the task that goes on with a run, whether it has begun or not.

    folder: of the run.
    plan: its checked recipe; whoever has planned it has trusted its Python files.
    log: the file for what the run prints.
    """
    words = ["run", str(folder.resolve()), "--resume"]
    if any(component.entry.file for component in plan.components):
        words.append("--trust")
    return Task(folder.name, tuple(words), log.resolve(), plan.engine.device)


def launch_tasks(
    component: PlannedComponent[Launcher], tasks: Iterable[Task], say: Say
) -> Iterator[TaskEnd]:
    """Carry out tasks by a launcher, and yield how each ended, as they end.

    component: the launcher, checked but not built.
    tasks: each is asked for when the launcher has room for it; no two have one name. An iterator
        that has none for now, but will have some, is asked again after the next end.
    say: told what a user must hear, a line at a time.
    Raises SkinfwError that names the launcher where it answers wrongly or cannot carry them out.
    """
    launcher = component.make()
    running: dict[str, Task] = {}

    with component.guard(launcher.launch):
        ends = iter(launcher.launch(_Asked(iter(tasks), running), say))
    try:
        while True:
            with component.guard(launcher.launch):
                end = next(ends, None)
                _check_end(end, running)
            if end is None:
                return
            del running[end.task.name]
            yield end
    finally:
        if close := getattr(ends, "close", None):
            with component.guard(launcher.launch):
                close()


class _Asked:
    """Give tasks to a launcher, and note them as under way.

    Where `tasks` has none for now it may have some later, which a generator could not.
    """

    def __init__(self, tasks: Iterator[Task], running: dict[str, Task]) -> None:
        self._tasks, self._running = tasks, running

    def __iter__(self) -> Iterator[Task]:
        return self

    def __next__(self) -> Task:
        task = next(self._tasks)
        task.log.parent.mkdir(parents=True, exist_ok=True)
        self._running[task.name] = task
        return task


def _check_end(end: object, running: dict[str, Task]) -> None:
    """Refuse an answer that is no end of a task that is under way."""
    if end is None:
        if running:
            names = ", ".join(list(running)[:3])
            raise AnswerError(
                f"ended without telling how {names} ended", "each task that it asks for ends once"
            )
        return
    if not isinstance(end, TaskEnd):
        raise AnswerError(f"yielded {describe(end)}", "launch yields skinfw.TaskEnd")
    if running.get(end.task.name) is not end.task:
        raise AnswerError(
            f'told of "{end.task.name}", which is not under way', "each task ends once"
        )


def last_line(log: Path) -> str:
    """Return the last line in the end of a log that says anything; "" for none."""
    return next((line.strip() for line in _last_lines(log) if line.strip()), "")


def last_error(log: Path) -> str:
    """Return what the last error in the end of a log says is wrong; "" for none."""
    mark = "error: "
    return next((line[len(mark) :] for line in _last_lines(log) if line.startswith(mark)), "")


def _last_lines(log: Path) -> Iterator[str]:
    """Return the lines in the end of a log, the last one first."""
    with suppress(OSError), log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _END_BYTES))
        return reversed(file.read().decode(errors="replace").splitlines())
    return iter(())
