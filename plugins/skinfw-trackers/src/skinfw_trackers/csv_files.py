"""A run as two CSV files: its numbers, and what it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from skinfw import write_csv
from skinfw_trackers.folders import FolderTracker, run_place
from skinfw_trackers.names import flat_parameters, tags

Row = list[Any]
_INTERVAL = ("", "_low", "_high")


@dataclass(kw_only=True)
class Csv(FolderTracker):
    """Write metrics.csv and about.csv, long tables that are alike for all runs.

    metrics.csv has a row per number: `epoch`, `part` ("epoch" for what the history has), `metric`,
    `value`, and `low` and `high` of its 95 % interval. about.csv has a row per parameter, tag and
    file: `kind`, `name`, `value`.

    folder: where a folder for each run is made; unless given, they stand in the run folder.
    patience: seconds that the end of a run waits for what is not delivered yet.
    """

    name: ClassVar[str] = "csv"


class CsvDestination:
    """Write both files anew with each entry."""

    replays = True

    def __init__(self, settings: dict[str, Any], run: Path, queue: Path) -> None:
        """Take the folders of the run and of its queue."""
        self._settings, self._run, self._queue = settings, run, queue
        self._numbers: list[Row] = []
        self._about: list[Row] = []

    def start(self, entry: dict[str, Any], memory: dict[str, str]) -> None:
        """Make the folder, and write what the run is."""
        self._place = run_place(self._settings, self._queue, entry)
        self._place.mkdir(parents=True, exist_ok=True)
        about = flat_parameters(entry["recipe"])
        self._about = [["run", *pair] for pair in entry["run"].items()]
        self._about += [["lineage", *pair] for pair in tags(entry["lineage"]).items()]
        self._about += [["parameter", *pair] for pair in about.items()]
        self._numbers = []
        self._write()

    def epoch(self, entry: dict[str, Any]) -> None:
        """Add a row per number of an epoch."""
        self._write(numbers=_rows(entry))

    def end(self, entry: dict[str, Any]) -> None:
        """Add the numbers of each part, and the files of the run."""
        about = [["lineage", *pair] for pair in tags(entry["lineage"]).items()]
        about += [[role, name, str(self._run / name)] for name, role in entry["files"].items()]
        self._write(_rows(entry), about)

    def leave(self, status: str) -> None:
        """Close nothing: nothing is open."""

    def _write(self, numbers: Sequence[Row] = (), about: Sequence[Row] = ()) -> None:
        """Write the rows so far and some more, which are kept once they are written."""
        rows, others = [*self._numbers, *numbers], [*self._about, *about]
        header = ["epoch", "part", "metric", "value", "low", "high"]
        write_csv(self._place / "metrics.csv", header, rows)
        write_csv(self._place / "about.csv", ["kind", "name", "value"], others)
        self._numbers, self._about = rows, others


def _rows(entry: dict[str, Any]) -> list[Row]:
    """Return the numbers of an entry, those of an interval in one row."""
    numbers = {tuple(name.split("/", 1)): value for name, value in entry["numbers"].items()}
    parts = [part for part, _ in numbers if not part.endswith(_INTERVAL[1:])]
    return [
        [entry["epoch"], part, metric]
        + [numbers.get((part + end, metric), "") for end in _INTERVAL]
        for part, metric in numbers
        if part in parts
    ]
