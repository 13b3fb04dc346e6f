"""The statistics of batch normalisation, computed anew for weights that were not trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from skinfw.data.loader import Loader
from skinfw.models.forward import Metadata, no_metadata
from skinfw.models.input_pipeline import InputPipeline
from skinfw.runtime.device import Hardware


@torch.no_grad()
def recompute_statistics(
    model: nn.Module,
    names: Sequence[str],
    pipeline: InputPipeline,
    batches: Sequence[Sequence[Any]],
    hardware: Hardware,
    metadata: Metadata = no_metadata,
) -> None:
    """Set running means and variances to those of images, as averaged weights need it.

    Izmailov et al. 2018 (arXiv 1803.05407), algorithm 1.

    names: of the modules; all others stay as they are.
    pipeline, batches, metadata: of training images, as for `forward_batches`; no batch is of one
        image, which has no variance.
    """
    modules = [own for name, own in model.named_modules()
               if name in names and isinstance(own, _BatchNorm)]  # fmt: skip
    if not modules:
        return
    momenta = [own.momentum for own in modules]
    to_input = pipeline.to_input(model)
    model.eval()
    seen = 0
    for own in modules:
        own.reset_running_stats()
        own.train()
    for batch in Loader(pipeline.images, hardware).load(batches):
        inputs = to_input(batch.images.flatten(0, 1))
        seen += len(inputs)
        for own in modules:
            own.momentum = len(inputs) / seen  # the mean of all images, whatever the last batch has
        with hardware.autocast():
            model(inputs, *metadata(batch.rows, batch.images.shape[1]))
    for own, momentum in zip(modules, momenta, strict=True):
        own.momentum = momentum
    model.eval()
