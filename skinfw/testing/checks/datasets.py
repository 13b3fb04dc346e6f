"""What a data set, a finder of copies and a cache promise."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np

from skinfw.data.decoding import LIMITS, decode, read_image
from skinfw.errors import AnswerError, SkinfwError
from skinfw.guards.answers import check_classes, check_image, describe
from skinfw.guards.names import check_row_texts
from skinfw.interfaces.values import DataTable, Duplicates
from skinfw.testing import examples
from skinfw.testing.candidate import Candidate
from skinfw.testing.check import Checks, NotTried, refuse

CHECK = Checks("dataset")


def _here(read: Callable[[], Any]) -> Any:
    """Return what is read; where the data are not here, the data set says so by a SkinfwError."""
    try:
        return read()
    except SkinfwError as error:
        if error.__cause__ is None or isinstance(error.__cause__, SkinfwError):
            raise NotTried(f"its data are not here: {error.what}") from error
        raise


def _table(candidate: Candidate, dataset: Any) -> DataTable:
    """Return the table."""
    table = _here(lambda: candidate.call(dataset.table))
    if not isinstance(table, DataTable):
        refuse(f"returned {describe(table)}", "table returns a skinfw.DataTable")
    assert isinstance(table, DataTable)
    return table


@CHECK("names its classes", "base")
def names_its_classes(candidate: Candidate) -> None:
    """It names at least two classes, each once."""
    classes = check_classes(_here(lambda: candidate.build().classes))
    if len(classes) < 2:
        refuse(f"has the classes {classes}", "classes are at least two different names")


@CHECK("complete rows", "base")
def complete_rows(candidate: Candidate) -> None:
    """Its table has a row per image with id, path, label and lesion, texts, each id once."""
    dataset = candidate.build()
    rows = _table(candidate, dataset).rows
    if absent := [name for name in ("id", "path", "label", "lesion") if name not in rows]:
        refuse(f"has no column {', '.join(absent)}", "rows have id, path, label and lesion")
    try:
        check_row_texts(rows)
    except AnswerError as error:
        refuse(error.came, error.expected)
    if twice := sorted(rows["id"][rows["id"].duplicated()])[:1]:
        refuse(f"has the id {twice[0]} twice", "every image has an id of its own")
    if unknown := sorted(set(rows["label"]) - set(dataset.classes)):
        refuse(f"has the label {unknown[0]}", "every label is one of its classes")


@CHECK("shows its images", "base")
def shows_its_images(candidate: Candidate) -> None:
    """The image of its first row can be had, uint8 [H, W, 3]."""
    dataset = candidate.build()
    path = str(_table(candidate, dataset).rows["path"].iloc[0])
    draw = getattr(dataset, "image", None)
    if not callable(draw) and not Path(path).is_file():
        raise NotTried(f"its image {path} is not here")
    check_image(candidate.call(draw, path) if callable(draw) else read_image(path))


@CHECK("same rows again", "full")
def same_rows_again(candidate: Candidate) -> None:
    """Read again, the table has the same rows in the same order."""
    first, second = (_table(candidate, candidate.build()).rows for _ in range(2))
    if not first.equals(second):
        refuse("gives other rows when it is read again", "a table depends on its files alone")


def _pictures(folder: Path) -> list[str]:
    """Write three photographs, one of them twice."""
    paths = []
    for number, seed in enumerate((0, 1, 2, 1)):
        path = folder / f"{number}.png"
        cv2.imwrite(str(path), examples.image(90, 120, seed))
        paths.append(str(path))
    return paths


@CHECK("joins copies", "base", "duplicates")
def joins_copies(candidate: Candidate) -> None:
    """Of four files of which two hold the same bytes, it joins these two and no other."""
    with TemporaryDirectory() as place:
        paths = _pictures(Path(place))
        answer = candidate.call(candidate.build().find, paths, Path(place), lambda _: None)
    if not isinstance(answer, Duplicates):
        refuse(f"returned {describe(answer)}", "find returns skinfw.Duplicates")
    if len(answer.files) != len(paths):
        refuse(f"told of {len(answer.files)} files of {len(paths)}", "it tells of every file")
    if {frozenset(pair[:2]) for pair in answer.pairs} != {frozenset((1, 3))}:
        refuse(f"joined {list(answer.pairs)}", "files with the same bytes are joined, others not")


class _Whole:
    """Decode all pixels of a file."""

    key, short, limits = "all pixels", 0, LIMITS

    def decode(self, content: bytes, path: Path | str) -> Any:
        """Return the image."""
        return decode(content, path)


@CHECK("changes no pixel", "base", "cache")
def changes_no_pixel(candidate: Candidate) -> None:
    """What it holds is what decoding gives, and features are those that were computed."""

    def say(line: str) -> None:
        """Hear what it costs."""

    with TemporaryDirectory() as place, patch.dict(os.environ, SKINFW_CACHE=place):
        paths = _pictures(Path(place))
        cache = candidate.build()
        images = candidate.call(cache.open, paths, _Whole(), True, say)
        for path in paths if images is not None else ():
            held = images.get(path)
            if held is not None and not np.array_equal(held, read_image(path)):
                refuse("holds other pixels than the file", "no number may depend on a cache")
        features = np.arange(6, dtype=np.float32).reshape(3, 1, 2)
        key = "conformance of a cache"
        for _ in range(2):
            answer = candidate.call(cache.features, key, lambda: features, say)
            if not np.array_equal(answer, features):
                refuse("gave other features than were computed", "it keeps what it is given")
