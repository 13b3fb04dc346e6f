"""The control of a mark: the same paint, and as much of it over the lesion, but no shape."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

TILE = 12  # tiles along the shorter side


def scatter(image: Image, drawn: Image, lesion: Mask | None, rng: np.random.Generator) -> Image:
    """Return the image with what was drawn on it cut into tiles, turned and put elsewhere.

    drawn: the image with the mark.
    lesion: where tiles stay that lie over it; None where that is not known.
    """
    side = max(2, min(image.shape[:2]) // TILE)
    down, across = (length // side for length in image.shape[:2])
    height, width = down * side, across * side
    paint = drawn[:height, :width].astype(np.int16) - image[:height, :width]
    tiles = paint.reshape(down, side, across, side, 3).swapaxes(1, 2).reshape(-1, side, side, 3)
    inside = np.zeros(len(tiles), bool)
    if lesion is not None:
        shares = lesion[:height, :width].reshape(down, side, across, side).mean((1, 3))
        inside = shares.ravel() > 0.5
    moved = np.empty_like(tiles)
    for group in (np.flatnonzero(inside), np.flatnonzero(~inside)):
        turns = rng.integers(4, size=len(group))
        for place, origin, turn in zip(group, rng.permutation(group), turns, strict=True):
            moved[place] = np.rot90(tiles[origin], turn)
    layer = moved.reshape(down, across, side, side, 3).swapaxes(1, 2).reshape(height, width, 3)
    whole = image.astype(np.int16)
    whole[:height, :width] += layer
    return np.clip(whole, 0, 255).astype(np.uint8)
