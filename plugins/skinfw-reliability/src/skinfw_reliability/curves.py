"""Reliability curves: how often the model is right, by how sure it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from skinfw.metrics import width_bins

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Bin:
    """Hold the images of one range of confidence.

    images: how many there are.
    confidence: their mean confidence.
    accuracy: the share of them that is right.
    low: the lower end of its 95 % interval (Wilson 1927), as if images were independent.
    high: the upper end.
    """

    images: int
    confidence: float
    accuracy: float
    low: float
    high: float


def reliability_curve(
    confidence: Floats, right: npt.NDArray[np.bool_], bins: int = 15
) -> list[Bin]:
    """Return the bins that have images, from unsure to sure.

    confidence: [N], of the predicted class.
    right: [N], whether it is the true one.
    """
    own = width_bins(confidence, bins)
    curve = []
    for number in np.unique(own):
        inside = own == number
        images, hits = int(inside.sum()), int(right[inside].sum())
        low, high = wilson(hits, images)
        curve.append(Bin(images, float(confidence[inside].mean()), hits / images, low, high))
    return curve


def wilson(hits: int, images: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927)."""
    z = NormalDist().inv_cdf(0.975)
    share, grown = hits / images, 1 + z * z / images
    centre = share + z * z / (2 * images)
    reach = z * math.sqrt(share * (1 - share) / images + z * z / (4 * images**2))
    return max(0.0, (centre - reach) / grown), min(1.0, (centre + reach) / grown)
