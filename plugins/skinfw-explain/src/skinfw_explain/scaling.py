"""Bring maps to the size of images and to values in [0, 1]."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate


def enlarge(maps: Tensor, images: Tensor) -> Tensor:
    """Return maps [N, 1, h, w] as large as images, [N, H, W]."""
    return interpolate(maps, images.shape[2:], mode="bilinear", align_corners=False)[:, 0]


def scale(maps: Tensor) -> Tensor:
    """Return maps [N, H, W], zero or more, so that the largest value of each is 1.

    One that is all zero stays so.
    """
    highest = maps.amax((1, 2), keepdim=True)
    return maps / highest.clamp_min(torch.finfo(maps.dtype).tiny)


def stretch(maps: Tensor) -> Tensor:
    """Return maps [N, H, W] so that the smallest value of each is 0 and the largest is 1.

    One that is the same everywhere becomes all zero.
    """
    return scale(maps - maps.amin((1, 2), keepdim=True))


def scale_capped(maps: Tensor, share: float = 0.99) -> Tensor:
    """Return maps as `scale` does, but let the highest places of each be 1 alike.

    Else a few pixels of a gradient would leave all others dark.

    maps: [N, H, W], zero or more.
    share: of the places that keep their differences.
    """
    cap = maps.flatten(1).quantile(share, dim=1)[:, None, None]
    return scale(torch.where(cap > 0, maps.minimum(cap), maps))
