"""Fill pixels in from their neighbours, so that a network cannot see that they are gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

DIRECT, DIAGONAL = 1 / 6, 1 / 12
NOISE = 0.01
"""Standard deviation of the noise on pixels that are filled in, for values in [0, 1]."""

_ROUNDS, _CLOSE = 400, 1e-4


def impute(images: Tensor, missing: Tensor) -> Tensor:
    """Return images whose missing pixels are the weighted means of their neighbours.

    images: float [N, C, H, W].
    missing: bool [N, H, W]; an image without any other pixel becomes its mean.
    Each missing pixel is the mean of its eight neighbours, those beside it with the weight 1/6 and
    those across with 1/12, all of them at once: a linear system that conjugate gradients solve to
    1e-4 of its right side. Source: the noisy linear imputation of ROAD (Rong et al. 2022, arXiv
    2202.00449), whose noise `add_noise` adds.
    """
    import torch

    gone = missing[:, None].to(images.dtype)
    known = images * (1 - gone)
    weights = _neighbours(torch.ones_like(gone))
    right = gone * _neighbours(known)

    def system(values: Tensor) -> Tensor:
        return gone * (weights * values - _neighbours(values))

    solution = gone * _coarse(images, missing)
    residual = right - system(solution)
    direction, size = residual, _dot(residual, residual)
    enough = _CLOSE**2 * _dot(right, right)
    for _ in range(_ROUNDS):
        if bool((size <= enough).all()):
            break
        ahead = system(direction)
        step = size / _dot(direction, ahead).clamp_min(1e-30)
        solution = solution + step * direction
        residual = residual - step * ahead
        before, size = size, _dot(residual, residual)
        direction = residual + size / before.clamp_min(1e-30) * direction
    return known + solution


def add_noise(images: Tensor, missing: Tensor, noise: Tensor) -> Tensor:
    """Return images with noise on their missing pixels.

    images: float [N, C, H, W], values in [0, 1].
    noise: [C, H, W], of standard deviation 1.
    """
    return (images + NOISE * noise * missing[:, None]).clamp(0, 1)


def _neighbours(values: Tensor) -> Tensor:
    """Return the weighted sum of the neighbours of each pixel; there are none beyond the edge."""
    from torch.nn.functional import pad

    rows = pad(values, (0, 0, 1, 1))
    beside = rows[:, :, :-2] + rows[:, :, 2:]
    columns = pad(DIRECT * values + DIAGONAL * beside, (1, 1, 0, 0))
    return DIRECT * beside + columns[..., :-2] + columns[..., 2:]


def _dot(one: Tensor, other: Tensor) -> Tensor:
    return (one * other).sum((2, 3), keepdim=True)


def _coarse(images: Tensor, missing: Tensor) -> Tensor:
    """Return a first guess: the known pixels of ever larger blocks, where smaller ones have none.

    The guess saves rounds; the system decides what comes out.
    """
    import torch
    from torch.nn.functional import avg_pool2d, interpolate

    here = (~missing[:, None]).to(images.dtype)
    if min(images.shape[2:]) < 4 or bool(here.flatten(1).all()):
        mean = (images * here).sum((2, 3), keepdim=True) / here.sum((2, 3), keepdim=True).clamp_min(
            1
        )
        return torch.where(here > 0, images, mean)
    share = avg_pool2d(here, 2, ceil_mode=True)
    mean = avg_pool2d(images * here, 2, ceil_mode=True) / share.clamp_min(1e-6)
    guess = _coarse(mean, share[:, 0] == 0)
    larger = interpolate(guess, images.shape[2:], mode="bilinear", align_corners=False)
    return torch.where(here > 0, images, larger)
