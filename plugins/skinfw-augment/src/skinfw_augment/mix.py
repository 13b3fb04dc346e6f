"""Mix the images of a batch; their labels are mixed in the same shares."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Gt

if TYPE_CHECKING:
    import numpy as np
    import torch


@dataclass(frozen=True, kw_only=True)
class Mixup:
    """Blend each image with another one of the batch.

    Zhang et al. 2018 (arXiv 1710.09412).

    alpha: of the beta distribution of the shares; small values leave most images nearly alone.
    """

    alpha: Annotated[float, Gt(0)] = 0.2

    def mix(
        self, images: torch.Tensor, rng: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Tensor, float]:
        """Return the mixed images [N, 3, H, W], which other each got, and its own share."""
        share, order = float(rng.beta(self.alpha, self.alpha)), _order(images, rng)
        return images.lerp(images[order], 1 - share), order, share


@dataclass(frozen=True, kw_only=True)
class CutMix:
    """Paste a rectangle of another image of the batch into each image.

    Yun et al. 2019 (arXiv 1905.04899).

    alpha: of the beta distribution of the shares.
    """

    alpha: Annotated[float, Gt(0)] = 1.0

    def mix(
        self, images: torch.Tensor, rng: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Tensor, float]:
        """Return the mixed images [N, 3, H, W], which other each got, and its own share."""
        share, order = float(rng.beta(self.alpha, self.alpha)), _order(images, rng)
        side = math.sqrt(1 - share)
        spans = []
        for length in images.shape[2:]:
            middle, half = rng.uniform(0, length), side * length / 2
            spans.append((max(0, round(middle - half)), min(length, round(middle + half))))
        (top, bottom), (left, right) = spans
        mixed = images.clone()
        mixed[:, :, top:bottom, left:right] = images[order, :, top:bottom, left:right]
        pasted = (bottom - top) * (right - left) / (images.shape[2] * images.shape[3])
        return mixed, order, 1 - pasted


def _order(images: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Return which other image each image meets."""
    import torch

    return torch.from_numpy(rng.permutation(len(images))).to(images.device)
