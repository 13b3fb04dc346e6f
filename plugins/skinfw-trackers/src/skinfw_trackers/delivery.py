"""Deliver a queue to its tracker: `python -m skinfw_trackers.delivery FOLDER`.

It ends when the run is done and all is delivered, when its standard input ends, or when the run
has stopped or failed. What cannot be delivered is tried again, ever more seldom, and stays in the
queue.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import threading
import time
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock, Timeout

from skinfw import SkinfwError, write_json
from skinfw.toolkit import read_run
from skinfw_trackers.queue import STATE, read_entries, read_state, read_tracker

DESTINATIONS = {
    "csv": "skinfw_trackers.csv_files:CsvDestination",
    "tensorboard": "skinfw_trackers.tensorboard:TensorBoardDestination",
    "mlflow": "skinfw_trackers.mlflow:MlflowDestination",
    "wandb": "skinfw_trackers.wandb:WandbDestination",
}
LOOK_SECONDS = 0.2
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
"""Seconds between two tries."""
LAST_TRIES = 3
"""After the run has ended."""


class Destination(Protocol):
    """Be told of a run; whatever is raised, the same entry comes again."""

    replays: bool
    """Whether a new process tells it everything from the beginning."""

    def start(self, entry: dict[str, Any], memory: dict[str, str]) -> None:
        """Begin, or go on.

        memory: what it wants to know in the next process; it may write into it.
        """

    def epoch(self, entry: dict[str, Any]) -> None:
        """Take the numbers of an epoch."""

    def end(self, entry: dict[str, Any]) -> None:
        """Take what came of the run, which is done."""

    def leave(self, status: str) -> None:
        """Close what is open.

        status: of the run, as run.json says it.
        """


class Delivery:
    """Tell a destination what stands in a queue, oldest first."""

    def __init__(self, folder: Path, destination: Destination) -> None:
        """Take the folder of the queue and who is told."""
        self.folder, self._destination = folder, destination
        self._state = read_state(folder)
        self._saved = deepcopy(self._state)
        self._entries: list[tuple[dict[str, Any], int]] = []
        self._seen: set[tuple[str, int]] = set()
        self._read = self._next = 0
        self._started = self.complete = self.ends = False

    def look(self) -> None:
        """Read new entries; what a resumed run tells again is left out."""
        for entry, end in read_entries(self.folder, self._read):
            self._read = end
            key = (entry["event"], entry["epoch"])
            if key not in self._seen:
                self._seen.add(key)
                self._entries.append((entry, end))
            self.ends = self.ends or entry["event"] == "end"

    def advance(self) -> None:
        """Deliver what waits; raises what the destination raises, which is started anew then."""
        if not self._entries:
            return
        try:
            self._start()
            while self._next < len(self._entries):
                entry, end = self._entries[self._next]
                if entry["event"] != "start":
                    getattr(self._destination, entry["event"])(entry)
                self._next += 1
                self._save(end)
        except Exception:
            self._started = False
            raise
        self._save(self._read)
        self.complete = self.ends

    def _start(self) -> None:
        """Let the destination begin, and find the first entry that it needs."""
        if self._started:
            return
        self._destination.start(self._entries[0][0], self._state["memory"])
        done = 0 if self._destination.replays else self._state["offset"]
        self._next = sum(end <= done for _, end in self._entries)
        self._started = True

    def note(self, error: Exception) -> None:
        """Keep why the last try failed."""
        text = " ".join(str(error).split())[:300]
        self._save(0, f"{type(error).__name__}: {text}")

    def leave(self, status: str) -> None:
        """Close what is open."""
        if self._started:
            self._destination.leave(status)

    def _save(self, offset: int, error: str = "") -> None:
        self._state["offset"] = max(offset, self._state["offset"])
        self._state["error"] = error
        if self._state != self._saved:
            write_json(self.folder / STATE, self._state)
            self._saved = deepcopy(self._state)


def deliver(delivery: Delivery, over: Callable[[], str]) -> None:
    """Deliver until there is nothing more to come, or the last tries have failed.

    over: returns how the run ended, "" as long as it goes on.
    """
    wait, failures, ended = FIRST_WAIT, 0, False
    status = ""
    while not delivery.complete:
        status = over()  # before the look, so that nothing comes between
        delivery.look()
        if (status or delivery.ends) and not ended:
            ended, failures, wait = True, 0, FIRST_WAIT
        try:
            delivery.advance()
            failures, wait = 0, FIRST_WAIT
            if status:
                break
            time.sleep(0 if delivery.complete else LOOK_SECONDS)
        except Exception as error:
            failures += 1
            print(f"try {failures}: {error!r}", file=sys.stderr, flush=True)
            with contextlib.suppress(SkinfwError):  # the disk may be full here, too
                delivery.note(error)
            if ended and failures >= LAST_TRIES:
                break
            _pause(wait, delivery, over, ended)
            wait = min(2 * wait, LONGEST_WAIT)
    delivery.leave("done" if delivery.complete else status)


def _pause(seconds: float, delivery: Delivery, over: Callable[[], str], ended: bool) -> None:
    """Wait for the next try; the end of the run is heard at once."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
        delivery.look()
        if not ended and (over() or delivery.ends):
            return


class RunEnd:
    """Know how a run ended: from its record, or from the end of the process that runs it."""

    def __init__(self, run: Path) -> None:
        """Take the run folder, and listen."""
        self._record, self._written = run / "run.json", 0
        self._status = ""
        self._gone = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            os.read(0, 1)  # nobody writes; at the end of the file it returns
        self._gone.set()

    def __call__(self) -> str:
        """Return how the run ended, "" as long as it goes on."""
        gone = self._gone.is_set()
        with contextlib.suppress(OSError, SkinfwError):
            written = self._record.stat().st_mtime_ns
            if written != self._written:
                self._status, self._written = str(read_run(self._record)["status"]), written
        if self._status not in ("", "running"):
            return self._status
        return "stopped" if gone else ""


def main(folder: Path) -> None:
    """Deliver the queue in a folder, unless another process does."""
    if hasattr(os, "nice"):
        os.nice(10)  # the run comes first
    tracker = read_tracker(folder)
    module, _, name = DESTINATIONS[tracker["tracker"]].partition(":")
    run = folder.parents[1]
    with contextlib.suppress(Timeout), FileLock(folder / "delivery.lock", timeout=0):
        made = getattr(importlib.import_module(module), name)
        deliver(Delivery(folder, made(tracker["settings"], run, folder)), RunEnd(run))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
