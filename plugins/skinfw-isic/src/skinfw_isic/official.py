"""Read the official files of the ISIC challenges, and say exactly what is wrong with one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from skinfw import DataTable, SkinfwError, line_error, read_csv, refuse_rows

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

SUFFIX = "_downsampled"
# What stands in the columns of the official files. SYN_ is what `skinfw data export` draws in
# their layout.
IMAGE = rf"(?:ISIC|SYN)_[0-9]{{7}}(?:{SUFFIX})?"
ONE_HOT = r"[01](?:\.0)?"
LESION = r"[A-Z]+[0-9]?_[0-9]+"
AGE = r"(?:(?:[0-9]{1,2}|1[01][0-9]|120)(?:\.0)?|unknown)?"
SEX = "(?:female|male|unknown)?"
SITE = "[a-z/ ]*"
WORDS = "[a-z_ ]*"
WEIGHT = r"[01](?:\.[0-9]{1,6})?"
WEIGHTS = {"score_weight": WEIGHT, "validation_weight": WEIGHT}
"""How much an image counts in the challenge's score, and in that of its rehearsal; some ground
truths have both behind the classes."""
NO_MORE: Mapping[str, str] = MappingProxyType({})
IMAGE_ENDINGS = (".jpg", ".jpeg", ".png")


def check_root(root: Path) -> None:
    """Raise where the root of a data set is no folder."""
    if not root.is_dir():
        raise SkinfwError(
            "the data set's root is no folder",
            str(root),
            cure="set its root to the folder that holds the official files",
        )


def find_csv(root: Path, name: str) -> Path:
    """Return an official CSV: in the root, or in a folder of its own name as some archives have.

    root: the unpacked archive.
    name: file name without the ending.
    """
    check_root(root)
    places = _places(root, name)
    for place in places:
        if place.is_file():
            return place
    raise SkinfwError(
        f"{name}.csv is missing",
        str(root),
        f"looked for {' and '.join(str(place.relative_to(root)) for place in places)}",
        "download it from the ISIC archive into the root; skinfw data fetch does it",
    )


def has_csv(root: Path, name: str) -> bool:
    """Return whether `find_csv` would find it.

    root: the unpacked archive.
    name: file name without the ending.
    """
    return any(place.is_file() for place in _places(root, name))


def read_official(
    file: Path, columns: Mapping[str, str], key: str, more: Mapping[str, str] = NO_MORE
) -> pd.DataFrame:
    """Read a CSV as the challenge published it; all values are texts, blanks are empty.

    file: the CSV.
    columns: the columns, in their order, with the pattern of what stands in each.
    key: the column of image ids, each of which is there once.
    more: columns that some publications have behind these.
    """
    table = read_csv(file, list(columns), filled=True)
    header = list(table.columns)
    wanted = {**columns, **{name: more[name] for name in more if name in header}}
    if header != list(wanted):
        raise line_error(
            file,
            1,
            "the header is not that of the official file",
            f"it is {','.join(header)[:160]}; the official one is {','.join(columns)}",
        )
    refuse_values(file, table, wanted)
    twice = bare_id(table[key]).duplicated()
    refuse_rows(file, twice, table[key], "the image id occurs twice")
    return table


def refuse_values(file: Path, table: pd.DataFrame, patterns: Mapping[str, str]) -> None:
    """Raise with the line of the first value that has not the pattern of its column.

    table: what was read of the file.
    patterns: of what stands in the columns.
    """
    for name, pattern in patterns.items():
        values, fits = table[name], re.compile(pattern).fullmatch
        if wrong := [value for value in values.unique().tolist() if not fits(value)]:
            what = f"{name} holds what the official file never has"
            refuse_rows(file, values.isin(wrong), values, what)


def read_labels(file: Path, key: str, classes: Sequence[str]) -> pd.DataFrame:
    """Read a ground truth with one column per class and a single 1 in each row.

    file: the CSV.
    key: the column of image ids.
    classes: the columns, in the official order; `WEIGHTS` may stand behind them.
    Returns columns `key` and label, and the weights where the file has them.
    """
    import numpy as np
    import pandas as pd

    table = read_official(file, {key: IMAGE, **dict.fromkeys(classes, ONE_HOT)}, key, WEIGHTS)
    ones, ids = is_one(table[list(classes)]), table[key]
    refuse_rows(file, pd.Series(ones.sum(1) > 1), ids, "the image has two labels")
    refuse_rows(file, pd.Series(ones.sum(1) == 0), ids, "the image has no label")
    labels = pd.DataFrame({key: ids, "label": np.array(classes, object)[ones.argmax(1)]})
    weights = [name for name in WEIGHTS if name in table]
    return labels.join(table[weights])


def unlabelled_note(count: int, part: str) -> str:
    """Return what is told of a part whose labels are secret.

    count: of its images.
    part: its official name.
    """
    return f"the {count:,} images of {part} have no labels and are left out"


def no_unlabelled() -> DataTable:
    """Return the table of a data set whose images all have labels, as `unlabelled` returns it."""
    import pandas as pd

    return DataTable(pd.DataFrame({name: [] for name in ("id", "path", "lesion", "split")}))


def is_one(cells: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return which cells of a ground truth are one; the others are zero, [N, C].

    cells: that have the pattern ONE_HOT.
    """
    return cells.isin(["1", "1.0"]).to_numpy()


