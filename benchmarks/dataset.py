"""Data sets for the training comparisons; recipes name them as local files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from skinfw import DataTable

CLASSES = tuple(f"class {number}" for number in range(8))
HELD_OUT = ["val", "val", "test", "test"]


def label_of(number: int) -> int:
    """Return the label of a picture: classes in turn."""
    return number % len(CLASSES)


@dataclass(kw_only=True)
class Files:
    """Train on all files of a folder but the first four.

    root: the folder.
    """

    root: Path

    classes = CLASSES

    def table(self) -> DataTable:
        """Return a row per file."""
        return _table([str(file) for file in sorted(self.root.iterdir())])


@dataclass(kw_only=True)
class Noise:
    """Train on noise that lies decoded in memory.

    images: how many, beside the four that are held out.
    size: side of the square.
    """

    images: int
    size: int

    classes = CLASSES

    def table(self) -> DataTable:
        """Return a row per image."""
        return _table([str(number) for number in range(self.images + len(HELD_OUT))])

    def image(self, path: str) -> Any:
        """Return an image, uint8 [H, W, 3]."""
        return self._pixels[int(path)]

    @cached_property
    def _pixels(self) -> Any:
        import numpy as np

        shape = (self.images + len(HELD_OUT), self.size, self.size, 3)
        return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def _table(paths: list[str]) -> DataTable:
    import pandas as pd

    ids = [f"image {number:06d}" for number in range(len(paths))]
    rows = pd.DataFrame(
        {
            "id": ids,
            "path": paths,
            "label": [CLASSES[label_of(number)] for number in range(len(paths))],
            "lesion": ids,
            "split": [*HELD_OUT, *["train"] * (len(paths) - len(HELD_OUT))],
        }
    )
    return DataTable(rows)
