"""Push batches through a network, whatever is wanted of it: the one loop of evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import nn

from skinfw.data.loader import Batch, Loader
from skinfw.models.freezing import head_name
from skinfw.models.input_pipeline import InputPipeline
from skinfw.runtime.device import Hardware

Metadata = Callable[[torch.Tensor, int], tuple[torch.Tensor, ...]]
Guard = Callable[[], AbstractContextManager[None]]


def no_metadata(rows: torch.Tensor, views: int = 1) -> tuple[torch.Tensor, ...]:
    """Return nothing: what a network gets beside its images, where it gets images alone."""
    return ()


@torch.inference_mode()
def forward_batches(
    model: nn.Module,
    pipeline: InputPipeline,
    batches: Sequence[Sequence[Any]],
    hardware: Hardware,
    metadata: Metadata = no_metadata,
    most: int = 0,
    guard: Guard = nullcontext,
) -> Iterator[tuple[Batch, torch.Tensor]]:
    """Yield each batch with the network's answers; the network is in evaluation mode meanwhile.

    pipeline: what the network computes on; its batches hold all views of each image.
    batches: keys of the images of each batch.
    metadata: (rows, views) -> what the network gets after the images.
    most: views that are computed at once; 0 computes all of a batch.
    guard: names who made the network in whatever it raises.
    Yields the batch and its logits, float32 [N * V, W].
    """
    to_input, network = pipeline.to_input(model), pipeline.network(model)
    was_training = model.training
    model.eval()
    try:
        for batch in Loader(pipeline.images, hardware).load(batches):
            views = batch.images.flatten(0, 1)
            inputs = (views, *metadata(batch.rows, batch.images.shape[1]))
            pieces = [torch.split(tensor, most or len(views)) for tensor in inputs]
            with hardware.autocast(), guard():
                logits = [
                    network(to_input(images), *known).float()
                    for images, *known in zip(*pieces, strict=True)
                ]
            yield batch, torch.cat(logits)
    finally:
        model.train(was_training)


def in_batches(count: int, batch_size: int) -> list[range]:
    """Return the positions of some images, cut into batches."""
    return [range(at, min(at + batch_size, count)) for at in range(0, count, batch_size)]


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


@contextmanager
def out_of_layer(model: nn.Module, name: str) -> Iterator[list[torch.Tensor]]:
    """Catch what leaves a layer, once for each call of the model."""
    caught: list[torch.Tensor] = []
    handle = model.get_submodule(name).register_forward_hook(
        lambda _, __, output: caught.append(output)
    )
    try:
        yield caught
    finally:
        handle.remove()
