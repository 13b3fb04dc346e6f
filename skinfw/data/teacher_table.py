"""The table of a teacher's answers: soft labels of images, and of images without labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from skinfw.errors import SkinfwError
from skinfw.files.checksums import file_digest
from skinfw.files.csv_tables import csv_rows
from skinfw.files.paths import display_path
from skinfw.files.spreadsheets import write_csv
from skinfw.interfaces.values import DataTable
from skinfw.recipe.plan import DataPlan
from skinfw.statistics.predictions import probability

_ABOUT = ("id", "path", "lesion")
UNLABELLED = "unlabelled"
"""The column of a run's rows that tells which of them only the teacher has a label for."""


@dataclass(frozen=True)
class TeacherTable:
    """Hold what a teacher says.

    classes: names [C].
    answers: the probabilities [C] of each image, by its id.
    paths: of the images that have no label, by id.
    lesions: which these show, as far as that is known, by id.
    """

    classes: tuple[str, ...]
    answers: Mapping[str, npt.NDArray[np.float64]]
    paths: Mapping[str, str]
    lesions: Mapping[str, str]


def write_teacher_table(file: Path, table: TeacherTable) -> str:
    """Write a table that `read_teacher_table` reads; return its SHA-256.

    file: the target.
    """
    rows = (
        [name, table.paths.get(name, ""), table.lesions.get(name, ""), *own.tolist()]
        for name, own in table.answers.items()
    )
    write_csv(file, [*_ABOUT, *table.classes], rows)
    return file_digest(file)


def read_teacher_table(plan: DataPlan) -> TeacherTable:
    """Read the answers that a recipe's [teacher] names.

    plan: the checked recipe.
    Raises SkinfwError where the file is not the one that the recipe means, or has other classes.
    """
    file, classes = Path(plan.teacher.answers), plan.classes
    where = plan.recipe.origin("teacher", "answers").text
    cure = "restore the file, or ask the teacher again: skinfw distil"
    digest = file_digest(file)
    if plan.teacher.sha256 not in ("", digest):
        said = "its checksum is another" if digest else "the file cannot be read"
        raise SkinfwError(
            "the teacher's answers are not those of the recipe",
            f"{where}   {display_path(file)}",
            said,
            cure,
        )
    lines = csv_rows(file, (*_ABOUT, *classes), own=True)
    _, header = next(lines)
    if {*header} != {*_ABOUT, *classes}:
        raise SkinfwError(
            "the teacher answers other classes than the data set has",
            f"{where}   {display_path(file)}",
            f"{', '.join(name for name in header if name not in _ABOUT)}; and {', '.join(classes)}",
            "choose a teacher of the same classes",
        )
    answers, paths, lesions = {}, {}, {}
    for line, cells in lines:
        row = dict(zip(header, cells, strict=True))
        own = [probability(file, line, row[name], name) for name in classes]
        answers[row["id"]] = np.array(own)
        if row["path"]:
            paths[row["id"]], lesions[row["id"]] = row["path"], row["lesion"] or row["id"]
    return TeacherTable(classes, answers, paths, lesions)


def with_unlabelled(plan: DataPlan, data: DataTable) -> DataTable:
    """Add the images that the teacher alone has labels for to the training part of a table.

    plan: the checked recipe.
    data: divided.
    They are lesions that the data set has not, of the class that the teacher finds most probable:
    samplers and weightings count them by it, and the loss of the labels leaves them out.
    """
    if not plan.teacher.answers:
        return data
    table = read_teacher_table(plan)
    if not table.paths:
        return data
    names = list(table.paths)
    labels = [table.classes[int(table.answers[name].argmax())] for name in names]
    lesions = [table.lesions[name] for name in names]
    added = pd.DataFrame(
        {"id": names, "path": list(table.paths.values()), "label": labels, "lesion": lesions}
    )
    added = added.assign(component=lesions, part="train", **{UNLABELLED: True})
    rows = pd.concat([data.rows.assign(**{UNLABELLED: False}), added], ignore_index=True)
    others = rows.columns.difference(added.columns)
    rows[others] = rows[others].fillna("")
    note = f"{len(added):,} images without labels are trained on by the teacher's answers alone"
    return replace(data, rows=rows, notes=(*data.notes, note))


def labelled_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the data set alone, without what `with_unlabelled` has added."""
    if UNLABELLED not in rows:
        return rows
    return rows[~rows[UNLABELLED]].drop(columns=UNLABELLED).reset_index(drop=True)
