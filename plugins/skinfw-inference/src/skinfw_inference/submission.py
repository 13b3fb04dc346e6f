"""Submissions to the ISIC challenges, checked as the challenges would."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from skinfw import line_error
from skinfw.toolkit import csv_rows, probability


def read_submission(
    file: Path, classes: Sequence[str], ids: Collection[str]
) -> npt.NDArray[np.float64]:
    """Read a submission to an ISIC challenge: the column image, and one for each class.

    classes: the columns that must be there, in any order, and no others.
    ids: the images that must be there, in any order, and no others; ".jpg" behind them is dropped.
    Returns the values [N, C] in the order of `ids` and `classes`. They need not sum to one.
    Raises SkinfwError with file and line where the challenge would refuse it.
    """
    wanted = set(ids)
    rows: dict[str, list[float]] = {}
    lines = csv_rows(file, ("image", *classes))
    _, header = next(lines)
    if more := sorted(set(header) - {"image", *classes}):
        raise line_error(file, 1, f"there are columns that are no class: {', '.join(more)}")
    for line, cells in lines:
        row = dict(zip(header, cells, strict=True))
        name = row["image"]
        name = name[:-4] if name.lower().endswith(".jpg") else name
        if name not in wanted:
            raise line_error(
                file, line, f'the image "{name}" is none of the {len(wanted):,} asked for'
            )
        if name in rows:
            raise line_error(file, line, f'the image "{name}" is there twice')
        rows[name] = [probability(file, line, row[label], label) for label in classes]
    if absent := [name for name in ids if name not in rows]:
        some = ", ".join(absent[:3]) + (" ..." if len(absent) > 3 else "")
        raise line_error(file, 1, f"{len(absent):,} of {len(wanted):,} images are absent", some)
    return np.array([rows[name] for name in ids], np.float64)
