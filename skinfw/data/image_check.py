"""Image files that cannot be decoded are found before a run needs them."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd

from skinfw.data.decoding import DECODER, UnreadableError, read_image
from skinfw.data.structure.bounds import Limits
from skinfw.errors import SkinfwError
from skinfw.files.paths import display_path
from skinfw.files.remote import ServerError
from skinfw.files.sources import source_path
from skinfw.files.stores import Store, seal
from skinfw.interfaces.values import DataTable
from skinfw.recipe.settings import DatasetKeys
from skinfw.runtime.prefetch import prefetch, reading_threads

_SHOWN = 3
_TOLD_SECONDS = 20.0
_SMALL = 64  # a file is decoded whole, but its pixels are needed by nobody
_LAYOUT = 1
_TABLES = (
    "CREATE TABLE checked (path TEXT, how TEXT, bytes INTEGER, modified INTEGER, why TEXT, "
    "seal INTEGER, PRIMARY KEY (path, how))",
)
Stamp = tuple[int, int]


class BadImagesError(SkinfwError):
    """Say that image files of a data set cannot be decoded.

    bad: why, by path.
    """

    def __init__(self, bad: Mapping[str, str], images: int, where: str, several: bool) -> None:
        """Name the first of them.

        images: how many the data set has.
        where: the place of the data set in the recipe.
        several: whether the recipe lists several, which all have the key.
        """
        shown = [
            f"{display_path(source_path(path))}: {why}" for path, why in list(bad.items())[:_SHOWN]
        ]
        more = f"; and {len(bad) - _SHOWN:,} more" if len(bad) > _SHOWN else ""
        key = 'bad = "drop" in every [[dataset]]' if several else 'dataset.bad = "drop"'
        super().__init__(
            f"{len(bad):,} of {images:,} images cannot be decoded",
            where,
            "; ".join(shown) + more,
            f"mend the files, or set {key} to leave them out",
        )
        self.bad = bad


def find_bad_images(
    paths: Sequence[str], limits: Limits, folder: Path, say: Callable[[str], None]
) -> dict[str, str]:
    """Return why image files cannot be decoded, by path; each file is decoded once in its life.

    paths: of image files.
    limits: what a file may cost.
    folder: where it is kept which files are known; where that is impossible, nothing is.
    say: told what it costs and how far it is.
    """
    paths = list(dict.fromkeys(paths))
    how, stamps = f"{DECODER} {limits}", {path: _stamp(path) for path in paths}
    known = {}
    try:
        known = _remembered(folder, how, stamps)
    except (OSError, sqlite3.Error) as error:
        say(f"note: checked images are not remembered, for {folder} cannot be used: {error}")
    unknown = [path for path in paths if path not in known]
    if not unknown:
        return {path: why for path, why in known.items() if why}
    say(f"{len(unknown):,} images are decoded once, to find bad ones")
    answers = dict(zip(unknown, _check(unknown, limits, say), strict=True))
    reasons = {path: why for path, (why, _) in answers.items()}
    lasting = [(path, stamps[path], why) for path, (why, lasts) in answers.items() if lasts]
    try:
        _remember(folder, how, lasting)
    except (OSError, sqlite3.Error) as error:
        say(f"note: checked images are not remembered, for {folder} cannot be used: {error}")
    reasons = known | reasons
    return {path: reasons[path] for path in paths if reasons[path]}


def settle_bad_images(
    data: DataTable,
    pictures: Sequence[str],
    bad: Mapping[str, str],
    keys: DatasetKeys,
    where: str,
    several: bool,
) -> DataTable:
    """Return the table as the key `bad` wants it: without rows of bad images, or with all.

    data: of the data set.
    pictures: columns with the paths of images.
    bad: why images cannot be decoded, by path.
    keys: what the recipe wants.
    where: the place of the data set in the recipe.
    several: whether it lists several, which are one.
    The index of the rows tells which ones of the data set they were. Raises BadImagesError.
    """
    if not bad:
        return data
    rows, total = data.rows, len(data.rows) * len(pictures)
    if keys.bad == "error":
        raise BadImagesError(bad, total, where, several)
    if keys.bad == "report":
        note = f"{len(bad):,} of {total:,} images cannot be decoded; the run fails if it reads one"
        return replace(data, notes=(*data.notes, note), bad=bad)
    whole = ~pd.concat([rows[name].isin(list(bad)) for name in pictures], axis=1).any(axis=1)
    left = int((~whole).sum())
    note = f"{left:,} of {len(rows):,} images cannot be decoded and are left out"
    if not whole.any():
        raise BadImagesError(bad, total, where, several)
    return replace(data, rows=rows[whole], notes=(*data.notes, note), bad=bad)


def _check(
    paths: Sequence[str], limits: Limits, say: Callable[[str], None]
) -> Iterator[tuple[str, bool]]:
    """Yield what `_check_one` says of each file, on all cores."""
    last = time.monotonic()
    tasks = (partial(_check_one, path, limits) for path in paths)
    for done, answer in enumerate(prefetch(tasks, reading_threads(paths)), 1):
        if time.monotonic() - last > _TOLD_SECONDS:
            last = time.monotonic()
            say(f"{done:,} of {len(paths):,} images are decoded")
        yield answer


def _check_one(path: str, limits: Limits) -> tuple[str, bool]:
    """Return why a file cannot be decoded, "" where it can, and whether that lasts."""
    try:
        read_image(path, _SMALL, limits)
    except ServerError:
        raise
    except SkinfwError as error:
        return error.why, not isinstance(error, UnreadableError)
    return "", True


def _stamp(path: str) -> Stamp:
    """Return size and time of a file, zeros where it is absent."""
    try:
        status = source_path(path).stat()
    except (OSError, ValueError):
        return 0, 0
    return status.st_size, status.st_mtime_ns


def _remembered(folder: Path, how: str, stamps: Mapping[str, Stamp]) -> dict[str, str]:
    """Return what is known of files that have not changed since."""
    query = "SELECT path, how, bytes, modified, why, seal FROM checked WHERE how = ?"
    with _store(folder).open() as rows:
        known = rows.execute(query, (how,)).fetchall()
    return {
        path: why
        for path, _, size, modified, why, own in known
        if stamps.get(path) == (size, modified) and own == seal(path, how, size, modified, why)
    }


def _remember(folder: Path, how: str, checked: Sequence[tuple[str, Stamp, str]]) -> None:
    rows = [(path, how, *stamp, why) for path, stamp, why in checked]
    sealed = [(*row, seal(*row)) for row in rows]
    with _store(folder).open() as store:
        store.executemany("REPLACE INTO checked VALUES (?, ?, ?, ?, ?, ?)", sealed)


def _store(folder: Path) -> Store:
    return Store(folder / "checked.sqlite", _TABLES, _LAYOUT)
