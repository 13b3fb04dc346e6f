"""A tracker as a run sees it: it writes into a queue, and a process of its own delivers."""

from __future__ import annotations

import hashlib
import json
import math
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from annotated_types import Interval

from skinfw import Result, SkinfwError, hookimpl
from skinfw.toolkit import BEST_WEIGHTS, REFIT_WEIGHTS, display_path
from skinfw_trackers.names import require
from skinfw_trackers.queue import FOLDER, LOG, Queue, count_left, read_state

if TYPE_CHECKING:
    from skinfw_trackers.process import DeliveryProcess

_RECORDS = ("metrics.json", "intervals.json")  # recipe.lock has the names of all images
_ABOUT = ("git_commit", "data_fingerprint", "split_hash", "draw_hash")
"""Of run.json, what says from which code and images a run comes."""


@dataclass(kw_only=True)
class QueuedTracker:
    """Queue what a run tells, so that neither a slow nor an absent tracker costs it anything.

    patience: seconds that the end of a run waits for what is not delivered yet.
    """

    patience: Annotated[float, Interval(ge=0, le=86_400)] = 60.0

    name: ClassVar[str]
    library: ClassVar[str] = ""
    """What the process that delivers imports; nobody reads there that it is missing."""

    def __post_init__(self) -> None:
        """Raise ModuleNotFoundError where the library is absent."""
        if self.library:
            require(self.library)

    def settings(self, place: Path) -> dict[str, Any]:
        """Return what its destination needs to know.

        place: the folder of runs, which holds this run or its study.
        """
        return asdict(self)

    def sends_model(self) -> bool:
        """Return whether the weights are among what is sent."""
        return False

    @hookimpl
    def run_start(
        self, folder: Path, recipe: Mapping[str, Any], lineage: Mapping[str, Any], rehearsal: bool
    ) -> None:
        """Begin the queue, or go on with it, and start the process that delivers it.

        What a rehearsal would send is queued only.
        """
        from skinfw_trackers.process import DeliveryProcess

        self._folder = folder
        self._process: DeliveryProcess | None = None
        self._queue = Queue(folder / FOLDER / self._queue_name())
        whole = folder.resolve()
        self._queue.open(self.name, self.settings(whole.parents["study" in lineage]))
        run = {"id": uuid.uuid4().hex, "name": folder.name}
        about = {**lineage, "seed": recipe.get("seed")}
        if "study" in lineage:
            about["study_id"] = hashlib.sha256(str(whole.parent).encode()).hexdigest()[:16]
        self._queue.add("start", run=run, recipe=recipe, lineage=about)
        if not rehearsal:
            self._process = DeliveryProcess(self._queue.folder)

    @hookimpl
    def epoch_end(self, record: Mapping[str, float]) -> None:
        """Queue the numbers of an epoch."""
        numbers = {f"epoch/{name}": number for name, number in record.items() if name != "epoch"}
        self._queue.add("epoch", epoch=int(record["epoch"]), numbers=_finite(numbers))

    @hookimpl
    def run_end(self, result: Result) -> None:
        """Queue what came of the run, and wait until all is delivered, but not for ever.

        Raises SkinfwError that says what was not delivered, and why.
        """
        about = {key: str(result.record[key]) for key in _ABOUT if result.record.get(key)}
        self._queue.add(
            "end",
            epoch=result.best_epoch,
            numbers=_finite(final_numbers(result)),
            lineage=about,
            files=run_files(self._folder, self.sends_model()),
        )
        self._queue.flush()  # a disk that is still full is told
        if self._process is None:
            return
        self._process.wait(time.monotonic() + self.patience, self._queue.is_delivered)
        if not self._queue.is_delivered():
            raise undelivered(self.name, self._queue.folder, self._folder)

    def _queue_name(self) -> str:
        """Return a name that two tables of a recipe share only where they say the same."""
        own = asdict(self)
        if all(own[field.name] == field.default for field in fields(self)):
            return self.name
        text = json.dumps(own, sort_keys=True)
        return f"{self.name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def undelivered(name: str, queue: Path, run: Path) -> SkinfwError:
    """Return the error that says what a tracker has not got.

    name: of the tracker.
    queue, run: their folders.
    """
    left, count = count_left(queue)
    log = display_path(queue / LOG)
    why = read_state(queue)["error"] or f"its patience is over, or its process ended: {log}"
    return SkinfwError(
        f"{name} has not got {left} of {count} entries about the run",
        "",
        why,
        f"they are kept; skinfw track {display_path(run)} sends them",
    )


def final_numbers(result: Result) -> dict[str, float]:
    """Return the numbers of the best epoch by part, with the ends of their 95 % intervals."""
    numbers: dict[str, float] = {}
    for part, metrics in result.metrics.items():
        numbers |= {f"{part}/{name}": value for name, value in metrics.items()}
        for name, interval in result.intervals.get(part, {}).items():
            numbers[f"{part}_low/{name}"], numbers[f"{part}_high/{name}"] = interval
    return numbers


def run_files(folder: Path, model: bool) -> dict[str, str]:
    """Return the files of a run that a tracker may show, each with its role.

    folder: of the run.
    model: whether its weights are among them.
    """
    files = {file.name: "figure" for file in sorted(folder.glob("*.png"))}
    files |= {"report.html": "report"} | dict.fromkeys(_RECORDS, "record")
    files |= dict.fromkeys((BEST_WEIGHTS, REFIT_WEIGHTS), "model") if model else {}
    return {name: role for name, role in files.items() if (folder / name).is_file()}


def _finite(numbers: Mapping[str, float]) -> dict[str, float]:
    """Return the numbers that were measured."""
    return {name: float(value) for name, value in numbers.items() if math.isfinite(value)}
