"""A row per lesion: how likely it is malignant, and whether it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from skinfw import Predictions

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Lesions:
    """Hold the lesions of one part.

    chance: float64 [N], the network's chance of malignancy.
    malignant: bool [N], the truth.
    """

    chance: Floats
    malignant: Booleans

    @property
    def counts(self) -> dict[str, int]:
        """How many are malignant and how many benign."""
        malignant = int(self.malignant.sum())
        return {"malignant": malignant, "benign": len(self.malignant) - malignant}

    @property
    def prevalence(self) -> float:
        """The share that is malignant."""
        return float(self.malignant.mean())


def lesions_of(predictions: Predictions, malignant: Sequence[str]) -> Lesions:
    """Return the lesions of predictions, each with one decision to be made, whatever its images.

    The chance of an image is the sum over the malignant classes, that of a lesion the mean over its
    images. A lesion is malignant where any of its images is labelled so.

    malignant: the malignant classes.
    """
    places = [predictions.classes.index(name) for name in malignant]
    chances = predictions.probabilities[:, places].sum(1)
    _, lesion, images = np.unique(
        np.asarray(predictions.lesions, dtype=str), return_inverse=True, return_counts=True
    )
    mean = np.bincount(lesion, chances) / images
    shows: npt.NDArray[Any] = np.bincount(lesion, np.isin(predictions.true, places))
    return Lesions(np.clip(mean, 0.0, 1.0), shows > 0)
