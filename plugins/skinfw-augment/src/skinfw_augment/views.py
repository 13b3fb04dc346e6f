"""Test-time views."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Interval

from skinfw import Warp
from skinfw_augment.geometry import around, centred, resized, scaling, turning

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Matrix = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Center:
    """Resize the short side, then take the middle.

    resize: short side over the side of the square; 1.143 is the usual 256 over 224.
    """

    size: int
    _: KW_ONLY
    resize: Annotated[float, Interval(ge=1, le=4)] = 256 / 224

    def plan(self, size: tuple[int, int]) -> list[list[Warp]]:
        """Return the one view of an image of some height and width."""
        first = resized(size, round(self.resize * self.size))
        return [[first, centred(first.size, self.size)]]


@dataclass(frozen=True)
class Dihedral:
    """Look at the middle of the resized image from several sides and average.

    A lesion has no up and no left: mirrored and turned by right angles, it is the same lesion.

    count: views: the image, its half turn, its two mirror images, then the same four turned by a
        right angle.
    resize: short side over the side of the square, as in center.
    """

    size: int
    _: KW_ONLY
    count: Annotated[int, Interval(ge=1, le=8)] = 4
    resize: Annotated[float, Interval(ge=1, le=4)] = 256 / 224

    def plan(self, size: tuple[int, int]) -> list[list[Warp]]:
        """Return the views of an image of some height and width, the plain one first."""
        (middle,) = Center(self.size, resize=self.resize).plan(size)
        square = (self.size, self.size)
        return [
            [*middle, Warp(around(matrix, self.size, self.size), square)]
            for matrix in _symmetries()[: self.count]
        ]


@cache
def _symmetries() -> list[Matrix]:
    """Return the eight symmetries of the square as maps about its middle."""
    flips = [scaling(1, 1), scaling(-1, -1), scaling(-1, 1), scaling(1, -1)]
    quarter = turning(math.pi / 2).round()
    return [*flips, *(flip @ quarter for flip in flips)]
