"""Read the official files of the ISIC challenges, and say exactly what is wrong with one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from skinfw import SkinfwError, line_error, read_csv, refuse_rows

if TYPE_CHECKING:
    import pandas as pd

SUFFIX = "_downsampled"
IMAGE_ENDINGS = (".jpg", ".jpeg", ".png")


def find_csv(root: Path, name: str) -> Path:
    """Return an official CSV: in the root, or in a folder of its own name as some archives have.

    root: the unpacked archive.
    name: file name without the ending.
    """
    if not root.is_dir():
        raise SkinfwError(
            "the data set's root is no folder",
            str(root),
            cure="set dataset.root to the folder that holds the official files",
        )
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


def read_official(file: Path, required: Sequence[str], key: str) -> pd.DataFrame:
    """Read a CSV with a header as the challenge wrote it; all values are texts, blanks are empty.

    file: the CSV.
    required: columns that must be there.
    key: the column of image ids: unique, not blank, no path.
    """
    table = read_csv(file, required, filled=True)
    ids = table[key]
    refuse_rows(file, ids == "", ids, "the image id is blank")
    refuse_rows(file, ids.str.contains(r"[/\\]") | (ids == ".."), ids, "the image id is a path")
    refuse_rows(file, ids.duplicated(), ids, "the image id occurs twice")
    return table


def read_labels(file: Path, key: str, classes: Sequence[str]) -> pd.DataFrame:
    """Read a ground truth with one column per class and a single 1 in each row.

    file: the CSV.
    key: the column of image ids.
    classes: the columns.
    Returns columns `key` and label.
    """
    import pandas as pd

    table = read_official(file, [key, *classes], key)
    unknown = [name for name in table.columns if name not in (key, *classes)]
    if unknown:
        raise line_error(
            file,
            1,
            f"the header has the unknown class {unknown[0]}",
            f"known: {', '.join(classes)}",
        )
    numbers = table[list(classes)].apply(pd.to_numeric, errors="coerce")
    ids = table[key]
    refuse_rows(file, ~numbers.isin([0, 1]).all(axis=1), ids, "a label is neither 0 nor 1")
    refuse_rows(file, numbers.sum(axis=1) > 1, ids, "the image has two labels")
    refuse_rows(file, numbers.sum(axis=1) == 0, ids, "the image has no label")
    return pd.DataFrame({key: ids, "label": numbers.idxmax(axis=1).astype(str)})


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
    with os.scandir(place) as entries:
        names = sorted(entry.name for entry in entries)
    return {
        stem: place / name
        for stem, ending in map(os.path.splitext, names)
        if ending.lower() in IMAGE_ENDINGS and not stem.endswith("_superpixels")
        for name in (stem + ending,)
    }


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
