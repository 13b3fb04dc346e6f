"""The 21 ops of Yao et al.'s modified RandAugment: each rolls its dice and answers with steps.

Each takes the image's random stream, its height and width, a strength (1 is magnitude 10, 0 leaves
the image alone where the op has a magnitude at all) and a way to another training image.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from skinfw import ColourMatrix, LookupTable, PixelFunction, Step, Warp
from skinfw_augment import pixels
from skinfw_augment.colour import brighten, change_contrast, saturate
from skinfw_augment.geometry import around, scaling, turning

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Rng = np.random.Generator
    Peer = Callable[[], npt.NDArray[np.uint8]]

Size = tuple[int, int]
RandOp = Callable[["Rng", Size, float, "Peer"], list[Step]]


def _mixup(rng: Rng, size: Size, strength: float, peer: Peer) -> list[Step]:
    share = rng.uniform(0, min(1.0, 0.2 * strength))
    return [PixelFunction(partial(pixels.blend, other=peer(), share=share))]


def _vignetting(rng: Rng, size: Size, strength: float, peer: Peer) -> list[Step]:
    height, width = size
    darkness = rng.uniform(0, min(1.0, 0.6 * strength))
    x = width / 2 + rng.uniform(-width / 10, width / 10)
    y = height / 2 + rng.uniform(-height / 10, height / 10)
    start = width / 2 * rng.uniform(0.3, 0.7)
    return [PixelFunction(partial(pixels.vignette, strength=darkness, centre=(x, y), start=start))]


def _gaussian_noise(rng: Rng, size: Size, strength: float, peer: Peer) -> list[Step]:
    deviation = 50 * rng.uniform(0, 0.2 * strength)
    seed = int(rng.integers(2**63))
    return [PixelFunction(partial(pixels.add_noise, deviation=deviation, seed=seed))]


def _saturation(rng: Rng, size: Size, strength: float, peer: Peer) -> list[Step]:
    return [saturate(_factor(rng, 0.4 * strength))]


def _contrast(rng: Rng, size: Size, strength: float, peer: Peer) -> list[Step]:
    return [change_contrast(_factor(rng, 0.4 * strength))]


def _brightness(rng: Rng, size: Size, strength: float, peer: Peer) -> list[Step]:
    return [brighten(_factor(rng, 0.4 * strength))]


def _sharpness(rng: Rng, size: Size, strength: float, peer: Peer) -> list[Step]:
    return [PixelFunction(partial(pixels.sharpen, factor=_factor(rng, 0.4 * strength)))]


def _color_casting(rng: Rng, size: Size, strength: float, peer: Peer) -> list[Step]:
    """Shift one channel for certain, and each other one with a chance of a third."""
    import numpy as np

    chosen = rng.random(3) < 1 / 3
    chosen[rng.integers(3)] = True
    shift = [_sign(rng) * rng.uniform(0, 30 * strength) if one else 0.0 for one in chosen]
    return [ColourMatrix(np.eye(3), np.array(shift), np.zeros((3, 3)))]


def _equalize_yuv(rng: Rng, size: Size, strength: float, peer: Peer) -> list[Step]:
    return [PixelFunction(pixels.equalize_luma)]


def _posterize(rng: Rng, size: Size, strength: float, peer: Peer) -> list[Step]:
    bits = min(7, round(rng.uniform(0, 3 * strength)))
    return [_table(_levels() >> bits << bits)]


def _auto_contrast(rng: Rng, size: Size, strength: float, peer: Peer) -> list[Step]:
    return [PixelFunction(pixels.stretch)]


def _solarize(rng: Rng, size: Size, strength: float, peer: Peer) -> list[Step]:
    import numpy as np

    threshold = 255 - rng.uniform(0, 127 * strength)
    levels = _levels()
    return [_table(np.where(levels > threshold, 255 - levels, levels))]


def _equalize(rng: Rng, size: Size, strength: float, peer: Peer) -> list[Step]:
    return [PixelFunction(pixels.equalize)]


def _rotate(rng: Rng, size: Size, strength: float, peer: Peer) -> list[Step]:
    angle = math.radians(_sign(rng) * rng.uniform(0, 40 * strength))
    return [_about(turning(angle), size)]


def _lens_distortion(rng: Rng, size: Size, strength: float, peer: Peer) -> list[Step]:
    bend = _sign(rng) * rng.uniform(0, 0.6 * strength)
    lens = partial(pixels.distort, k=(0.15 * bend, 0.15 * bend), p=(0.1 * bend, 0.1 * bend))
    return [PixelFunction(lens)]


def _flip(rng: Rng, size: Size, strength: float, peer: Peer) -> list[Step]:
    """Mirror left and right, top and bottom, or both, each as likely."""
    across, down = ((1, -1), (-1, 1), (-1, -1))[rng.integers(3)]
    return [_about(scaling(across, down), size)]


def _cutout(rng: Rng, size: Size, strength: float, peer: Peer) -> list[Step]:
    half = rng.uniform(0, 50 * strength)
    height, width = size
    centre = width * rng.uniform(0.2, 0.8), height * rng.uniform(0.2, 0.8)
    return [PixelFunction(partial(pixels.cut_out, centre=centre, half=half))]


def _shear_x(rng: Rng, size: Size, strength: float, peer: Peer) -> list[Step]:
    return [_about(_shear(_slope(rng, strength), 0.0), size)]


def _shear_y(rng: Rng, size: Size, strength: float, peer: Peer) -> list[Step]:
    return [_about(_shear(0.0, _slope(rng, strength)), size)]


def _scale(rng: Rng, size: Size, strength: float, peer: Peer) -> list[Step]:
    factor = _factor(rng, 0.2 * strength)
    return [_resize_canvas(size, factor, factor)]


def _scale_xy_diff(rng: Rng, size: Size, strength: float, peer: Peer) -> list[Step]:
    """Scale the width with the strength, and the height by up to a fifth, as the original does."""
    across = _factor(rng, 0.2 * strength)
    return [_resize_canvas(size, across, rng.uniform(0.8, 1.2) if strength else 1.0)]


COLOUR: dict[str, RandOp] = {
    "mixup": _mixup,
    "vignetting": _vignetting,
    "gaussian-noise": _gaussian_noise,
    "saturation": _saturation,
    "contrast": _contrast,
    "brightness": _brightness,
    "sharpness": _sharpness,
    "color-casting": _color_casting,
    "equalize-yuv": _equalize_yuv,
    "posterize": _posterize,
    "auto-contrast": _auto_contrast,
    "solarize": _solarize,
    "equalize": _equalize,
}
SHAPE: dict[str, RandOp] = {
    "rotate": _rotate,
    "lens-distortion": _lens_distortion,
    "flip": _flip,
    "cutout": _cutout,
    "shear-x": _shear_x,
    "shear-y": _shear_y,
    "scale": _scale,
    "scale-xy-diff": _scale_xy_diff,
}
OPS = COLOUR | SHAPE
WITHOUT_MAGNITUDE = {"equalize-yuv", "auto-contrast", "equalize", "flip"}


def _sign(rng: Rng) -> float:
    return 1.0 if rng.random() < 0.5 else -1.0


def _factor(rng: Rng, most: float) -> float:
    """Return a factor between 1 - most and 1 + most, never below zero."""
    return max(0.0, 1 + _sign(rng) * rng.uniform(0, most))


def _slope(rng: Rng, strength: float) -> float:
    return math.tan(math.radians(_sign(rng) * rng.uniform(0, 15 * strength)))


def _shear(across: float, down: float) -> npt.NDArray[np.floating[Any]]:
    import numpy as np

    return np.array([[1.0, across, 0.0], [down, 1.0, 0.0], [0.0, 0.0, 1.0]])


def _about(matrix: npt.NDArray[np.floating[Any]], size: Size) -> Warp:
    """Return a warp about the middle, on the same canvas; empty places get the mean colour."""
    return Warp(around(matrix, size[1], size[0]), size, "mean")


def _resize_canvas(size: Size, across: float, down: float) -> Warp:
    """Return a warp that resizes the image, canvas included."""
    height, width = max(1, round(size[0] * down)), max(1, round(size[1] * across))
    return Warp(scaling(size[1] / width, size[0] / height), (height, width))


@cache
def _levels() -> npt.NDArray[np.integer[Any]]:
    import numpy as np

    return np.arange(256)


def _table(values: npt.NDArray[np.integer[Any]]) -> LookupTable:
    """Return the step that looks every channel up in the same values [256]."""
    import numpy as np

    return LookupTable(np.repeat(values.astype(np.uint8)[:, None], 3, axis=1))
