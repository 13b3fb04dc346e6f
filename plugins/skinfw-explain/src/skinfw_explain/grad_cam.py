"""Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skinfw_explain.cam import GradientCam

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class GradCam(GradientCam):
    """Weigh the channels of the last feature map by how much they raise the class's logit.

    The layer is the one that the backbone declares. Only what follows it is differentiated, so a
    batch costs one forward pass and the backward pass of the head alone.

    layer: another layer of the backbone, by its dotted name; empty takes the declared one, and
        "auto" the one that scores best on validation images. Where several pictures have a backbone
        each, it is that of the first.
    """

    def combine(self, features: Tensor, gradients: Tensor) -> Tensor:
        """Return the channels, each times the mean of its gradient."""
        return gradients.mean((2, 3), keepdim=True) * features
