"""Tasks: commands of skinfw that a launcher carries out somewhere, and how each of them ended."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Task:
    """Hold a command of skinfw that may be given again wherever it was stopped: it goes on.

    What comes of it stands in files that all machines share, such as a run folder.

    name: of the task, which no other of the same launch has; names its log, too.
    words: the command line behind `skinfw`.
    log: the file that what it prints is added to.
    device: what it computes on, as `engine.device` of a recipe: "cuda" needs a GPU, "cpu" none, and
        "auto" takes one where the launcher has some.
    """

    name: str
    words: tuple[str, ...]
    log: Path
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"


@dataclass(frozen=True)
class TaskEnd:
    """Tell how a task ended.

    task: the task.
    code: its exit code; 0 is done, 128 and the number of a signal where one ended it.
    place: where it was carried out, in words, such as "cores 2, 3".
    """

    task: Task
    code: int
    place: str = ""
