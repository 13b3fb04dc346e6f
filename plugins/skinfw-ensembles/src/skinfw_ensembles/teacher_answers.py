"""What a teacher says of a student's images: asked once, and kept with a checksum."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from skinfw import SkinfwError, write_json
from skinfw.toolkit import (
    Case,
    JsonError,
    ModelEvaluator,
    Plan,
    TeacherTable,
    TorchPredictor,
    display_path,
    file_digest,
    file_name,
    predict_images,
    read_json,
    unwritable,
    write_teacher_table,
)
from skinfw_ensembles.members import Member

if TYPE_CHECKING:
    import pandas as pd

    from skinfw.toolkit import TrainedModel

Say = Callable[[str], None]


def teacher_answers(
    teacher: Member,
    plan: Plan,
    rows: pd.DataFrame,
    unlabelled: pd.DataFrame,
    folder: Path,
    say: Say,
) -> tuple[Path, str]:
    """Return the table of a teacher's answers and its SHA-256, from an earlier time if it is there.

    plan: of the student.
    rows: of its data set; all of them are asked about, whatever part they are in.
    unlabelled: further images, a table with id, path and lesion.
    folder: where the table is kept; its name holds what the answers depend on.
    say: told what is computed.
    """
    key = _key(teacher.model, plan, rows, unlabelled)
    name = f"teacher-{file_name(teacher.name)}-{key[:12]}"
    table, about = folder / f"{name}.csv", folder / f"{name}.json"
    if digest := _kept(table, about, key):
        say(f"the teacher's answers are there already: {display_path(table)}")
        return table, digest
    teacher.model.check_pictures(rows.columns)
    say(f"the teacher answers for {len(rows) + len(unlabelled):,} images, once")
    predictions = ModelEvaluator(teacher.model).predict(rows, plan.dataset)
    answers = dict(zip(predictions.ids, predictions.probabilities, strict=True))
    paths, lesions = {}, {}
    if len(unlabelled):
        teacher.model.check_whole_images()
        teacher.model.check_pictures(unlabelled.columns)
        cases = [
            Case(row["path"], {str(name): own for name, own in row.items()})
            for row in unlabelled.to_dict("records")
        ]
        predictor = TorchPredictor(teacher.model)
        stream = predict_images(cases, predictor, teacher.model.batch_size)
        for (name, path, lesion), answer in zip(_named(unlabelled), stream, strict=True):
            if isinstance(answer, SkinfwError):
                say(f"note: {path} is left out: {answer.why or answer.what}")
                continue
            answers[name], paths[name], lesions[name] = answer, path, lesion
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error
    digest = write_teacher_table(table, TeacherTable(predictions.classes, answers, paths, lesions))
    write_json(about, {"key": key, "sha256": digest, "teacher": teacher.name})
    return table, digest


def _named(table: pd.DataFrame) -> Iterator[tuple[str, str, str]]:
    """Yield id, path and lesion of each image."""
    return zip(table["id"], table["path"], table["lesion"], strict=True)


def _key(model: TrainedModel, plan: Plan, rows: pd.DataFrame, unlabelled: pd.DataFrame) -> str:
    """Return a checksum of what the answers depend on: networks, how they look, and the images."""
    digest = hashlib.sha256()
    for own in model.networks:
        digest.update(file_digest(own.weights).encode())
        looks = [own.tables.get(name) for name in ("image", "prepare", "view")]
        digest.update(json.dumps([looks, own.counts], default=str).encode())
    digest.update(json.dumps(model.combination.record(), default=str).encode())
    # A data set that draws its images gives others under the same names where its table differs.
    digest.update(json.dumps(plan.components.dataset.table(), default=str).encode())
    answered = rows.drop(columns=["part", "component"], errors="ignore")
    digest.update(answered.to_csv(index=False).encode())
    for name, path, lesion in (*_named(rows), *_named(unlabelled)):
        file = Path(path)
        about = file.stat() if file.is_file() else None
        state = (about.st_size, about.st_mtime_ns) if about else ()
        digest.update(f"{name}\t{path}\t{lesion}\t{state}\n".encode())
    return digest.hexdigest()


def _kept(table: Path, about: Path, key: str) -> str:
    """Return the checksum of a table that is whole, else nothing."""
    try:
        record = read_json(about)
        said = record["sha256"] if record["key"] == key else ""
    except (OSError, JsonError, KeyError, TypeError):
        return ""
    return str(said) if said and file_digest(table) == said else ""
