"""Colour ops: linear in the pixel and the image's mean, so that neighbours fold into one."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Ge, Interval

from skinfw import ColourMatrix, Dice

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Matrix = npt.NDArray[np.floating[Any]]

# Rec. 601 luma, the grey that torchvision and Pillow use.
_LUMA = (0.299, 0.587, 0.114)
# RGB to the YIQ space, whose I and Q span the colours of equal luma.
_YIQ = ((0.299, 0.587, 0.114), (0.596, -0.274, -0.322), (0.211, -0.523, 0.312))


@dataclass(frozen=True)
class ColourJitter:
    """Vary brightness, contrast, saturation and hue, in random order.

    As torchvision's ColorJitter, but hue turns about the grey axis in YIQ instead of HSV: the
    same idea, linear, and without jumps at grey pixels.

    brightness: factor drawn from 1 - b to 1 + b.
    contrast: factor against the image's mean grey, drawn likewise.
    saturation: factor against the pixel's own grey, drawn likewise.
    hue: share of a full turn, drawn from -h to h.
    """

    _: KW_ONLY
    brightness: Annotated[float, Ge(0)] = 0.2
    contrast: Annotated[float, Ge(0)] = 0.2
    saturation: Annotated[float, Ge(0)] = 0.2
    hue: Annotated[float, Interval(ge=0, le=0.5)] = 0.1

    def roll(self, dice: Dice) -> list[ColourMatrix]:
        """Draw the four strengths and their order."""
        brightness, contrast, saturation = (
            dice.rng.uniform(max(0.0, 1 - amount), 1 + amount)
            for amount in (self.brightness, self.contrast, self.saturation)
        )
        turn = dice.rng.uniform(-self.hue, self.hue)
        steps = [
            brighten(brightness),
            change_contrast(contrast),
            saturate(saturation),
            turn_hue(turn),
        ]
        return [steps[index] for index in dice.rng.permutation(4)]


def brighten(factor: float) -> ColourMatrix:
    """Return the step that multiplies every channel."""
    return _linear(_identity() * factor)


def change_contrast(factor: float) -> ColourMatrix:
    """Return the step that moves pixels away from, or to, the mean grey of the image."""
    import numpy as np

    return ColourMatrix(_identity() * factor, np.zeros(3), (1 - factor) * _grey())


def saturate(factor: float) -> ColourMatrix:
    """Return the step that moves pixels away from, or to, their own grey."""
    return _linear(factor * _identity() + (1 - factor) * _grey())


def turn_hue(turn: float) -> ColourMatrix:
    """Return the step that turns colours about the grey axis, by a share of a full turn."""
    import numpy as np

    sine, cosine = math.sin(2 * math.pi * turn), math.cos(2 * math.pi * turn)
    rotation = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    there, back = _yiq()
    return _linear(back @ rotation @ there)


def _linear(matrix: Matrix) -> ColourMatrix:
    import numpy as np

    return ColourMatrix(matrix, np.zeros(3), np.zeros((3, 3)))


@cache
def _yiq() -> tuple[Matrix, Matrix]:
    """Return the matrices from RGB to YIQ and back."""
    import numpy as np

    there = np.array(_YIQ)
    return there, np.linalg.inv(there)


@cache
def _identity() -> Matrix:
    import numpy as np

    return np.eye(3)


@cache
def _grey() -> Matrix:
    """Return the matrix that replaces every channel by the grey value."""
    import numpy as np

    return np.tile(np.array(_LUMA), (3, 1))
