"""Geometric ops: each answers with one affine map from the output back to the input."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Gt, Interval

from skinfw import Dice, SkinfwError, Warp

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Matrix = npt.NDArray[np.floating[Any]]

Probability = Annotated[float, Interval(ge=0, le=1)]
Border = Literal["black", "edge", "reflect"]


@dataclass(frozen=True)
class RandomResizedCrop:
    """Take a random part of the image and resize it to the square.

    As torchvision's RandomResizedCrop: area and aspect ratio are drawn, ten tries, then the
    largest fitting part of the middle.

    scale: smallest and largest area of the part, as a share of the image's.
    ratio: smallest and largest width over height of the part.
    """

    size: int
    _: KW_ONLY
    scale: tuple[Annotated[float, Gt(0)], Annotated[float, Gt(0)]] = (0.08, 1.0)
    ratio: tuple[Annotated[float, Gt(0)], Annotated[float, Gt(0)]] = (0.75, 4 / 3)

    def __post_init__(self) -> None:
        """Refuse ranges that run backwards."""
        _check_range("scale", self.scale)
        _check_range("ratio", self.ratio)

    def roll(self, dice: Dice) -> list[Warp]:
        """Draw the part."""
        left, top, width, height = self._part(dice)
        matrix = scaling(width / self.size, height / self.size)
        return [Warp(translation(left, top) @ matrix, (self.size, self.size))]

    def _part(self, dice: Dice) -> tuple[float, float, float, float]:
        height, width = dice.size
        low, high = math.log(self.ratio[0]), math.log(self.ratio[1])
        for _ in range(10):
            area = height * width * dice.rng.uniform(*self.scale)
            ratio = math.exp(dice.rng.uniform(low, high))
            w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if 0 < w <= width and 0 < h <= height:
                left = dice.rng.integers(width - w + 1)
                top = dice.rng.integers(height - h + 1)
                return float(left), float(top), w, h
        ratio = min(max(width / height, self.ratio[0]), self.ratio[1])
        w, h = min(width, round(height * ratio)), min(height, round(width / ratio))
        return (width - w) / 2, (height - h) / 2, w, h


@dataclass(frozen=True)
class Flip:
    """Mirror the image at random; a lesion has no up and no left.

    horizontal: chance of swapping left and right.
    vertical: chance of swapping top and bottom.
    """

    _: KW_ONLY
    horizontal: Probability = 0.5
    vertical: Probability = 0.0

    def roll(self, dice: Dice) -> list[Warp]:
        """Toss a coin for each direction."""
        across, down = dice.rng.random(2) < (self.horizontal, self.vertical)
        if not across and not down:
            return []
        height, width = dice.size
        return [
            Warp(around(scaling(-1 if across else 1, -1 if down else 1), width, height), dice.size)
        ]


@dataclass(frozen=True)
class Rotation:
    """Rotate the image about its middle by a random angle, keeping its size.

    degrees: largest angle, either way.
    border: what fills the corners: "black", "edge", or "reflect"ed skin.
    """

    _: KW_ONLY
    degrees: Annotated[float, Interval(ge=0, le=180)] = 10.0
    border: Border = "reflect"

    def roll(self, dice: Dice) -> list[Warp]:
        """Draw the angle."""
        angle = math.radians(dice.rng.uniform(-self.degrees, self.degrees))
        height, width = dice.size
        return [Warp(around(turning(angle), width, height), dice.size, self.border)]


@dataclass(frozen=True)
class Resize:
    """Resize the image, keeping its aspect ratio, so that the short side has a given length.

    short: length of the short side in pixels; 0 takes `image.size`.
    """

    size: int
    _: KW_ONLY
    short: Annotated[int, Interval(ge=0, le=4096)] = 0

    def roll(self, dice: Dice) -> list[Warp]:
        """Return the fixed map."""
        return [resize_short_side(dice.size, self.short or self.size)]


@dataclass(frozen=True)
class CenterCrop:
    """Cut the square of `image.size` out of the middle."""

    size: int

    def roll(self, dice: Dice) -> list[Warp]:
        """Return the fixed map."""
        return [crop_centre(dice.size, self.size)]


def resize_short_side(size: tuple[int, int], short: int) -> Warp:
    """Return the warp that resizes an image of some height and width to a short side."""
    height, width = size
    factor = short / min(size)
    new_height, new_width = round(height * factor), round(width * factor)
    return Warp(scaling(width / new_width, height / new_height), (new_height, new_width))


def crop_centre(size: tuple[int, int], side: int) -> Warp:
    """Return the warp that cuts a square out of the middle of an image."""
    height, width = size
    left, top = round((width - side) / 2), round((height - side) / 2)
    return Warp(translation(left, top), (side, side))


def translation(x: float, y: float) -> Matrix:
    """Return the matrix that looks x to the right and y further down."""
    import numpy as np

    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def scaling(x: float, y: float) -> Matrix:
    """Return the matrix whose output pixel spans x by y input pixels."""
    import numpy as np

    return np.diag([x, y, 1.0])


def turning(angle: float) -> Matrix:
    """Return the matrix of a rotation about the origin, in radians."""
    import numpy as np

    sine, cosine = math.sin(angle), math.cos(angle)
    return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])


def around(matrix: Matrix, width: float, height: float) -> Matrix:
    """Return a map about the middle of an image instead of its corner."""
    return translation(width / 2, height / 2) @ matrix @ translation(-width / 2, -height / 2)


def _check_range(name: str, pair: tuple[float, float]) -> None:
    if pair[0] > pair[1]:
        raise SkinfwError(
            f"{name} runs backwards: {list(pair)}", cure="the smaller number comes first"
        )
