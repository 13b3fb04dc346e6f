"""Augmentation as data: an op rolls its dice and answers with steps; the engine acts on them.

Geometry is in continuous coordinates: an image of width W spans [0, W], its first pixel's centre
is at 0.5. Matrices lead from the output back to the input, so that `a @ b` reads: b's output
is looked up through b, then through a.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Matrix = npt.NDArray[np.floating[Any]]
    Image = npt.NDArray[np.uint8]

Border = Literal["black", "mean", "edge", "reflect"]


@dataclass(frozen=True)
class Warp:
    """Move pixels by an affine map.

    matrix: float [3, 3], from output to input coordinates.
    size: height and width of the output.
    border: what lies outside the input, "mean" for ImageNet's mean colour; None leaves it to the
        neighbouring warps.
    """

    matrix: Matrix
    size: tuple[int, int]
    border: Border | None = None


@dataclass(frozen=True)
class ColourMatrix:
    """Change colours linearly: `matrix @ pixel + offset + mean @ image_mean`, clipped to [0, 255].

    matrix: float [3, 3].
    offset: float [3].
    mean: float [3, 3], the weight of the image's own mean colour (contrast needs it).
    """

    matrix: Matrix
    offset: Matrix
    mean: Matrix


@dataclass(frozen=True)
class LookupTable:
    """Look each channel's value up.

    values: uint8 [256, 3].
    """

    values: Image


@dataclass(frozen=True)
class PixelFunction:
    """Run a function on the pixels where no table and no matrix will do.

    function: uint8 [H, W, 3] -> uint8 [H, W, 3], deterministic; its dice are rolled already.
    """

    function: Callable[[Image], Image]


Step = Warp | ColourMatrix | LookupTable | PixelFunction


@dataclass(frozen=True)
class Dice:
    """Give an op its randomness and what it may know of the image.

    rng: the image's own stream; the same for any number of workers.
    size: height and width of the image at this point of the chain.
    copy: whether this is an extra repeat of an image.
    peer: returns another training image, uint8 [H, W, 3], for ops that blend two.
    """

    rng: np.random.Generator
    size: tuple[int, int]
    copy: bool
    peer: Callable[[], Image]
