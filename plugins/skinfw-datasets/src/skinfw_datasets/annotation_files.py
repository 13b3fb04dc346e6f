"""Write a divided data set as the annotation JSON of Yao et al.'s system."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from skinfw import SkinfwError, write_json

if TYPE_CHECKING:
    import pandas as pd


def write(
    table: pd.DataFrame, classes: Sequence[str], folder: Path, absolute: bool
) -> dict[Path, int]:
    """Write a JSON for each part; return how many images each one lists.

    table: with columns id, path, label, lesion and part.
    folder: made if need be; relative paths start there.
    absolute: whether paths are absolute.
    """
    folder.mkdir(parents=True, exist_ok=True)
    numbers = {name: number for number, name in enumerate(classes)}
    written = {}
    for part, rows in table.groupby("part", sort=False):
        entries = []
        for name, path, label, lesion in rows[["id", "path", "label", "lesion"]].itertuples(
            index=False
        ):
            height, width = _size(Path(path))
            file = Path(path).absolute()
            entries.append(
                {
                    "image_id": name,
                    "category_id": numbers[label],
                    "derm_height": height,
                    "derm_width": width,
                    "derm_path": str(file if absolute else Path(os.path.relpath(file, folder))),
                    "lesion_id": lesion,
                }
            )
        target = folder / f"{part}.json"
        content = {"annotations": entries, "num_classes": len(classes)}
        write_json(target, content)
        written[target] = len(entries)
    return written


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
