"""Tables of a run as CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from skinfw import Result, hookimpl, write_csv
from skinfw.toolkit import csv_rows


class History:
    """Write history.csv, a row per epoch, as soon as the epoch is done."""

    @hookimpl
    def run_start(self, folder: Path, recipe: Mapping[str, Any]) -> None:
        """Remember where the run lives."""
        self._folder = folder

    @hookimpl
    def epoch_end(self, record: Mapping[str, float]) -> None:
        """Append a row, after dropping rows that a resumed run repeats."""
        file, rows = self._folder / "history.csv", [dict(record)]
        if record["epoch"] > 1 and file.is_file():
            rows = [row for row in _read(file) if float(row["epoch"]) < record["epoch"]] + rows
        _write(rows, file)

    def write(self, result: Result, folder: Path) -> None:
        """Write the whole history once more, from the result."""
        _write(result.history, folder / "history.csv")


def _read(file: Path) -> list[dict[str, Any]]:
    """Return the rows of a history as the texts that they are, so that none is rounded."""
    lines = csv_rows(file, ["epoch"], own=True)
    _, header = next(lines)
    return [dict(zip(header, cells, strict=True)) for _, cells in lines]


def _write(rows: Sequence[Mapping[str, Any]], file: Path) -> None:
    """Write a row per epoch; what one has not measured is blank."""
    header = list(dict.fromkeys(name for row in rows for name in row))
    write_csv(file, header, ([row.get(name, "") for name in header] for row in rows))
