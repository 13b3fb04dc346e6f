"""The control of a mark: the same paint in the same picture, but no shape."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]

TILES = 12  # along the shorter side


def scatter(image: Image, drawn: Image, rng: np.random.Generator) -> Image:
    """Return the image with what was drawn on it cut into tiles, turned and put elsewhere.

    drawn: the image with the mark.
    """
    side = max(1, min(image.shape[:2]) // TILES)
    down, across = (length // side for length in image.shape[:2])
    height, width = down * side, across * side
    paint = drawn[:height, :width].astype(np.int16) - image[:height, :width]
    tiles = paint.reshape(down, side, across, side, 3).swapaxes(1, 2).reshape(-1, side, side, 3)
    turns, origins = rng.integers(4, size=len(tiles)), rng.permutation(len(tiles))
    moved = np.stack([np.rot90(tiles[at], turn) for at, turn in zip(origins, turns, strict=True)])
    layer = moved.reshape(down, across, side, side, 3).swapaxes(1, 2).reshape(height, width, 3)
    whole = image.astype(np.int16)
    whole[:height, :width] += layer
    return np.clip(whole, 0, 255).astype(np.uint8)
