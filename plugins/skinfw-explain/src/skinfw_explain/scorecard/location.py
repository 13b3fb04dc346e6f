"""Where maps lie: against the mask of the lesion, and at the corners of the image."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Maps = npt.NDArray[np.floating[Any]]
Masks = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

BORDER = 0.1
"""How far the border band reaches to either side, as a share of the lesion's equivalent diameter:
that of the disc of equal area."""

CORNER = 0.2
"""Side of the square at each corner, as a share of the image's side."""


def pointing(maps: Maps, lesions: Masks) -> Masks:
    """Return whether each map's peak lies inside the lesion, bool [N].

    maps: [N, H, W], at least 0.
    lesions: bool [N, H, W].
    The peak is the pixel of the largest value; of several, most must lie inside. A black map has
    none, and misses. Source: the pointing game of Zhang et al. 2018 (IJCV 126), without tolerance.
    """
    highest = maps.max(axis=(1, 2), keepdims=True)
    peaks = (maps == highest) & (highest > 0)
    inside = (peaks & lesions).sum(axis=(1, 2))
    return np.asarray(2 * inside > peaks.sum(axis=(1, 2)))


def energy(maps: Maps, regions: Masks) -> Floats:
    """Return the share of each map's sum that lies in a region, float64 [N].

    maps: [N, H, W], at least 0.
    regions: bool [N, H, W] or [H, W].
    E = sum of the map over the region / sum over the image; NaN for a black map. Source: the
    energy-based pointing game of Wang et al. 2020 (arXiv 1910.01279), the relevance mass accuracy
    of Arras et al. 2022 (arXiv 2003.07258).
    """
    own = maps.astype(np.float64)
    return _share((own * regions).sum(axis=(1, 2)), own.sum(axis=(1, 2)))


def rank(maps: Maps, lesions: Masks) -> Floats:
    """Return the share of the lesion that a map's highest pixels find, float64 [N].

    maps: [N, H, W].
    lesions: bool [N, H, W], of K pixels.
    R = how many of the K highest pixels lie inside / K; pixels that tie at the end count by their
    share; NaN without a lesion. Source: the relevance rank accuracy of Arras et al. 2022.
    """
    shares = np.full(len(maps), math.nan)
    for place, (own, lesion) in enumerate(zip(maps, lesions, strict=True)):
        count = int(lesion.sum())
        if not count:
            continue
        last = np.partition(own.ravel(), own.size - count)[own.size - count]
        above, ties = own > last, own == last
        rest = (count - above.sum()) / ties.sum()
        shares[place] = ((above & lesion).sum() + rest * (ties & lesion).sum()) / count
    return shares


def border_bands(lesions: Masks) -> Masks:
    """Return the pixels no farther than BORDER equivalent diameters from the lesion's border.

    lesions: bool [N, H, W].
    Returns bool [N, H, W]: both sides of the border, at least a pixel wide on each. The diameter of
    a lesion of A pixels is 2 sqrt(A / pi).
    """
    bands = np.zeros_like(lesions)
    for place, lesion in enumerate(lesions):
        width = max(1.0, BORDER * 2 * math.sqrt(lesion.sum() / math.pi))
        for side in (lesion, ~lesion):
            far = cv2.distanceTransform(side.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
            bands[place] |= side & (far <= width)
    return bands


def corners(height: int, width: int) -> Masks:
    """Return the squares at the four corners of an image, bool [H, W]."""
    side = max(1, round(CORNER * min(height, width)))
    rows, columns = np.zeros(height, bool), np.zeros(width, bool)
    rows[:side] = rows[-side:] = columns[:side] = columns[-side:] = True
    return np.outer(rows, columns)


def is_known(lesion: Masks | None) -> bool:
    """Tell whether the lesion of an image is known and in view."""
    return lesion is not None and bool(lesion.any())


def _share(part: Floats, whole: Floats) -> Floats:
    out = np.full(len(part), math.nan)
    return np.asarray(np.divide(part, whole, out=out, where=whole > 0))
