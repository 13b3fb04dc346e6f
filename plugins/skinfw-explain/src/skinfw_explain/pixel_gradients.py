"""Gradients of the class's logit with respect to the pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Gt, Interval, Le

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class IntegratedGradients:
    """Add up gradients on the way from an image that shows nothing to the image.

    Sundararajan et al. 2017 (arXiv 1703.01365), equation 1: (x - x') times the mean of the gradient
    at x' + a (x - x'), a from 0 to 1. All pixels together explain the whole difference of the
    logits. The map is the sum over the colours where it is positive; the highest hundredth of the
    places is 1. Computed by captum.

    steps: points on the way, each a forward and a backward pass.
    baseline: what the image that shows nothing is: "grey", or the image itself under a "blur".
    """

    steps: Annotated[int, Interval(ge=8, le=1024)] = 32
    baseline: Literal["grey", "blur"] = "grey"

    def check(self, model: nn.Module) -> None:
        """Import captum, so that its absence is told before the training."""
        import captum.attr  # noqa: F401

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
        """Return a map per image, float [N, H, W] in [0, 1].

        model: in evaluation mode.
        images: float [N, 3, H, W], normalised.
        targets: int [N], the class to explain.
        """
        from skinfw_explain.hooks import PICTURE
        from skinfw_explain.scaling import scale_capped

        return scale_capped(self.attributions(model, images, targets)[:, PICTURE].sum(1).relu())

    def attributions(self, model: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
        """Return what each value of the images adds to the logit, float [N, 3, H, W]."""
        from captum.attr import IntegratedGradients as Captum

        from skinfw_explain.hooks import differentiable, versions_at_once
        from skinfw_explain.missing_pixels import without_evidence

        with differentiable(model):
            images = images.clone()
            found: Tensor = Captum(model).attribute(
                images.requires_grad_(),
                without_evidence(images.detach(), self.baseline),
                targets.clone(),
                n_steps=self.steps,
                internal_batch_size=versions_at_once(images) * len(images),
            )
        return found.detach()


@dataclass(frozen=True, kw_only=True)
class SmoothGrad:
    """Take the mean of the gradient over noisy versions of the image.

    Smilkov et al. 2017 (arXiv 1706.03825), equation 1, with the absolute value of the mean, summed
    over the colours; the highest hundredth of the places is 1. It shows where a change would
    matter, for or against the class.

    samples: versions, each a forward and a backward pass.
    noise: standard deviation of the noise, as a share of the range of the image's values.
    seed: of the noise, which is the same for all images.
    """

    samples: Annotated[int, Interval(ge=1, le=1024)] = 32
    noise: Annotated[float, Gt(0), Le(1)] = 0.15
    seed: Annotated[int, Interval(ge=0, le=2**32 - 1)] = 0

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
        """Return a map per image, float [N, H, W] in [0, 1].

        model: in evaluation mode.
        images: float [N, 3, H, W], normalised.
        targets: int [N], the class to explain.
        """
        import torch

        from skinfw_explain.hooks import PICTURE, differentiable, versions_at_once
        from skinfw_explain.scaling import scale_capped

        picture = images[:, PICTURE]
        dice = torch.Generator().manual_seed(self.seed)
        noise = torch.randn((self.samples, *picture.shape[1:]), generator=dice).to(images.device)
        deviations = self.noise * (picture.amax((1, 2, 3)) - picture.amin((1, 2, 3)))
        sums = torch.zeros_like(picture)
        with differentiable(model):
            for some in torch.split(noise, versions_at_once(images)):
                versions = images[None].repeat(len(some), 1, 1, 1, 1)
                versions[:, :, PICTURE] += some[:, None] * deviations[:, None, None, None]
                logits = model(versions.requires_grad_().flatten(0, 1))
                scores = logits.gather(1, targets.repeat(len(some))[:, None]).sum()
                (gradients,) = torch.autograd.grad(scores, versions)
                sums = sums + gradients[:, :, PICTURE].sum(0)
        return scale_capped(sums.abs().sum(1))
