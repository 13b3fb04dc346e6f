"""Test-time views."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Interval

from skinfw import SkinfwError, Warp
from skinfw_augment.geometry import (
    around,
    crop_centre,
    resize_short_side,
    scaling,
    translation,
    turning,
)

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
        first = resize_short_side(size, round(self.resize * self.size))
        return [[first, crop_centre(first.size, self.size)]]


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
        return [[*middle, Warp(matrix, square)] for matrix in _about(self.size)[: self.count]]


@dataclass(frozen=True)
class MultiCrop:
    """Look at squares on a regular grid that spans the resized image.

    As Yao et al. 2022 (arXiv 2102.01284), who take 4 by 4 squares of 224 pixels from images whose
    short side is 336 or 450.

    grid: squares along each side.
    resize: short side over the side of the square.
    """

    size: int
    _: KW_ONLY
    grid: Annotated[int, Interval(ge=2, le=8)] = 4
    resize: Annotated[float, Interval(ge=1, le=4)] = 450 / 224

    def plan(self, size: tuple[int, int]) -> list[list[Warp]]:
        """Return the views of an image of some height and width, the most central one first.

        The first view stands for all of them between epochs, and is the one that is explained.
        """
        first = resize_short_side(size, round(self.resize * self.size))
        rows, columns = (self._starts(length) for length in first.size)
        middle = [(length - self.size) / 2 for length in first.size]
        corners = sorted(
            ((x, y) for y in rows for x in columns),
            key=lambda corner: math.hypot(corner[0] - middle[1], corner[1] - middle[0]),
        )
        square = (self.size, self.size)
        return [[first, Warp(translation(x, y), square)] for x, y in corners]

    def _starts(self, length: int) -> list[int]:
        """Return where the squares begin along a side."""
        room = length - self.size
        return [place * room // (self.grid - 1) for place in range(self.grid)]


@dataclass(frozen=True)
class MultiScale:
    """Look at the middle of the resized image at several scales, mirrored and turned.

    scales: side of the part that is seen, over the side of the square.
    count: symmetries of each scale, as in dihedral.
    resize: short side over the side of the square, as in center.
    """

    size: int
    _: KW_ONLY
    scales: tuple[Annotated[float, Interval(ge=0.25, le=4)], ...] = (0.9, 1.0, 1.1, 1.2, 1.3)
    count: Annotated[int, Interval(ge=1, le=8)] = 4
    resize: Annotated[float, Interval(ge=1, le=4)] = 450 / 224

    def __post_init__(self) -> None:
        """Refuse scales that reach beyond the image, and none at all."""
        if not self.scales or max(self.scales) > self.resize:
            raise SkinfwError(
                f"scales {list(self.scales)} do not fit a resize of {self.resize:.3g}",
                why="a part larger than the image would be seen",
                cure="name scales up to resize, or raise resize",
            )

    def plan(self, size: tuple[int, int]) -> list[list[Warp]]:
        """Return the views of an image of some height and width, scale by scale."""
        first = resize_short_side(size, round(self.resize * self.size))
        square = (self.size, self.size)
        views = []
        for scale in self.scales:
            side = round(scale * self.size)
            shrunk = Warp(scaling(side / self.size, side / self.size), square)
            views += [
                [first, crop_centre(first.size, side), shrunk, Warp(turned, square)]
                for turned in _about(self.size)[: self.count]
            ]
        return views


def _about(size: int) -> list[Matrix]:
    """Return the eight symmetries of a square of some side."""
    return [around(matrix, size, size) for matrix in _symmetries()]


@cache
def _symmetries() -> list[Matrix]:
    """Return the eight symmetries of the square as maps about its middle."""
    flips = [scaling(1, 1), scaling(-1, -1), scaling(-1, 1), scaling(1, -1)]
    quarter = turning(math.pi / 2).round()
    return [*flips, *(flip @ quarter for flip in flips)]
