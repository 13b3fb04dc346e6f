"""Pixels of any mode as RGB."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

Image = npt.NDArray[np.uint8]

_BAND_PIXELS = 1 << 20
_DEEP = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")


def rgb_pixels(image: Pillow.Image, factor: int) -> Image:
    """Return the pixels of an image in any mode, uint8 [H, W, 3].

    image: decoded.
    factor: by which it is reduced, in both directions.
    A large image is converted a band of rows at a time, since it should not be copied whole.
    """
    width, height = image.size
    white = 255.0
    if image.mode in _DEEP and np.max(image.getextrema()) > 255:
        white = 65535.0
    rows = max(1, _BAND_PIXELS // (8 * width)) * 8  # whole blocks, however far it is reduced
    if rows >= height:
        return _reduced(_rgb(image, white), factor)
    pixels = np.empty((-(-height // factor), -(-width // factor), 3), np.uint8)
    for top in range(0, height, rows):
        band = image.crop((0, top, width, min(height, top + rows)))
        small = _reduced(_rgb(band, white), factor)
        pixels[top // factor :][: len(small)] = small
    return pixels


def _reduced(image: Pillow.Image, factor: int) -> Image:
    return np.asarray(image.reduce(factor) if factor > 1 else image)


def _rgb(image: Pillow.Image, white: float) -> Pillow.Image:
    """Convert any mode to RGB without losing range or showing hidden pixels.

    white: the value that is white where there are more than 256.
    """
    if image.mode in _DEEP:
        values = np.nan_to_num(np.asarray(image, dtype=np.float32), posinf=white)
        image = Pillow.fromarray((values * (255.0 / white)).clip(0, 255).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        paper = Pillow.new("RGBA", image.size, "white")
        image = Pillow.alpha_composite(paper, image)
    return image.convert("RGB")
