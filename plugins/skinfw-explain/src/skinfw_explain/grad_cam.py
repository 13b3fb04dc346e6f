"""Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skinfw_explain.layers import as_maps, check_layer, find_backbone, find_layer

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class GradCam:
    """Weigh the channels of the last feature map by how much they raise the class's logit.

    The layer is the one that the backbone declares. Only what follows it is differentiated, so a
    batch costs one forward pass and the backward pass of the head alone.

    layer: another layer of the backbone, by its dotted name; empty takes the declared one. Where
        several pictures have a backbone each, it is that of the first.
    """

    layer: str = ""

    def check(self, model: nn.Module) -> None:
        """Raise RecipeError where the network has no such layer."""
        check_layer(model, self.layer)

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
        """Return a map per image, scaled so that its largest value is 1.

        model: in evaluation mode.
        images: float [N, 3, H, W], normalised.
        targets: int [N], the class to explain.
        Returns float [N, H, W] in [0, 1]; all zero where nothing speaks for the class.
        """
        from skinfw_explain.hooks import features_and_gradients
        from skinfw_explain.scaling import enlarge, scale

        layer, backbone = find_layer(model, self.layer), find_backbone(model)
        features, gradients = features_and_gradients(model, layer, images, targets)
        weights = as_maps(gradients, backbone).mean((2, 3), keepdim=True)
        maps = (weights * as_maps(features, backbone)).sum(1, keepdim=True).relu()
        return scale(enlarge(maps, images))
