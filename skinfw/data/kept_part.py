"""The part of an image that a network sees: the lesion alone, or what is around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from skinfw.errors import SkinfwError

Image = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class KeptPart:
    """Make black what a network shall not see.

    part: what is kept, as the recipe's image.keep says it.
    mask: where the lesion is in an image, by its path; None where nobody knows.
    """

    part: Literal["lesion", "skin", "surroundings"]
    mask: Callable[[str], Mask | None]

    def __call__(self, image: Image, path: str) -> Image:
        """Return an image, uint8 [H, W, 3], of which one part is left.

        path: as in the data set's table.
        """
        mask = self.mask(path)
        if mask is None:
            raise SkinfwError(
                "an image has no mask that says where its lesion is",
                path,
                f'image.keep = "{self.part}" needs one of every image',
                'leave such images out of the data set, or set image.keep = "all"',
            )
        height, width = image.shape[:2]
        shade = cv2.resize(255 * mask.astype(np.uint8), (width, height), None, 0, 0, cv2.INTER_AREA)
        lesion = shade > 127
        if self.part == "surroundings":
            lesion = _box(lesion)
        kept = lesion if self.part == "lesion" else ~lesion
        return np.asarray(image * kept[..., None], np.uint8)


def _box(lesion: Mask) -> Mask:
    """Return the smallest upright rectangle around the lesion."""
    box = np.zeros_like(lesion)
    rows, columns = np.flatnonzero(lesion.any(axis=1)), np.flatnonzero(lesion.any(axis=0))
    if len(rows):
        box[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return box
