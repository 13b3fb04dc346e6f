"""Write a divided data set as the annotation JSON of Yao et al.'s system."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinfw import SkinfwError, write_json

if TYPE_CHECKING:
    import pandas as pd

PICTURES = {"derm": "path", "clinic": "clinic"}
"""The pictures of an entry, and the columns of a table that have their paths."""


def write(
    table: pd.DataFrame, classes: Sequence[str], folder: Path, absolute: bool
) -> dict[Path, int]:
    """Write a JSON for each part; return how many images each one lists.

    table: with columns id, path, label, lesion and part, and where there is a clinical picture of
        each lesion, clinic. Images whose label is blank are written without category id.
    folder: made if need be; relative paths start there.
    absolute: whether paths are absolute.
    """
    folder.mkdir(parents=True, exist_ok=True)
    numbers = {name: number for number, name in enumerate(classes)}
    written = {}
    for part, rows in table.groupby("part", sort=False):
        entries = []
        for row in rows.to_dict("records"):
            entry: dict[str, Any] = {"image_id": row["id"]}
            if row["label"]:
                entry["category_id"] = numbers[row["label"]]
            for picture, column in PICTURES.items():
                if row.get(column):
                    entry |= _picture(picture, Path(row[column]), folder, absolute)
            entries.append(entry | {"lesion_id": row["lesion"]})
        target = folder / f"{part}.json"
        content = {
            "annotations": entries,
            "num_classes": len(classes),
            "class_names": list(classes),
        }
        write_json(target, content)
        written[target] = len(entries)
    return written


def _picture(picture: str, path: Path, folder: Path, absolute: bool) -> dict[str, Any]:
    """Return what an entry says of one of its pictures."""
    height, width = _size(path)
    file = path.absolute()
    place = file if absolute else Path(os.path.relpath(file, folder))
    return {
        f"{picture}_height": height,
        f"{picture}_width": width,
        f"{picture}_path": str(place),
    }


def _size(path: Path) -> tuple[int, int]:
    """Return height and width of an image file."""
    from skinfw.toolkit import file_size, read_file

    try:
        width, height = file_size(read_file(path))
        return height, width
    except Exception as error:  # decoders raise whatever a damaged file makes them
        raise SkinfwError(
            "an image cannot be listed",
            str(path),
            "the data set draws its images itself" if not path.suffix else str(error),
            "convert a data set of files",
        ) from error
