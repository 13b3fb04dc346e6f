"""Grad-CAM inside an exported graph: a map of each class as a second output."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from skinfw.toolkit import PlannedComponent, TrainedModel
from skinfw_inference.graph import Graph, trial_inputs

MAPS = "maps"
_EXPLAINER = "grad-cam"
_ALIKE = 1e-4  # of the largest gradient


@dataclass(frozen=True)
class ClassMaps:
    """Hold how a graph computes Grad-CAM, or why it does not.

    layer: whose feature maps are weighed; None where there is no map.
    weights: of the channels for each class, [C, K].
    channels_last: whether the layer gives [N, H, W, K] and not [N, K, H, W].
    about: a sentence for the reader of the file.
    """

    layer: nn.Module | None
    weights: torch.Tensor
    channels_last: bool
    about: str


class MappedGraph(nn.Module):
    """Lead from pixels to probabilities, and to a map of each class."""

    def __init__(self, graph: Graph, maps: ClassMaps) -> None:
        """Keep the graph, and how its feature maps are weighed."""
        super().__init__()
        self.graph, self._layer, self._channels_last = graph, maps.layer, maps.channels_last
        self.register_buffer("weights", maps.weights)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the probabilities [N, C], and the maps [N, C, h, w], which are not negative.

        images: uint8 [N, H, W, 3].
        """
        assert self._layer is not None  # else the graph alone is exported
        with _kept_output(self._layer) as kept:
            probabilities = self.graph(images)
        features = kept[-1].permute(0, 3, 1, 2) if self._channels_last else kept[-1]
        # A convolution by one pixel is the weighted sum of the channels.
        kernel = self.get_buffer("weights")[:, :, None, None]
        return probabilities, nn.functional.conv2d(features, kernel).relu()


def find_class_maps(graph: Graph, trained_model: TrainedModel) -> ClassMaps:
    """Return how the maps of a network are computed without a gradient, where that can be.

    Grad-CAM weighs the channels of a layer by the mean gradient of a class's logit (Selvaraju et
    al. 2017, arXiv 1610.02391). Where only pooling and a linear layer follow, this gradient is the
    same for every image, and the weights are constants of the network. Whether it is the same is
    tried on images of black, colours and noise, at the layer of the run's Grad-CAM, then at the one
    that the backbone declares.
    """
    if trained_model.members:
        return _no_maps("Several networks answer together: no map of evidence is in this file.")
    network = graph.networks[0]
    modules = dict(network.named_modules())
    asked = (_own_layer(trained_model), str(getattr(network, "cam_layer", "")))
    names = [name for name in dict.fromkeys(asked) if name and name in modules]
    for name in names:
        features, gradients = _gradients(graph, modules[name], trained_model)
        if features.ndim == 4 and _are_constant(gradients):
            last = _has_channels_last(features, network)
            weights = gradients[0].mean((1, 2) if last else (2, 3))  # [C, K]
            return ClassMaps(modules[name], weights, last, _about(name, names[0], trained_model))
    return _no_maps(
        "No map of evidence is in this file: what follows the layer "
        f"{' or '.join(names)} is not linear, so that Grad-CAM needs a gradient, which a browser "
        "does not compute."
        if names
        else "No map of evidence is in this file: the network names no layer to explain."
    )


def _no_maps(about: str) -> ClassMaps:
    return ClassMaps(None, torch.empty(0), False, about)


def _own_layer(trained_model: TrainedModel) -> str:
    """Return the layer of the run's own Grad-CAM; "" where it names none."""
    return next(
        (str(own.arguments.get("layer", "")) for own in trained_model.components("explainer")
         if _method(own) == _EXPLAINER),
        "",
    )  # fmt: skip


def _method(explainer: PlannedComponent[Any]) -> str:
    """Return the name of the method, which an explainer may have chosen."""
    return str(explainer.arguments.get("method", explainer.use))


def _are_constant(gradients: torch.Tensor) -> bool:
    """Tell whether gradients [N, ...] are the same for every image."""
    largest = gradients.abs().max().clamp_min(torch.finfo(torch.float32).tiny)
    return bool((gradients - gradients[:1]).abs().max() <= _ALIKE * largest)


def _has_channels_last(features: torch.Tensor, network: nn.Module) -> bool:
    """Tell whether a layer gives [N, H, W, K] and not [N, K, H, W]."""
    width = getattr(network, "num_features", features.shape[1])
    return bool(features.shape[1] != width and features.shape[3] == width)


def _about(name: str, own: str, trained_model: TrainedModel) -> str:
    """Say which map is in the file, and where the run itself explains otherwise."""
    about = f"The map is Grad-CAM of the layer {name}, of the first view."
    if own != name:
        about += f" The run's own is of the layer {own}, which needs a gradient."
    methods = dict.fromkeys(map(_method, trained_model.components("explainer")))
    others = [method for method in methods if method != _EXPLAINER]
    return f"{about} The run was explained by {', '.join(others)}, too." if others else about


def _gradients(
    graph: Graph, layer: nn.Module, trained_model: TrainedModel
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what a layer gives for trial images, and the gradient of each logit, [N, C, ...]."""
    images = torch.from_numpy(trial_inputs(trained_model)[0])
    rows = []
    with torch.enable_grad():
        with _kept_output(layer, as_leaf=True) as kept:
            logits = graph.logits(images)
        for label in range(len(trained_model.classes)):
            (own,) = torch.autograd.grad(logits[:, label].sum(), kept[-1], retain_graph=True)
            rows.append(own)
    return kept[-1].detach(), torch.stack(rows, 1)


@contextmanager
def _kept_output(layer: nn.Module, as_leaf: bool = False) -> Iterator[list[torch.Tensor]]:
    """Keep what a layer gives while the network runs.

    as_leaf: whether the output is where gradients end.
    What is kept is a copy, for what follows may write into the output.
    """
    kept: list[torch.Tensor] = []

    def keep(_: nn.Module, __: object, output: torch.Tensor) -> torch.Tensor | None:
        kept.append(output.detach().requires_grad_() if as_leaf else output.clone())
        return kept[-1].clone() if as_leaf else None

    handle = layer.register_forward_hook(keep)
    try:
        yield kept
    finally:
        handle.remove()
