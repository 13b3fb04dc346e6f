"""Whether a map follows the image: flipped or shifted, and moved back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from skinfw_explain.scorecard.ranks import rank_correlation

if TYPE_CHECKING:
    from torch import Tensor

    Explain = Callable[[Tensor], Tensor]
    """What gives the maps [N, H, W] of images [N, 3, H, W], always of the same classes."""

SHIFT = 0.04
"""How far images are shifted, as a share of their side; at least a pixel."""


def stability(
    explain: Explain, images: Tensor, maps: npt.NDArray[np.floating[Any]]
) -> npt.NDArray[np.float64]:
    """Return how alike maps of moved images are, once moved back, float64 [N].

    explain: the explainer.
    images: [N, 3, H, W].
    maps: [N, H, W], of the images as they are.
    The mean of the rank correlations over four moves: flipped to either side, and shifted by SHIFT
    of the side in both directions, where the edge repeats; what is shifted out counts no more.
    """
    alike = []
    for dimension in (-1, -2):
        moved = explain(images.flip(dimension)).flip(dimension).cpu().numpy()
        alike.append(rank_correlation(maps, moved))
    step = max(1, round(SHIFT * min(images.shape[2:])))
    for by in (step, -step):
        moved = explain(shifted(images, by)).cpu().numpy()
        kept = slice(step, -step)
        back = np.roll(moved, (-by, -by), (1, 2))
        alike.append(rank_correlation(maps[:, kept, kept], back[:, kept, kept]))
    return np.asarray(np.mean(alike, axis=0))


def shifted(images: Tensor, by: int) -> Tensor:
    """Return images [N, C, H, W] moved down and to the right by some pixels, the edge repeated."""
    from torch.nn.functional import pad

    step = abs(by)
    framed = pad(images, (step, step, step, step), mode="replicate")
    start = step - by
    height, width = images.shape[2:]
    return framed[:, :, start : start + height, start : start + width]
