"""The relatives of Grad-CAM: features and gradients of one layer, combined in other ways.

In their equations A is a feature map [C, h, w], g the gradient of the class's logit there, i a
place, k a channel; each map is cut at zero from below, enlarged and scaled as Grad-CAM's is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skinfw_explain.cam import GradientCam

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class GradCamPlusPlus(GradientCam):
    """Weigh channels by their positive gradients, so that several small places count as one large.

    Chattopadhay et al. 2018 (arXiv 1710.11063): the weight of channel k is the sum over i of
    a_ki max(g_ki, 0) with a_ki = g_ki^2 / (2 g_ki^2 + g_ki^3 sum_j A_kj). The sum is that of
    positive features, since the paper's maps end in a ReLU and others would divide by zero.

    layer: another layer of the backbone, by its dotted name; empty takes the declared one, and
        "auto" the one that scores best on validation images. Where several pictures have a backbone
        each, it is that of the first.
    """

    def combine(self, features: Tensor, gradients: Tensor) -> Tensor:
        """Return the channels, each times its weight."""
        positive = gradients.relu()
        sums = features.relu().sum((2, 3), keepdim=True)
        return (positive / (2 + positive * sums)).sum((2, 3), keepdim=True) * features


@dataclass(frozen=True, kw_only=True)
class HiresCam(GradientCam):
    """Multiply features and gradients place by place, without a mean over the map.

    Draelos and Carin 2020 (arXiv 2011.08891): the map is the sum over k of g_ki A_ki. Where the
    layers that follow are linear, it is what each place adds to the logit, exactly.

    layer: another layer of the backbone, by its dotted name; empty takes the declared one, and
        "auto" the one that scores best on validation images. Where several pictures have a backbone
        each, it is that of the first.
    """

    def combine(self, features: Tensor, gradients: Tensor) -> Tensor:
        """Return the product."""
        return gradients * features


@dataclass(frozen=True, kw_only=True)
class LayerCam(GradientCam):
    """Multiply features by the positive gradients, place by place, which suits earlier layers.

    Jiang et al. 2021 (IEEE TIP 30, doi 10.1109/TIP.2021.3089943): the map is the sum over k of
    max(g_ki, 0) A_ki.

    layer: another layer of the backbone, by its dotted name; empty takes the declared one, and
        "auto" the one that scores best on validation images. Where several pictures have a backbone
        each, it is that of the first.
    """

    def combine(self, features: Tensor, gradients: Tensor) -> Tensor:
        """Return the product."""
        return gradients.relu() * features


@dataclass(frozen=True, kw_only=True)
class XgradCam(GradientCam):
    """Weigh the gradients of a channel by where the channel is active.

    Fu et al. 2020 (arXiv 2008.02312): the weight of channel k is the sum over i of
    g_ki A_ki / sum_j A_kj; a channel whose features sum to zero has the weight 0.

    layer: another layer of the backbone, by its dotted name; empty takes the declared one, and
        "auto" the one that scores best on validation images. Where several pictures have a backbone
        each, it is that of the first.
    """

    def combine(self, features: Tensor, gradients: Tensor) -> Tensor:
        """Return the channels, each times its weight."""
        sums = features.sum((2, 3), keepdim=True)
        products = (gradients * features).sum((2, 3), keepdim=True)
        return (products / sums).nan_to_num(0.0, 0.0, 0.0) * features
