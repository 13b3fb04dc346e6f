"""Take the lesion out of a picture, or the skin around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from skinfw_shortcuts.segmentation import field_of_view, find_lesion, without_hair

Image = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Plane = npt.NDArray[np.floating[Any]]

_MARGIN = 0.04  # of the side: borders fade out, and masks end too early
_LEAST_SKIN = 0.1  # share of the picture from which the rest can be painted


@dataclass(frozen=True)
class Parts:
    """Hold what belongs to a picture's lesion and what to its skin.

    lesion: bool [H, W], with a margin.
    skin: bool [H, W], inside of tube and frame, away from the lesion.
    """

    lesion: Mask
    skin: Mask


def divide(image: Image, mask: Mask | None) -> Parts | None:
    """Return lesion and skin of a picture; None where either cannot be told.

    mask: of the data set; without, the lesion is looked for.
    """
    lesion = find_lesion(image) if mask is None else mask
    if lesion is None or not lesion.any():
        return None
    margin = 2 * round(_MARGIN * min(image.shape[:2])) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (margin, margin))
    wide = cv2.dilate(lesion.astype(np.uint8), disc).astype(bool)
    skin = field_of_view(image) & ~wide
    return Parts(wide, skin) if skin.mean() > _LEAST_SKIN else None


def without_lesion(image: Image, parts: Parts, rng: np.random.Generator) -> Image:
    """Return a picture whose lesion is painted over with skin from around it.

    The colour is that of the skin, spread inwards from coarse to fine (push-pull, Gortler et al.
    1996); the grain is that of the skin, too.
    """
    filled = _spread(image.astype(np.float32), parts.skin.astype(np.float32))
    bare = without_hair(image).astype(np.float32)
    fine = bare - cv2.GaussianBlur(bare, (0, 0), 1.5)
    spread = 1.4826 * np.median(np.abs(fine[parts.skin]), axis=0)
    # One draw for all channels: grain is light and dark rather than coloured.
    grain = cv2.GaussianBlur(rng.normal(size=image.shape[:2]).astype(np.float32), (0, 0), 0.7)
    filled += (grain / grain.std())[..., None] * spread.astype(np.float32)
    return _blend(filled, image, parts.lesion)


def lesion_only(image: Image, parts: Parts) -> Image:
    """Return a picture with the mean colour of its skin wherever the lesion is not."""
    plain = np.empty(image.shape, np.float32)
    plain[:] = image[parts.skin].mean(axis=0)
    return _blend(image.astype(np.float32), plain, parts.lesion)


def _blend(inside: Plane, outside: Plane | Image, mask: Mask) -> Image:
    """Lay one picture over another where a mask says so, with a soft border."""
    soft = max(0.8, min(mask.shape) / 120)
    share = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), soft)[..., None]
    mixed = share * inside + (1 - share) * outside
    return np.asarray(np.clip(np.rint(mixed), 0, 255), np.uint8)


def _spread(values: Plane, weights: Plane) -> Plane:
    """Return values [H, W, 3] everywhere, from where they have a weight [H, W]."""
    if min(weights.shape) < 2:
        total = max(float(weights.sum()), 1e-6)
        mean = (values * weights[..., None]).sum((0, 1)) / total
        return np.broadcast_to(mean.astype(np.float32), values.shape).copy()
    known = cv2.pyrDown(values * weights[..., None])
    sums = cv2.pyrDown(weights)
    coarse = known / np.maximum(sums, 1e-6)[..., None]
    below = _spread(coarse, np.minimum(1, 4 * sums))
    size = (values.shape[1], values.shape[0])
    raised = cv2.resize(below, size, interpolation=cv2.INTER_LINEAR)
    share = weights[..., None]
    return np.asarray(share * values + (1 - share) * raised)