def refuse_unlabelled(known: pd.Series[str], ids: pd.Series[str], file: Path, truth: Path) -> None:
    """Raise where a table beside the ground truth knows images that the ground truth lost.

    known: the ids of the table, in the order of its rows.
    ids: those of the ground truth.
    file: the table.
    truth: the ground truth.
    """
    lost = ~known.isin(ids)
    if lost.any():
        raise SkinfwError(
            f"{int(lost.sum()):,} images of {file.name} have no row in the ground truth",
            f"{file}:{int(lost.to_numpy().argmax()) + 2}",
            f"the first is {known[lost].iloc[0]}; {truth.name} has lost rows, or is another one's",
            "download both again; for images of your own choice use the data set csv",
        )


def refuse_undescribed(known: pd.Series[str], ids: pd.Series[str], file: Path) -> None:
    """Raise where metadata lack an image of the ground truth.

    known: the ids of the metadata.
    ids: those of the ground truth.
    file: the metadata.
    """
    if lost := sorted({*ids} - {*known}):
        raise SkinfwError(
            f"{len(lost):,} of {len(ids):,} images have no row in the metadata",
            str(file),
            f"the first is {lost[0]}",
            "download the official archive again, or take the file away",
        )


def find_images(root: Path, folder: str) -> dict[str, Path]:
    """Return the image files of an archive by id, superpixel maps left out.

    root: the unpacked archive.
    folder: the official folder, also accepted inside a folder of its own name.
    """
    places = [root / folder / folder, root / folder]
    place = next((place for place in places if place.is_dir()), None)
    if place is None:
        raise SkinfwError(
            f"the image folder {folder} is missing",
            str(root),
            cure="unpack the official archive into the root; skinfw data fetch does it",
        )
    names = sorted(file.name for file in place.iterdir())
    return {
        stem: place / name
        for stem, ending in map(os.path.splitext, names)
        if ending.lower() in IMAGE_ENDINGS and not stem.endswith("_superpixels")
        for name in (stem + ending,)
    }


def refuse_unknown_images(files: Iterable[str], ids: pd.Series[str], truth: Path) -> None:
    """Raise where an image of the folder has no row, for then the ground truth has lost it.

    files: the ids of the image files, of which those without an official name are ignored.
    ids: those of the ground truth.
    truth: the ground truth.
    """
    known = {*ids, *bare_id(ids)}
    official = re.compile(IMAGE).fullmatch
    if lost := [name for name in files if name not in known and official(name)]:
        raise SkinfwError(
            f"{len(lost):,} images have no row in the ground truth",
            str(truth),
            f"the first is {lost[0]}; the file has lost rows, or is another one's",
            "download it again; for images of your own choice use the data set csv",
        )


def refuse_shared(table: pd.DataFrame, root: Path) -> None:
    """Raise where an image is in two official parts.

    table: with the column id.
    root: for the message.
    """
    twice = table["id"].duplicated()
    if twice.any():
        raise SkinfwError(
            f"{int(twice.sum()):,} images are in two parts",
            str(root),
            f"the first is {table.loc[twice, 'id'].iloc[0]}",
            "download the official ground truths again",
        )


def bare_id(ids: pd.Series[str]) -> pd.Series[str]:
    """Return ids without `_downsampled`, which marks a smaller file of the same image."""
    return ids.str.removesuffix(SUFFIX)


def _places(root: Path, name: str) -> tuple[Path, Path]:
    return root / f"{name}.csv", root / name / f"{name}.csv"
