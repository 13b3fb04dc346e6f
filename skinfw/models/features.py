"""What the last layer of a network gets and gives, for scores of what the network does not know."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from skinfw.data.loader import EvalImages, Loader
from skinfw.errors import SkinfwError
from skinfw.interfaces.values import Features
from skinfw.models.freezing import head_name
from skinfw.models.modalities import ModalityData
from skinfw.runtime.device import Hardware


@contextmanager
def into_last_layer(model: nn.Module) -> Iterator[list[torch.Tensor]]:
    """Catch what flows into the last layer, once for each call of the model."""
    caught: list[torch.Tensor] = []
    head = model.get_submodule(head_name(model))
    handle = head.register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0]))
    try:
        yield caught
    finally:
        handle.remove()


@torch.inference_mode()
def penultimate_features(
    model: nn.Module,
    images: EvalImages,
    beside: ModalityData,
    classes: int,
    batch_size: int,
    hardware: Hardware,
) -> Features:
    """Return the features and the logits of the first view of each image.

    beside: what is known of the part beside its images.
    classes: how many logits are those of classes; others may stand behind them.
    Raises SkinfwError where the last layer gets no vector.
    """
    normalise, was_training = hardware.normaliser(model), model.training
    count = len(images.labels)
    cut = [range(start, min(start + batch_size, count)) for start in range(0, count, batch_size)]
    values, logits = [], []
    model.eval()
    try:
        for batch in Loader(images, hardware).load(cut):
            shown = normalise(batch.images[:, 0])
            with into_last_layer(model) as caught, hardware.autocast():
                answers = model(shown, *beside.inputs(batch.rows))
            if caught[-1].ndim != 2 or len(caught[-1]) != len(answers):
                raise SkinfwError(
                    "the network has no features of whole images",
                    why=f"its last layer gets a tensor of shape {tuple(caught[-1].shape)}",
                    cure="choose a score that needs predictions alone, or another backbone",
                )
            values.append(caught[-1].float().cpu())
            logits.append(answers[:, :classes].double().cpu())
    finally:
        model.train(was_training)
    return Features(np.array(images.labels), torch.cat(values).numpy(), torch.cat(logits).numpy())
