"""SmoothGrad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Le

if TYPE_CHECKING:
    from torch import Tensor, nn

_CAP = 0.99
"""The share of pixels that are not the brightest; few gradients would else darken all others."""


@dataclass(frozen=True, kw_only=True)
class SmoothGradient:
    """Average the gradient of a class's logit over copies of the image with noise.

    Smilkov et al. 2017 (arXiv 1706.03825). The map is the size of the average, summed over
    colours. All images get the same noise, which begins anew with each call, so that a map is
    about its image alone and can be drawn again.

    samples: noisy copies of each image.
    noise: the standard deviation of the noise, as a share of the range of the image's values.
    """

    samples: Annotated[int, Ge(1)] = 25
    noise: Annotated[float, Ge(0), Le(1)] = 0.15

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
        """Return a map per image, scaled so that its brightest hundredth is 1.

        model: in evaluation mode.
        images: float [N, 3, H, W], normalised.
        targets: int [N], the class to explain.
        Returns float [N, H, W] in [0, 1].
        """
        import torch

        # Inference tensors cannot be differentiated, whoever calls.
        with torch.inference_mode(False), torch.enable_grad():
            gradients = self._average(model, images.clone(), targets.clone())
        sizes = gradients.abs().sum(1)
        bright = sizes.flatten(1).quantile(_CAP, dim=1)[:, None, None]
        return (sizes / bright.clamp_min(torch.finfo(sizes.dtype).tiny)).clamp(max=1)

    def _average(self, model: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
        """Return the mean gradient of each image, [N, 3, H, W]."""
        import torch

        dice = torch.Generator().manual_seed(0)
        spread = self.noise * (images.amax((1, 2, 3)) - images.amin((1, 2, 3)))
        total = torch.zeros_like(images)
        for _ in range(self.samples):
            noise = torch.randn(images.shape[1:], generator=dice).to(images)
            noisy = (images + spread[:, None, None, None] * noise).requires_grad_()
            scores = model(noisy).gather(1, targets[:, None]).sum()
            total += torch.autograd.grad(scores, noisy)[0]
        return total / self.samples
