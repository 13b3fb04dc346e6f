"""`skinfw acme summarise`: a line of a lab book for each run."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

_NUMBERS = ("balanced_accuracy", "accuracy", "macro_auc")


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--number",
    "numbers",
    multiple=True,
    default=_NUMBERS,
    show_default=True,
    help="A number of the test part, such as sensitivity/MEL.",
)
def summarise(runs: tuple[Path, ...], numbers: tuple[str, ...]) -> None:
    """Print the numbers of runs as CSV, a line for each.

    RUNS are run folders. A number that was not measured, or has no interval, has empty cells; the
    last column holds what a reader must know before believing the numbers.
    """
    from skinfw import CsvWriter

    text = io.StringIO()
    lines = CsvWriter(text)
    lines.writerow(_header(numbers))
    for run in runs:
        lines.writerow(_line(run, numbers))
    click.echo(text.getvalue(), nl=False)


def _header(numbers: Sequence[str]) -> list[str]:
    columns = [column for name in numbers for column in (name, f"{name} low", f"{name} high")]
    return ["run", "recipe", "started", "best epoch", "images", "lesions", *columns, "marks"]


def _line(run: Path, numbers: Sequence[str]) -> list[Any]:
    """Return the cells of a run.

    Raises SkinfwError where it is not done, or has no such number.
    """
    from skinfw import SkinfwError
    from skinfw.toolkit import display_path, read_run, run_predictions

    record = read_run(run)
    folder = run if run.is_dir() else run.parent
    if record["status"] != "done":
        raise SkinfwError(
            f"{display_path(run)} has no test numbers yet",
            why=f"its status is {record['status']}",
            cure=f"skinfw run {display_path(folder)} --resume",
        )
    predictions = run_predictions(folder)
    results = record["results"]
    return [
        folder.resolve().name,
        record["name"],
        record["started"],
        results["best_epoch"],
        len(predictions.ids),
        len(set(predictions.lesions)),
        *_cells(folder, results["test"], numbers),
        "; ".join(record["marks"]),
    ]


def _cells(folder: Path, measured: Mapping[str, Any], numbers: Sequence[str]) -> list[str]:
    """Return each number with the ends of its interval."""
    from skinfw import SkinfwError
    from skinfw.toolkit import display_path, nearest

    if unknown := [name for name in numbers if name not in measured]:
        close = nearest(unknown[0], measured)
        raise SkinfwError(
            f'there is no number "{unknown[0]}"',
            display_path(folder),
            "the metrics of its recipe did not give it",
            f'did you mean "{close[0]}"?' if close else f"it has {', '.join(measured)}",
        )
    known = _intervals(folder)
    values = [
        value for name in numbers for value in (measured[name], *known.get(name, (None, None)))
    ]
    return ["" if value is None else f"{value:.4f}" for value in values]


def _intervals(folder: Path) -> Mapping[str, Sequence[float]]:
    """Return the ends of the intervals of the test part; none where the recipe wanted none."""
    file = folder / "intervals.json"
    if not file.is_file():
        return {}
    record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    own: dict[str, list[float]] = record["parts"]["test"]["intervals"]
    return own
