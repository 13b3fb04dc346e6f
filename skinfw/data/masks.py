"""The masks of a data set: where they lie, whether one is missing, and what is in them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from skinfw.data.kept_part import Mask
from skinfw.errors import SkinfwError
from skinfw.guards.answers import check_mask, check_mask_file
from skinfw.recipe.plan import DataPlan
from skinfw.runtime.prefetch import prefetch, usable_cores

_SHOWN = 3
_SECONDS = 10.0  # as long as a check may ask for masks that have to be made


def mask_function(dataset: Any) -> Callable[[str], Any] | None:
    """Return the `mask` of a data set that knows where the lesion is in an image, else None."""
    mask = getattr(dataset, "mask", None)
    return mask if callable(mask) else None


def mask_file_function(dataset: Any) -> Callable[[str], Any] | None:
    """Return the `mask_file` of a data set that tells which file a mask is read from, else None."""
    find = getattr(dataset, "mask_file", None)
    return find if callable(find) else None


def mask_files(plan: DataPlan, paths: Sequence[str]) -> list[Path | None] | None:
    """Return the files of masks, None for an image without one.

    plan: the checked recipe.
    paths: of the images, as in the table.
    Returns None where the data set tells no files.
    """
    find = mask_file_function(plan.dataset)
    if find is None:
        return None
    file_of = plan.components.dataset.wrap(find, check_mask_file)
    return [file_of(path) for path in paths]


def mask_digests(
    plan: DataPlan, paths: Sequence[str], digests_of: Callable[[Sequence[Path]], Sequence[str]]
) -> list[str]:
    """Return the SHA-256 of each mask, "" where there is none.

    plan, paths: as for `mask_files`.
    digests_of: files.
    That of a mask without a file is over its pixels, for which it is made, on all cores.
    """
    files = mask_files(plan, paths)
    if files is None:
        mask = _checked_mask(plan)
        tasks = (partial(_digest, mask, path) for path in paths)
        return list(prefetch(tasks, usable_cores()))
    there = [file for file in files if file]
    known = dict(zip(there, digests_of(there), strict=True))
    return [known[file] if file else "" for file in files]


def check_masks(plan: DataPlan, rows: pd.DataFrame) -> list[str]:
    """Refuse images without a mask where the network shall see a part of each image.

    plan: the checked recipe.
    rows: of its data set.
    Returns what a reader must know of the check: masks that have no file are made to see whether
    they are there, and no longer than for some seconds.
    """
    if plan.image.keep == "all":
        return []
    paths = rows["path"].tolist()
    files = mask_files(plan, paths)
    if files is not None:
        refuse_missing(plan, rows, [bool(file and file.is_file()) for file in files])
        return []
    mask, end = _checked_mask(plan), time.monotonic() + _SECONDS
    there = []
    for path in paths:
        there.append(mask(path) is not None)
        if time.monotonic() > end:
            break
    refuse_missing(plan, rows[: len(there)], there)
    if len(there) == len(paths):
        return []
    return [
        f"the masks of the first {len(there):,} of {len(paths):,} images were looked for: they "
        "have no files, and making all takes long; a run looks for all before it trains"
    ]


def refuse_missing(plan: DataPlan, rows: pd.DataFrame, there: Sequence[bool]) -> None:
    """Refuse images without a mask.

    plan: the checked recipe.
    rows: of its data set.
    there: whether each of them has one.
    """
    absent = [name for name, has in zip(rows["id"], there, strict=True) if not has]
    if absent:
        more = f" and {len(absent) - _SHOWN:,} more" if len(absent) > _SHOWN else ""
        raise SkinfwError(
            f"{len(absent):,} of {len(rows):,} images have no mask that says where their lesion is",
            plan.recipe.origin("image", "keep").text,
            f'image.keep = "{plan.image.keep}" needs one of every image; '
            f"without are {', '.join(absent[:_SHOWN])}{more}",
            'leave such images out of the data set, or set image.keep = "all"',
        )


def _checked_mask(plan: DataPlan) -> Callable[[str], Mask | None]:
    """Return what makes a mask, in the name of its data set."""
    mask = mask_function(plan.dataset)
    assert mask, "the plan refuses a data set without"
    return plan.components.dataset.wrap(mask, check_mask)


def _digest(mask: Callable[[str], Mask | None], path: str) -> str:
    """Return the SHA-256 of a mask's size and pixels, "" where there is none."""
    own = mask(path)
    if own is None:
        return ""
    return hashlib.sha256(f"{own.shape} ".encode() + np.packbits(own).tobytes()).hexdigest()
