"""Features of images: what the last layer gets, and the last map averaged over space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from skinfw.data.loader import EvalImages
from skinfw.errors import SkinfwError
from skinfw.interfaces.values import Features
from skinfw.models.forward import forward_batches, in_batches, into_last_layer, out_of_layer
from skinfw.models.input_pipeline import PixelPipeline
from skinfw.models.modalities import ModalityData
from skinfw.runtime.device import Hardware

Integers = npt.NDArray[np.integer[Any]]


class NoFeaturesError(SkinfwError):
    """Say that the last layer of a network gets no vector for each image."""


def penultimate_features(
    model: nn.Module,
    images: EvalImages,
    modalities: ModalityData,
    classes: int,
    batch_size: int,
    hardware: Hardware,
    places: Sequence[int] | None = None,
) -> Features:
    """Return what the last layer gets and gives, for the first view of each image.

    images: their first views.
    modalities: what is known of the part beside its images.
    classes: how many logits are those of classes; others may stand behind them.
    places: positions of the images that are looked at; all unless given.
    Raises NoFeaturesError where the last layer gets no vector.
    """
    pipeline = PixelPipeline(images, hardware)
    wanted = range(len(images.labels)) if places is None else [int(place) for place in places]
    batches = [wanted[cut.start : cut.stop] for cut in in_batches(len(wanted), batch_size)]
    values, logits = [], []
    with into_last_layer(model) as caught:
        for _, answers in forward_batches(model, pipeline, batches, hardware, modalities.inputs):
            values.append(whole_image_features(caught, len(answers)))
            logits.append(answers[:, :classes].double().cpu())
    true = np.array(images.labels)[list(wanted)]
    return Features(true, torch.cat(values).numpy(), torch.cat(logits).numpy())


def whole_image_features(caught: list[torch.Tensor], images: int) -> torch.Tensor:
    """Return what flowed into the last layer, float32 [M, D] on the CPU, and forget it.

    caught: from `into_last_layer`.
    images: M, how many there were.
    Raises NoFeaturesError where the last layer gets no vector.
    """
    features = caught.pop()
    if features.ndim != 2 or len(features) != images:
        raise NoFeaturesError(
            "the network has no features of whole images",
            why=f"its last layer gets a tensor of shape {tuple(features.shape)}",
            cure="choose what needs predictions alone, or another backbone",
        )
    return features.float().cpu()


def map_features(
    model: nn.Module, images: EvalImages, indices: Integers, batch_size: int, hardware: Hardware
) -> npt.NDArray[np.float32]:
    """Return the backbone's last map of some images, averaged over space, float32 [M, D].

    model: with a `cam_layer`.
    images: the first views of the training part.
    indices: int [M], which of them.
    """
    wanted = [int(index) for index in indices]
    batches = [wanted[cut.start : cut.stop] for cut in in_batches(len(wanted), batch_size)]
    features: list[torch.Tensor] = []
    with out_of_layer(model, str(model.cam_layer)) as caught:
        for _ in forward_batches(model, PixelPipeline(images, hardware), batches, hardware):
            output = caught.pop()
            features.append(output.mean((2, 3) if output.ndim == 4 else (1,)).float().cpu())
    return np.asarray(torch.cat(features).numpy(), np.float32)
