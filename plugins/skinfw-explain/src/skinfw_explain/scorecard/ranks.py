"""How far two maps order the pixels of an image alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

SIDE = 64
"""How many blocks of pixels to a side the ranks are those of, at most."""


def rank_correlation(
    first: npt.NDArray[np.floating[Any]], second: npt.NDArray[np.floating[Any]]
) -> npt.NDArray[np.float64]:
    """Return the rank correlation of maps with other maps of the same images, float64 [N].

    first, second: [N, H, W].
    The correlation of the ranks of the pixels, ties sharing their mean rank (Spearman 1904); NaN
    where a map has the same value everywhere. Of larger maps the means of blocks are ranked.
    """
    from scipy.stats import rankdata

    one, other = (rankdata(_blocks(own), axis=1) for own in (first, second))
    one -= one.mean(1, keepdims=True)
    other -= other.mean(1, keepdims=True)
    length = np.sqrt((one**2).sum(1) * (other**2).sum(1))
    out = np.full(len(length), np.nan)
    return np.asarray(np.divide((one * other).sum(1), length, out=out, where=length > 0))


def _blocks(maps: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    """Return the means of blocks, float64 [N, K]; those at the end may be larger."""
    side = -(-max(maps.shape[1:]) // SIDE)
    rows, columns = (np.arange(0, max(1, size - side + 1), side) for size in maps.shape[1:])
    sums = np.add.reduceat(np.add.reduceat(maps.astype(np.float64), rows, 1), columns, 2)
    heights, widths = (
        np.diff([*starts, size])
        for starts, size in zip((rows, columns), maps.shape[1:], strict=True)
    )
    means: npt.NDArray[np.float64] = sums / np.outer(heights, widths)
    return means.reshape(len(maps), -1)
