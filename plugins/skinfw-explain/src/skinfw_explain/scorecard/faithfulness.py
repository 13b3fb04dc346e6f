"""Whether the network answers by the pixels that a map is high at: take them away, and ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from skinfw_explain.scorecard.imputation import add_noise, impute

if TYPE_CHECKING:
    from torch import Tensor

    Ask = Callable[[Tensor], Tensor]
    """What gives the probability [N] of the explained class of images [N, 3, H, W] in [0, 1]."""

STEPS = 10
"""How many equal portions of the pixels are exchanged, one after the other."""

SHARES = (0.2, 0.4, 0.6, 0.8)
"""What shares of the image ROAD takes away."""

BLOCKS = 64
"""Into how many blocks of pixels to a side ROAD divides an image at most."""

BLUR = 0.125
"""Standard deviation of the blur that insertion begins with, as a share of the image's side."""


def pixel_order(maps: Tensor) -> Tensor:
    """Return the pixels of each map from the highest to the lowest, int64 [N, H * W].

    maps: [N, H, W].
    Pixels that tie are in an order drawn once for all maps, so that no part of the image is first.
    """
    import torch

    flat = maps.flatten(1)
    drawn = torch.randperm(flat.shape[1], generator=torch.Generator().manual_seed(0))
    drawn = drawn.to(maps.device)
    return drawn[flat[:, drawn].argsort(dim=1, descending=True, stable=True)]


def exchange(images: Tensor, others: Tensor, order: Tensor, share: float) -> Tensor:
    """Return images whose first pixels are those of other images.

    images, others: [N, C, H, W].
    order: [N, H * W].
    share: of the pixels that are exchanged, rounded to whole pixels.
    """
    import torch

    return torch.where(first_pixels(order, share, images.shape[2:])[:, None], others, images)


def first_pixels(order: Tensor, share: float, size: tuple[int, ...]) -> Tensor:
    """Return where the first pixels of an order lie, bool [N, H, W]."""
    import torch

    count = round(share * order.shape[1])
    chosen = torch.zeros(order.shape, dtype=torch.bool, device=order.device)
    return chosen.scatter_(1, order[:, :count], True).view(-1, *size)


def exchange_curve(
    ask: Ask, images: Tensor, others: Tensor, order: Tensor, steps: int = STEPS
) -> Tensor:
    """Return the explained class's probability as pixels are exchanged, float [N, steps + 1].

    ask: the network.
    images, others, order: as for `exchange`.
    """
    import torch

    shares = [step / steps for step in range(steps + 1)]
    return torch.stack([ask(exchange(images, others, order, share)) for share in shares], 1)


def area(curve: Tensor) -> Tensor:
    """Return the area under a curve over [0, 1] by the trapezoid rule, [N].

    curve: [N, K], at equal distances.
    """
    return (curve[:, 1:] + curve[:, :-1]).mean(1) / 2


def deletion(ask: Ask, images: Tensor, maps: Tensor, steps: int = STEPS) -> Tensor:
    """Return the area under the probability as a map's highest pixels are deleted first, [N].

    ask: the network.
    images: [N, 3, H, W] in [0, 1]; deleted pixels get the mean colour of their image.
    maps: [N, H, W].
    Small where the map is faithful. Source: Petsiuk et al. 2018 (RISE, arXiv 1806.07421), who
    delete to the mean colour of ImageNet.
    """
    mean = images.mean((2, 3), keepdim=True).expand_as(images)
    return area(exchange_curve(ask, images, mean, pixel_order(maps), steps))


def insertion(ask: Ask, images: Tensor, maps: Tensor, steps: int = STEPS) -> Tensor:
    """Return the area under the probability as a map's highest pixels come first, [N].

    ask, images, maps: as for `deletion`.
    The image is blurred before, with a standard deviation of BLUR of its side, in which no lesion
    can be seen. Large where the map is faithful. Source: Petsiuk et al. 2018.
    """
    return area(exchange_curve(ask, blurred(images), images, pixel_order(maps), steps))


def road(ask: Ask, images: Tensor, maps: Tensor) -> Tensor:
    """Return how much more the highest pixels matter than the lowest, [N].

    ask, images, maps: as for `deletion`.
    R = the mean over SHARES of (p(lowest gone) - p(highest gone)) / 2, with p the probability of
    the explained class. What is gone is filled in from its neighbours, so that its place tells
    nothing. In [-1/2, 1/2], 0 by chance, large where the map is faithful. Source: Rong et al. 2022
    (ROAD, arXiv 2202.00449), whose curves of most and least relevant first are combined, and who
    take single pixels; large images go in blocks of pixels, for time.
    """
    import torch

    side = -(-max(images.shape[2:]) // BLOCKS)
    heat = in_blocks(maps[:, None], side)[:, 0]
    order, size = pixel_order(heat), heat.shape[1:]
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(images.shape[1:], generator=generator).to(images.device)

    def left(ordered: Tensor, share: float) -> Tensor:
        filled, gone = fill_blocks(images, first_pixels(ordered, share, size), side)
        return ask(add_noise(filled, gone, noise))

    gaps = [left(order.flip(1), share) - left(order, share) for share in SHARES]
    return torch.stack(gaps).mean(0) / 2


def in_blocks(images: Tensor, side: int) -> Tensor:
    """Return the means of square blocks of images [N, C, H, W]; those at the end may be smaller.

    side: of a block.
    """
    from torch.nn.functional import avg_pool2d

    return avg_pool2d(images, side, ceil_mode=True) if side > 1 else images


def fill_blocks(images: Tensor, gone: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Return images with some blocks filled in from their neighbours, and which pixels these are.

    images: [N, C, H, W].
    gone: bool [N, h, w], the blocks.
    side: of a block.
    """
    import torch
    from torch.nn.functional import interpolate

    height, width = images.shape[2:]
    filled = impute(in_blocks(images, side), gone)
    if side > 1:
        gone = gone.repeat_interleave(side, 1).repeat_interleave(side, 2)[:, :height, :width]
        filled = interpolate(filled, scale_factor=side, mode="bilinear", align_corners=False)
    return torch.where(gone[:, None], filled[:, :, :height, :width], images), gone


def blurred(images: Tensor) -> Tensor:
    """Return images [N, C, H, W] in which no lesion can be seen."""
    import cv2
    import numpy as np
    import torch

    deviation = BLUR * min(images.shape[2:])
    planes = images.permute(0, 2, 3, 1).cpu().numpy()
    soft = [cv2.GaussianBlur(own, (0, 0), deviation, borderType=cv2.BORDER_REFLECT_101)
            for own in planes]  # fmt: skip
    return torch.from_numpy(np.stack(soft)).permute(0, 3, 1, 2).to(images.device)
