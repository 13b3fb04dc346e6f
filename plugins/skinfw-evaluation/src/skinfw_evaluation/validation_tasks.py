"""The data sets of a validation as tasks of a launcher, one `skinfw validate` for each."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from skinfw import Launcher, SkinfwError, Task, TaskEnd
from skinfw.toolkit import (
    PlannedComponent,
    TrainedModel,
    display_path,
    echo,
    last_error,
    launch_tasks,
)
from skinfw_evaluation.validation_files import read_set
from skinfw_evaluation.validation_sets import Outcome, Wanted, predictions_file


@dataclass(frozen=True)
class ValidationTasks:
    """Judge data sets side by side.

    model: the network.
    folder: of the validation.
    options: that each task is given, too.
    """

    model: TrainedModel
    folder: Path
    options: Sequence[str]

    def judge(
        self, launcher: PlannedComponent[Launcher], wanted: Sequence[Wanted]
    ) -> Iterator[tuple[Wanted, Outcome]]:
        """Yield what was found on each data set, or why it could not be judged, as they end.

        launcher: checked but not built.
        """
        own = {one.file_name: one for one in wanted}
        echo(f"what they print is in {display_path(self.folder / 'logs')}")
        try:
            for end in launch_tasks(launcher, [self._task(one) for one in wanted], echo):
                one = own[end.task.name]
                echo(f"{one.name} {'failed' if end.code else 'done'}")
                yield one, self._failure(one, end) if end.code else self._found(one)
        finally:
            shutil.rmtree(self.folder / "parts", ignore_errors=True)

    def _task(self, one: Wanted) -> Task:
        run, out = str(self.model.path.resolve()), str(self._part(one).resolve())
        words = ("validate", run, "--on", one.text, "--out", out, *self.options)
        log = (self.folder / "logs" / f"{one.file_name}.log").resolve()
        engine: Mapping[str, Any] = self.model.tables.get("engine", {})
        return Task(one.file_name, words, log, engine.get("device", "auto"))

    def _part(self, one: Wanted) -> Path:
        return self.folder / "parts" / one.file_name

    def _found(self, one: Wanted) -> Outcome:
        """Return the numbers of a task that is done, whose predictions become the validation's."""
        try:
            found = replace(read_set(self._part(one)), name=one.name)
        except SkinfwError as error:
            return error
        target = predictions_file(self.folder, one)
        target.parent.mkdir(exist_ok=True)
        for file in (self._part(one) / "predictions").iterdir():
            file.replace(target)
        return found

    def _failure(self, one: Wanted, end: TaskEnd) -> SkinfwError:
        return SkinfwError(
            last_error(end.task.log) or f"its task ended with {end.code} and left no word",
            display_path(end.task.log),
            f"{one.name} could not be judged",
            f"judge it alone: skinfw validate {display_path(self.model.path)} --on {one.text}",
        )
