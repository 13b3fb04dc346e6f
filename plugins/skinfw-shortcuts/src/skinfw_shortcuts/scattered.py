"""The control of a mark: the same paint in the same picture, but no shape."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]

TILES = 32  # along the shorter side: smaller than a tick or a bubble


def scatter(image: Image, drawn: Image, rng: np.random.Generator) -> Image:
    """Return the image with what was drawn on it cut into tiles, turned and put elsewhere.

    drawn: the image with the mark.
    """
    side = max(1, min(image.shape[:2]) // TILES)
    down, across = (length // side for length in image.shape[:2])
    height, width = down * side, across * side
    paint = drawn[:height, :width].astype(np.int16) - image[:height, :width]
    tiles = paint.reshape(down, side, across, side, 3).swapaxes(1, 2).reshape(-1, side, side, 3)
    turns, moved = rng.integers(4, size=len(tiles)), rng.permutation(tiles)
    for turn in range(1, 4):
        moved[turns == turn] = np.rot90(moved[turns == turn], turn, (1, 2))
    layer = moved.reshape(down, across, side, side, 3).swapaxes(1, 2).reshape(height, width, 3)
    whole = image.astype(np.int16)
    whole[:height, :width] += layer
    return np.clip(whole, 0, 255).astype(np.uint8)
