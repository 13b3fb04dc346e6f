"""Where the lesion is, for images without a mask: a threshold on the distance to the skin's colour.

Hair is closed away (Lee et al. 1997, DullRazor), the skin's colour is taken from the rim of the
picture, and Otsu's threshold (1979) cuts the distance to it in CIELAB. docs/reliability.md says how
well that does.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Plane = npt.NDArray[np.floating[Any]]

_DARK = 28  # the brightest channel of what is no picture: the tube around it, or a frame
_HAIR = 12  # grey levels by which a hair is darker than what closes over it
_APART = 4.0  # of the farthest colour from the skin's; less is noise
_BORDER = 0.65  # of Otsu's level: experts draw the border where the lesion fades out
_LIGHTNESS = 0.8  # weight of what is darker than skin, beside redder and browner
_SIDE = 112  # pixels of the shorter side that are looked at
_SMALLEST, _LARGEST = 0.005, 0.9  # shares of the picture that a lesion may fill


def find_lesion(image: Image) -> Mask | None:
    """Return where the lesion is, bool [H, W]; None where nothing stands out.

    image: uint8 [H, W, 3].
    """
    scale = _SIDE / min(image.shape[:2])
    small = image
    if scale < 1:
        shrunk = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        small = np.asarray(shrunk, np.uint8)
    found = _segment(small)
    if found is None or not _SMALLEST < found.mean() < _LARGEST:
        return None
    white = cv2.resize(255 * found.astype(np.uint8), image.shape[1::-1])
    return np.asarray(white > 127)


def _segment(image: Image) -> Mask | None:
    side, field = min(image.shape[:2]), field_of_view(image)
    smooth = cv2.GaussianBlur(without_hair(image), (0, 0), max(0.8, side / 90))
    distance = _distance_to_skin(np.asarray(smooth, np.uint8), field)
    if not field.any() or np.ptp(distance[field]) < _APART:
        return None
    bytes_ = np.clip(distance * 2.5, 0, 255).astype(np.uint8)
    level = cv2.threshold(bytes_[field][:, None], 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)[0]
    return _central_part((bytes_ > _BORDER * level) & field, side)


def field_of_view(image: Image) -> Mask:
    """Return what of an image is picture, bool [H, W]: all but what is dark from the edge on."""
    dark = (image.max(axis=2) < _DARK).astype(np.uint8)
    _, parts = cv2.connectedComponents(dark)
    edge = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    outside = np.isin(parts, edge[edge > 0]).astype(np.uint8)
    if not outside.any():
        return np.ones(outside.shape, bool)
    margin = 2 * (min(image.shape[:2]) // 40) + 1  # light falls off towards the tube
    return np.asarray(cv2.dilate(outside, np.ones((margin, margin), np.uint8)) == 0)


def without_hair(image: Image) -> Image:
    """Return an image whose thin dark lines are closed over."""
    reach = 2 * (min(image.shape[:2]) // 24) + 1
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    lines = np.zeros(grey.shape, np.uint8)
    middle = reach // 2
    for across in ((0, 1), (1, 0), (1, 1), (1, -1)):
        kernel = np.zeros((reach, reach), np.uint8)
        step = np.arange(-middle, middle + 1)
        kernel[middle + across[0] * step, middle + across[1] * step] = 1
        closed = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, kernel)
        lines = np.maximum(lines, cv2.subtract(closed, grey))
    hair = (lines > _HAIR).astype(np.uint8)
    hair = cv2.dilate(hair, np.ones((3, 3), np.uint8))
    closed = cv2.morphologyEx(image, cv2.MORPH_CLOSE, np.ones((reach, reach), np.uint8))
    return np.where(hair[..., None] > 0, cv2.medianBlur(closed, 5), image)


def _distance_to_skin(image: Image, field: Mask) -> Plane:
    """Return how far each pixel's colour is from the skin's, in CIELAB, [H, W]."""
    colours = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    inside = np.pad(field.astype(np.uint8), 1)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 3)[1:-1, 1:-1]
    rim = field & (depth <= 0.12 * min(image.shape[:2]))
    skin = np.median(colours[rim], axis=0) if rim.any() else np.zeros(3)
    away = colours - skin.astype(np.float32)
    # Nothing that is lighter than skin is a lesion.
    away[..., 0] = _LIGHTNESS * np.minimum(away[..., 0], 0)
    return np.asarray(np.sqrt((away**2).sum(axis=2)))


def _central_part(mask: Mask, side: int) -> Mask | None:
    """Return the part of a mask that is large and in the middle, closed and without holes."""
    size = 2 * (side // 60) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, disc)
    opened = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, disc)
    count, parts = cv2.connectedComponents(opened)
    if count == 1:
        return None
    height, width = mask.shape
    y, x = np.mgrid[:height, :width]
    off = np.hypot((y - height / 2) / height, (x - width / 2) / width)
    weight = np.exp(-((off / 0.25) ** 2))
    scores = np.bincount(parts.ravel(), weight.ravel(), minlength=count)[1:]
    best = (parts == 1 + int(scores.argmax())).astype(np.uint8)
    outlines, _ = cv2.findContours(best, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(cv2.drawContours(best, outlines, -1, 1, cv2.FILLED)).astype(bool)
