"""What all class activation maps share: a layer, and the way from its map to that of the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skinfw_explain.layer_explainer import LayerExplainer
from skinfw_explain.layers import as_maps, find_backbone, find_layer

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class GradientCam(LayerExplainer):
    """Make a map of the features of a layer and of the gradients there.

    layer: another layer of the backbone, by its dotted name; empty takes the declared one, and
        "auto" the one that scores best on validation images. Where several pictures have a backbone
        each, it is that of the first.
    """

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor, /) -> Tensor:
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
        maps = self.combine(as_maps(features, backbone), as_maps(gradients, backbone))
        return scale(enlarge(maps.sum(1, keepdim=True).relu(), images))

    def combine(self, features: Tensor, gradients: Tensor) -> Tensor:
        """Return what each channel says of the class at each place, [N, C, h, w].

        features, gradients: [N, C, h, w].
        """
        raise NotImplementedError
