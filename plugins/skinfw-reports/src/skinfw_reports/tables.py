"""Tables of a run as CSV."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skinfw import Result, atomic_write, hookimpl


class History:
    """Write history.csv, a row per epoch, as soon as the epoch is done."""

    @hookimpl
    def run_start(self, folder: Path, recipe: Mapping[str, Any]) -> None:
        """Remember where the run lives."""
        self._folder = folder

    @hookimpl
    def epoch_end(self, record: Mapping[str, float]) -> None:
        """Append a row, after dropping rows that a resumed run repeats."""
        import pandas as pd

        file = self._folder / "history.csv"
        table = pd.DataFrame([dict(record)])
        if record["epoch"] > 1 and file.is_file():
            before = pd.read_csv(file)
            table = pd.concat([before[before["epoch"] < record["epoch"]], table])
        _write(table, file)

    def write(self, result: Result, folder: Path) -> None:
        """Write the whole history once more, from the result."""
        import pandas as pd

        _write(pd.DataFrame([dict(record) for record in result.history]), folder / "history.csv")


def _write(table: Any, file: Path) -> None:
    """Replace a file in one step, so that a reader never sees half of it."""
    with atomic_write(file) as partial:
        table.to_csv(partial, index=False)
