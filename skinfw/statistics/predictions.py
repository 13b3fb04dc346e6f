"""Read predictions from a file and check what every number relies on: of runs, and submissions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from skinfw.files.csv_lines import line_error
from skinfw.files.csv_tables import csv_rows
from skinfw.files.numbers import decimal_number
from skinfw.files.spreadsheets import write_csv
from skinfw.interfaces.values import Predictions

PREDICTION_FILES = {"test": "predictions.csv", "val": "predictions_val.csv"}
_BESIDE = ("id", "true", "predicted", "path")
"""The columns that are no class."""
SUM = 1e-3  # how far rounded probabilities may be from one together


def run_predictions(run: Path, part: Literal["test", "val"] = "test") -> Predictions:
    """Read the predictions of a run, with the components of its splits.csv, else its lesions.

    run: the run folder.
    part: "val" is there where validation images were kept apart.
    Raises SkinfwError with file and line where anything is wrong.
    """
    file = run / "splits.csv"
    lines = csv_rows(file, ("id", "lesion", "label", "part"), own=True)
    _, header = next(lines)
    lesions = {}
    for line, cells in lines:
        row = dict(zip(header, cells, strict=True))
        if row["id"] in lesions:
            raise line_error(file, line, f'the image "{row["id"]}" is there twice')
        if row["part"] == part:
            lesions[row["id"]] = row.get("component") or row["lesion"]
    return read_predictions(run / PREDICTION_FILES[part], lesions)


def read_history(run: Path) -> list[dict[str, float]]:
    """Read the epochs of a run; none where its recipe has no report that writes them.

    run: the run folder.
    Raises SkinfwError with file and line where anything is wrong.
    """
    file = run / "history.csv"
    if not file.is_file():
        return []
    lines = csv_rows(file, ("epoch", "lr", "train_loss", "val_loss"), own=True)
    _, header = next(lines)
    history: list[dict[str, float]] = []
    for line, cells in lines:
        try:
            row = {name: float(cell or "nan") for name, cell in zip(header, cells, strict=True)}
        except ValueError as error:
            raise line_error(file, line, "an epoch has what is no number", str(error)) from None
        if row["epoch"] != len(history) + 1:
            raise line_error(file, line, f"the epoch {len(history) + 1} should stand here")
        history.append(row)
    return history


def read_predictions(file: Path, lesions: Mapping[str, str] | None = None) -> Predictions:
    """Read a table with the columns id, true, and one for each class.

    file: as a run writes it; a column `predicted` is not looked at, `path` may be absent.
    lesions: the lesion of each image that may be there; without them each image is its own.
    Raises SkinfwError with file and line where anything is wrong.
    """
    import numpy as np

    lines = csv_rows(file, ("id", "true"), own=True)
    _, header = next(lines)
    classes = tuple(name for name in header if name not in _BESIDE)
    true: dict[str, int] = {}
    chances: list[list[float]] = []
    paths: list[str] = []
    for line, cells in lines:
        row = dict(zip(header, cells, strict=True))
        name = row["id"]
        if lesions is not None and name not in lesions:
            raise line_error(file, line, f'the image "{name}" is unknown', "it is in no splits.csv")
        if name in true:
            raise line_error(file, line, f'the image "{name}" is there twice')
        if row["true"] not in classes:
            why = f"the columns of probabilities are {', '.join(classes) or 'absent'}"
            raise line_error(file, line, f'the true class "{row["true"]}" has no column', why)
        true[name] = classes.index(row["true"])
        values = [probability(file, line, row[label], label) for label in classes]
        if abs(sum(values) - 1) > SUM:
            said = f"the probabilities sum to {sum(values):.6g}, not to one"
            raise line_error(file, line, said)
        chances.append(values)
        if "path" in row:
            paths.append(row["path"])
    if not true:
        raise line_error(file, 1, "there are no predictions", "the table has no row")
    return Predictions(
        ids=list(true),
        lesions=[lesions[name] for name in true] if lesions is not None else list(true),
        true=np.array(list(true.values()), np.int64),
        probabilities=np.array(chances, np.float64),
        classes=classes,
        paths=paths,
    )


def write_predictions(file: Path, predictions: Predictions) -> None:
    """Write the table that `read_predictions` reads, in one step.

    file: the table; the path of each image stands last, where it is known.
    """
    paths = [[path] for path in predictions.paths] or [[]] * len(predictions.ids)
    beside = ["path"] if predictions.paths else []
    names = predictions.classes
    labels = zip(predictions.true.tolist(), predictions.predicted.tolist(), strict=True)
    chances = predictions.probabilities.tolist()
    rows = (
        [name, names[true], names[called], *row, *path]
        for name, (true, called), row, path in zip(
            predictions.ids, labels, chances, paths, strict=True
        )
    )
    write_csv(file, ["id", "true", "predicted", *names, *beside], rows)


def probability(file: Path, line: int, cell: str, label: str) -> float:
    """Return the probability in a cell; raise SkinfwError where it is none."""
    value = decimal_number(cell)
    if value is None or not 0 <= value <= 1:
        said = f'the probability of {label} is "{cell}"'
        raise line_error(file, line, said, "it must be a number in [0, 1]")
    return value
