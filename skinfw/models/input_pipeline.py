"""What goes into a network: images into all of it, or remembered features into its last layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from skinfw.data.loader import Batch, Images
from skinfw.models.freezing import head_name
from skinfw.runtime.device import Hardware

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.integer[Any]]
ToInput = Callable[[torch.Tensor], torch.Tensor]


class InputPipeline(Protocol):
    """What training and evaluation compute on.

    images: batches of whatever `to_input` takes.
    """

    @property
    def images(self) -> Images:
        """Batches of whatever `to_input` takes."""

    def network(self, model: nn.Module) -> nn.Module:
        """Return the part of a model that computes logits from its input."""

    def to_input(self, model: nn.Module) -> ToInput:
        """Return the function from a batch to the input of the network, on its device."""


class PixelPipeline:
    """Feed images to the whole network."""

    def __init__(self, images: Images, hardware: Hardware) -> None:
        """Keep the images."""
        self.images, self._hardware = images, hardware

    def network(self, model: nn.Module) -> nn.Module:
        """Return all of it."""
        return model

    def to_input(self, model: nn.Module) -> ToInput:
        """Return the normalisation that the backbone expects."""
        return self._hardware.normaliser(model)


class FeaturePipeline:
    """Feed remembered features to the last layer; the layers before it are frozen."""

    def __init__(self, features: Floats, labels: Integers, hardware: Hardware, views: bool) -> None:
        """Keep the features.

        features: [N, V, D], of all views.
        labels: [N].
        views: whether batches hold all views [N, V, D], as in evaluation, or the first [N, D],
            by the keys of training.
        """
        self._features = torch.from_numpy(features)
        self._labels, self._hardware, self._views = torch.tensor(labels), hardware, views
        self.images = self

    def batch(self, keys: Sequence[Any], pin: bool = False) -> Batch:
        """Return the features and the labels of some images."""
        chosen = torch.tensor([key if self._views else key[2] for key in keys])
        inputs = self._features[chosen]
        return Batch(inputs if self._views else inputs[:, 0], self._labels[chosen], chosen)

    def network(self, model: nn.Module) -> nn.Module:
        """Return the last layer."""
        return model.get_submodule(head_name(model))

    def to_input(self, model: nn.Module) -> ToInput:
        """Return what moves features to the device."""
        return lambda features: features.to(self._hardware.device, non_blocking=True)
