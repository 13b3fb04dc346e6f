"""Colour: pigments of the skin, and the light that falls on it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Interval

from skinfw import ColourMatrix, Dice, PixelFunction, Step

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Image = npt.NDArray[np.uint8]
    Matrix = npt.NDArray[np.floating[Any]]

Probability = Annotated[float, Interval(ge=0, le=1)]
Strength = Annotated[float, Interval(ge=0, le=1)]

# Directions of one pigment in the optical density of red, green and blue (Tsumura et al. 1999,
# Journal of the Optical Society of America A 16, 2169); a shade darkens all alike.
_MELANIN = (0.4143, 0.3570, 0.8372)
_HAEMOGLOBIN = (0.2988, 0.6838, 0.6657)
_SHADE = (0.5774, 0.5774, 0.5774)


@dataclass(frozen=True, kw_only=True)
class PigmentJitter:
    """Vary how much melanin and blood the skin and the lesion hold.

    The image is unmixed into melanin, haemoglobin and shade in optical density (Tsumura et al.
    1999); both pigments are scaled about their mean in the image, which changes the contrast of the
    lesion, and shifted, which changes the tone of all skin.

    probability: that an image is changed.
    contrast: most by which a pigment is scaled, up or down.
    amount: most by which a pigment is shifted, in units of optical density.
    """

    probability: Probability = 1.0
    contrast: Strength = 0.25
    amount: Strength = 0.15

    def roll(self, dice: Dice) -> list[Step]:
        """Draw the change of both pigments."""
        rng = dice.rng
        if rng.random() >= self.probability:
            return []
        scale = 1 + rng.uniform(-self.contrast, self.contrast, 2)
        shift = rng.uniform(-self.amount, self.amount, 2)
        return [PixelFunction(partial(repigment, scale=scale, shift=shift))]


@dataclass(frozen=True, kw_only=True)
class IlluminantShift:
    """Let another light fall on the skin: warmer or colder, greener or pinker, brighter or darker.

    A diagonal change of the channels (von Kries 1902; for skin images Barata et al. 2015, IEEE
    JBHI 19).

    probability: that an image is changed.
    strength: most by which a channel gains or loses, as a share.
    """

    probability: Probability = 1.0
    strength: Strength = 0.12

    def roll(self, dice: Dice) -> list[Step]:
        """Draw the light."""
        import numpy as np

        rng = dice.rng
        if rng.random() >= self.probability:
            return []
        warm, tint, bright = rng.uniform(-1, 1, 3) * self.strength
        gains = (1 + bright / 2) * np.array([1 + warm, 1 + tint / 2, 1 - warm])
        return [ColourMatrix(np.diag(gains), np.zeros(3), np.zeros((3, 3)))]


def repigment(image: Image, scale: Matrix, shift: Matrix) -> Image:
    """Change the pigments of an image, uint8 [H, W, 3].

    scale: of melanin and haemoglobin about their means.
    shift: of both, in optical density.
    """
    import cv2
    import numpy as np

    unmix, mix = _mixing()
    density = cv2.LUT(image, _density())
    mean = np.array(cv2.mean(density)[:3])
    change = mix @ np.diag([*(np.asarray(scale) - 1), 0.0]) @ unmix
    offset = mix @ np.array([*shift, 0.0]) - change @ mean
    matrix = np.column_stack([np.eye(3) + change, offset]).astype(np.float32)
    lightness = cv2.exp(-cv2.transform(density, matrix))
    return np.asarray(cv2.convertScaleAbs(lightness, alpha=256.0, beta=-1.0), np.uint8)


@cache
def _density() -> npt.NDArray[np.float32]:
    """Return the optical density of each of the 256 values."""
    import numpy as np

    return -np.log((np.arange(256, dtype=np.float32) + 1) / 256)


@cache
def _mixing() -> tuple[Matrix, Matrix]:
    """Return the matrices from densities to pigments and back."""
    import numpy as np

    mix = np.array([_MELANIN, _HAEMOGLOBIN, _SHADE]).T
    return np.linalg.inv(mix), mix
