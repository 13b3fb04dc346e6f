"""Whether two thumbnails show one picture: laid over each other, their fine details agree."""

from __future__ import annotations

from typing import Any, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from skinfw_duplicates.fingerprints import SIDE, Thumbnail
from skinfw_duplicates.frames import photograph
from skinfw_duplicates.sketches import CROPS, WAYS

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Pixels = TypeVar("Pixels", Thumbnail, Mask)

_STEPS = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 1e-4)
_FINE, _MEDIUM = 1.5, 3.0
_AGREE = 0.72
_RIM = 3
_NOISE = 2.0
_LEAST = 64


def one_picture(first: Thumbnail, second: Thumbnail, way: int, crop: int) -> bool:
    """Tell whether two thumbnails show one picture.

    Photographs of different lesions agree in what is coarse, such as a dark blot in the middle;
    in details of what is inside of their frames only copies do.

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
    insides = _turn(photograph(first), way), photograph(second)
    details = [_details(fixed, moved, insides, start)]
    try:
        _, warp = cv2.findTransformECC(
            fixed, moved, start.copy(), cv2.MOTION_AFFINE, _STEPS, None, 5
        )
        details.append(_details(fixed, moved, insides, warp))
    except cv2.error:
        pass  # it does not converge where there is nothing to align
    return max(details)


def _turn(image: Pixels, way: int) -> Pixels:
    swapped, down, across = WAYS[way]
    return np.ascontiguousarray((image.T if swapped else image)[::down, ::across])


def _details(
    fixed: Floats, moved: Floats, insides: tuple[Mask, Mask], warp: npt.NDArray[Any]
) -> float:
    """Return how far details agree under a warp: as a whole, and without frames.

    insides: where each is photograph and no frame.
    """
    sampled = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    side = (SIDE, SIDE)
    laid = cv2.warpAffine(moved, warp, side, flags=sampled, borderMode=cv2.BORDER_REPLICATE)
    there = cv2.warpAffine(np.ones(side, np.uint8), warp, side, flags=cv2.WARP_INVERSE_MAP) > 0
    there[:_RIM] = there[-_RIM:] = there[:, :_RIM] = there[:, -_RIM:] = False
    framed = cv2.warpAffine((~insides[1]).view(np.uint8), warp, side, flags=cv2.WARP_INVERSE_MAP)
    inside = insides[0] & (framed == 0)
    if (there & inside).sum() < _LEAST:
        return 0.0
    whole = _agreement(fixed, laid, np.ones_like(inside), there)
    return whole if inside.all() else min(whole, _agreement(fixed, laid, inside, there & inside))


def _agreement(fixed: Floats, laid: Floats, inside: Mask, there: Mask) -> float:
    """Return the mean correlation of fine and of medium details.

    inside: what details are made of.
    there: where they are compared.
    """
    scales = [
        _correlation(_above(fixed, inside, width)[there], _above(laid, inside, width)[there])
        for width in (_FINE, _MEDIUM)
    ]
    return float(np.mean(scales))


def _above(image: Floats, inside: Mask, width: float) -> Floats:
    """Return what is finer than a width in pixels, the rim of a dark lesion no louder than skin.

    inside: where; what is around decides nothing.
    """
    details = np.where(inside, image - _mean_around(image, inside, width), 0)
    loudness = np.sqrt(_mean_around(details**2, inside, 2 * width))
    return np.asarray(details / (loudness + _NOISE))


def _mean_around(image: Floats, inside: Mask, width: float) -> Floats:
    """Return the mean around each pixel, of those inside alone (Knutsson and Westin 1993)."""
    if inside.all():
        return np.asarray(cv2.GaussianBlur(image, (0, 0), width))
    weights = inside.astype(np.float32)
    shares = cv2.GaussianBlur(weights, (0, 0), width)
    return np.asarray(cv2.GaussianBlur(image * weights, (0, 0), width) / (shares + 1e-6))


def _correlation(one: Floats, other: Floats) -> float:
    one, other = one - one.mean(), other - other.mean()
    size = np.sqrt(float((one**2).sum()) * float((other**2).sum()))
    return float((one * other).sum() / (size + 1e-6))
