"""What of a thumbnail is photograph, and what is the frame, border or dark corner around it."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from skinfw_duplicates.fingerprints import SIDE, Thumbnail

_BLACK, _WHITE = 40, 225
_RIM_SHARE, _RIM_TONES, _TONES = 0.75, 4, 8
_EDGE = 2
_LEAST = SIDE * SIDE // 8


def photograph(thumbnail: Thumbnail) -> npt.NDArray[np.bool_]:
    """Return where a thumbnail shows the photograph itself, bool [SIDE, SIDE].

    Two slides in one frame agree wherever their frame is, and along its edge most of all. A frame
    is what reaches the rim and is black, white, or of the one tone that most of the rim has, with
    two pixels inwards for its edge. Where next to nothing would be left, there is no frame.

    thumbnail: uint8 [SIDE, SIDE].
    """
    rim = np.concatenate([thumbnail[0], thumbnail[-1], thumbnail[1:-1, 0], thumbnail[1:-1, -1]])
    tone = int(np.median(rim))
    plain = (thumbnail <= _BLACK) | (thumbnail >= _WHITE)
    if (_distance(rim, tone) <= _RIM_TONES).mean() >= _RIM_SHARE:
        plain |= _distance(thumbnail, tone) <= _TONES
    inside = ~_grown(_reaching_the_rim(plain), _EDGE)
    return inside if inside.sum() >= _LEAST else np.ones_like(inside)


def _distance(pixels: Thumbnail, tone: int) -> npt.NDArray[np.int16]:
    return np.asarray(np.abs(pixels.astype(np.int16) - tone), np.int16)


def _reaching_the_rim(pixels: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return those of some pixels that others join with the rim, over gaps of two pixels.

    Where a black frame ends and the white of a scanner begins, pixels are of neither.
    """
    _, regions = cv2.connectedComponents(_grown(pixels).view(np.uint8), connectivity=4)
    rim = np.unique(np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]]))
    return pixels & np.isin(regions, rim[rim > 0])


def _grown(pixels: npt.NDArray[np.bool_], times: int = 1) -> npt.NDArray[np.bool_]:
    kernel = np.ones((3, 3), np.uint8)
    return np.asarray(cv2.dilate(pixels.view(np.uint8), kernel, iterations=times) > 0)
