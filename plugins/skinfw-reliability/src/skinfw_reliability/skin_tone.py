"""Skin tone from the skin around a lesion: the individual typology angle.

ITA = arctan((L - 50) / b) in degrees (Chardon et al. 1991), with the six bands of Del Bino and
Bernerd (2013). Dermatoscopes light the skin, gel and glass change it, and nothing calibrates the
colours, so that the angle compares groups and measures no one (Bencevic et al. 2025,
arXiv 2504.04494).
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

BANDS = (
    ("very light", 55.0),
    ("light", 41.0),
    ("intermediate", 28.0),
    ("tan", 10.0),
    ("brown", -30.0),
    ("dark", -math.inf),
)
_SIDE = 256  # pixels of the shorter side; skin has no finer colour
_DARK = 12.0  # L of what is no picture: the tube around it, or a frame
_GREY = 5.0  # chroma of hair, rulers, stickers and glints, which skin exceeds
_APART = 12.0  # L between skin and lesion where both lie in the ring
_LEAST = 0.05  # the share of the ring that must be skin


def band(angle: float) -> str:
    """Return the band of an angle in degrees, "" where it was not measured."""
    return next((name for name, above in BANDS if angle > above), "")


def typology_angle(image: Image) -> float:
    """Return the ITA of the skin at the rim of the picture, in degrees.

    image: uint8 [H, W, 3], RGB, taken as sRGB.
    Returns NaN where too little there looks like skin. Beyond 90 and below -90 the skin looks
    bluish; the plain arctangent would call a light skin dark there.
    """
    scale = _SIDE / min(image.shape[:2])
    if scale < 1:
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        image = np.asarray(small, np.uint8)
    colours = cv2.cvtColor(np.asarray(image, np.float32) / 255, cv2.COLOR_RGB2LAB)
    ring = rim(colours[..., 0])
    lightness, red, yellow = colours[ring].T
    skin = np.hypot(red, yellow) > _GREY
    light = lightness[skin]
    if len(light) < max(50, _LEAST * ring.sum()):
        return math.nan
    kept = _consistent(light)
    above, b = float(np.median(light[kept])) - 50, float(np.median(yellow[skin][kept]))
    return math.degrees(math.atan2(above, b))


def rim(lightness: npt.NDArray[np.float32]) -> Mask:
    """Return where the rim of the picture lies, inside of tube and frame, bool [H, W].

    lightness: [H, W], from 0 to 100.
    """
    dark = (lightness < _DARK).astype(np.uint8)
    _, parts = cv2.connectedComponents(dark)
    edge = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
    outside = np.isin(parts, np.unique(edge[edge > 0]))
    inside = np.pad((~outside).astype(np.uint8), 1)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 5)[1:-1, 1:-1]
    # Light falls off towards the tube, so that the outermost skin is left out.
    side = min(lightness.shape)
    first = 0.06 if outside.any() else 0.01
    return np.asarray((depth > first * side) & (depth <= (first + 0.12) * side))


def _consistent(light: npt.NDArray[Any]) -> Mask:
    """Return which pixels share the lightness of the skin: neither lesion nor hair nor glint."""
    bytes_ = np.clip(light * 2.55, 0, 255).astype(np.uint8)
    cut = cv2.threshold(bytes_[:, None], 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)[0] / 2.55
    upper = light > cut
    kept = np.ones(len(light), bool)
    if 0.2 < upper.mean() < 1 and light[upper].mean() - light[~upper].mean() > _APART:
        kept = upper
    for _ in range(3):
        centre = np.median(light[kept])
        spread = 1.4826 * np.median(np.abs(light[kept] - centre))
        kept = np.abs(light - centre) <= 2.5 * max(float(spread), 0.5)
    return np.asarray(kept)
