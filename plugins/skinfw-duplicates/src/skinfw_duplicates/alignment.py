"""Whether two thumbnails show one picture: laid over each other, their fine details agree."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from skinfw_duplicates.fingerprints import SIDE, Thumbnail
from skinfw_duplicates.sketches import CROPS, WAYS

Floats = npt.NDArray[np.float32]

_STEPS = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 1e-4)
_FINE, _MEDIUM = 1.5, 3.0
_AGREE = 0.72
_RIM = 3
_NOISE = 2.0


def one_picture(first: Thumbnail, second: Thumbnail, way: int, crop: int) -> bool:
    """Tell whether two thumbnails show one picture.

    Photographs of different lesions agree in what is coarse, such as a dark blot in the middle;
    in details only copies do.

    first, second: uint8 [SIDE, SIDE].
    way, crop: places in `WAYS` and `CROPS` that roughly make the first from the second.
    """
    return agreement(first, second, way, crop) > _AGREE


def agreement(first: Thumbnail, second: Thumbnail, way: int, crop: int) -> float:
    """Return how far the details of two thumbnails agree once they are aligned, at most 1.

    first, second, way, crop: as in `one_picture`.
    """
    fixed, moved = _turn(first, way).astype(np.float32), second.astype(np.float32)
    left, right, top, bottom = CROPS[crop]
    across, down = 1 - left - right, 1 - top - bottom
    start = np.array(
        [
            [across, 0, left * SIDE - (1 - across) / 2],
            [0, down, top * SIDE - (1 - down) / 2],
        ],
        np.float32,
    )
    details = [_details(fixed, moved, start)]
    try:
        _, warp = cv2.findTransformECC(
            fixed, moved, start.copy(), cv2.MOTION_AFFINE, _STEPS, None, 5
        )
        details.append(_details(fixed, moved, warp))
    except cv2.error:
        pass  # it does not converge where there is nothing to align
    return max(details)


def _turn(image: Thumbnail, way: int) -> Thumbnail:
    swapped, down, across = WAYS[way]
    return np.ascontiguousarray((image.T if swapped else image)[::down, ::across])


def _details(fixed: Floats, moved: Floats, warp: npt.NDArray[Any]) -> float:
    """Return the mean correlation of fine and of medium details under a warp."""
    sampled = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    side = (SIDE, SIDE)
    laid = cv2.warpAffine(moved, warp, side, flags=sampled, borderMode=cv2.BORDER_REPLICATE)
    there = cv2.warpAffine(np.ones(side, np.uint8), warp, side, flags=cv2.WARP_INVERSE_MAP) > 0
    there[:_RIM] = there[-_RIM:] = there[:, :_RIM] = there[:, -_RIM:] = False
    scales = [
        _correlation(_above(fixed, width)[there], _above(laid, width)[there])
        for width in (_FINE, _MEDIUM)
    ]
    return float(np.mean(scales))


def _above(image: Floats, width: float) -> Floats:
    """Return what is finer than a width in pixels, the rim of a dark lesion no louder than skin."""
    details = image - cv2.GaussianBlur(image, (0, 0), width)
    loudness = np.sqrt(cv2.GaussianBlur(details**2, (0, 0), 2 * width))
    return np.asarray(details / (loudness + _NOISE))


def _correlation(one: Floats, other: Floats) -> float:
    one, other = one - one.mean(), other - other.mean()
    size = np.sqrt(float((one**2).sum()) * float((other**2).sum()))
    return float((one * other).sum() / (size + 1e-6))
