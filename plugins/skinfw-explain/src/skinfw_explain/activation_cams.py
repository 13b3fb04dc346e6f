"""Class activation maps without gradients: of the features alone, and of what they let through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge

from skinfw_explain.layer_explainer import LayerExplainer
from skinfw_explain.layers import as_maps, find_backbone, find_layer

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class EigenCam(LayerExplainer):
    """Show the first principal component of the features, whatever the class is.

    Muhammad and Yeasin 2020 (arXiv 2008.00299): with the features of an image as a matrix [hw, C]
    and its singular vectors U S V^T, the map is the first column of U S. Its sign is the one
    whose sum is positive, and what is negative then is cut.

    layer: another layer of the backbone, by its dotted name; empty takes the declared one, and
        "auto" the one that scores best on validation images. Where several pictures have a backbone
        each, it is that of the first.
    """

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor, /) -> Tensor:
        """Return a map per image, float [N, H, W] in [0, 1].

        model: in evaluation mode.
        images: float [N, 3, H, W], normalised.
        targets: int [N]; the map is the same for all classes.
        """
        import torch

        from skinfw_explain.hooks import layer_output
        from skinfw_explain.scaling import enlarge, scale

        features = layer_output(model, find_layer(model, self.layer), images)
        maps = as_maps(features, find_backbone(model)).float()
        matrix = maps.flatten(2).transpose(1, 2)
        left, values, _ = torch.linalg.svd(matrix, full_matrices=False)
        first = left[:, :, 0] * values[:, :1]
        first = torch.where(first.sum(1, keepdim=True) < 0, -first, first).relu()
        return scale(enlarge(first.reshape(maps[:, :1].shape), images))


@dataclass(frozen=True, kw_only=True)
class ScoreCam(LayerExplainer):
    """Weigh each channel by how much of the class is left where only the channel's places show.

    Wang et al. 2020 (arXiv 1910.01279): channel k, enlarged and stretched to [0, 1], is multiplied
    with the image, and the weights are the softmax over k of the class's logits. It costs a forward
    pass for each channel.

    layer: another layer of the backbone, by its dotted name; empty takes the declared one, and
        "auto" the one that scores best on validation images. Where several pictures have a backbone
        each, it is that of the first.
    channels: how many are tried, those whose features vary most; 0 tries all, as the paper does.
    """

    channels: Annotated[int, Ge(0)] = 128

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor, /) -> Tensor:
        """Return a map per image, float [N, H, W] in [0, 1].

        model: in evaluation mode.
        images: float [N, 3, H, W], normalised.
        targets: int [N], the class to explain.
        """
        from skinfw_explain.hooks import layer_output
        from skinfw_explain.scaling import enlarge, scale

        features = layer_output(model, find_layer(model, self.layer), images)
        maps = self._chosen(as_maps(features, find_backbone(model)).float())
        weights = self._scores(model, images, targets, maps).softmax(0)
        maps = (weights.T[:, :, None, None] * maps).sum(1, keepdim=True).relu()
        return scale(enlarge(maps, images))

    def _chosen(self, maps: Tensor) -> Tensor:
        """Return the channels of each image that are tried, [N, K, h, w]."""
        if not 0 < self.channels < maps.shape[1]:
            return maps
        places = maps.flatten(2).var(2).topk(self.channels).indices
        return maps.take_along_dim(places[:, :, None, None], 1)

    def _scores(self, model: nn.Module, images: Tensor, targets: Tensor, maps: Tensor) -> Tensor:
        """Return the logits [K, N] of the class, of images that show through one channel each."""
        import torch

        from skinfw_explain.hooks import PICTURE, ask, versions_at_once
        from skinfw_explain.scaling import enlarge, stretch

        scores = []
        for some in torch.split(maps, versions_at_once(images), 1):
            versions = images[None].repeat(some.shape[1], 1, 1, 1, 1)
            for place, version in enumerate(versions):
                shown = stretch(enlarge(some[:, place : place + 1], images))
                version[:, PICTURE] *= shown[:, None]
            scores.append(ask(model, versions)[:, torch.arange(len(images)), targets])
        return torch.cat(scores)
