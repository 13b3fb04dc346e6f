"""Show components that look inside a network: images, where their lesions are, and the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import torch

from skinfw.data.loader import EvalImages, Loader
from skinfw.evaluation.changed_images import MaskFunction, lesions_in_views
from skinfw.evaluation.explain import with_metadata
from skinfw.interfaces.values import InspectedImages, Predictions, read_only
from skinfw.models.modalities import ModalityData
from skinfw.runtime.device import Hardware
from skinfw.statistics.intervals import select

BATCH = 16


def inspect_images(
    model: torch.nn.Module,
    images: EvalImages,
    mask: MaskFunction | None,
    predictions: Predictions,
    places: Sequence[int],
    hardware: Hardware,
    modalities: ModalityData,
) -> Iterator[InspectedImages]:
    """Yield some images in batches, each with the network that looks at them.

    images: of the part that was predicted, in the same order, the first view of each.
    mask: the data set's `mask`, or None.
    predictions: of that part.
    places: positions of the images.
    modalities: what is known of the part beside its images.
    """
    model.eval()
    cut = [list(places[start : start + BATCH]) for start in range(0, len(places), BATCH)]
    normalise = hardware.normaliser(model)
    for own, (views, _, rows) in zip(cut, Loader(images, hardware).load(cut), strict=True):
        first = views[:, 0]
        pictures = first if first.ndim == 5 else first[:, None]
        yield InspectedImages(
            predictions=select(predictions, np.array(own, int)),
            pixels=read_only(pictures[:, 0].numpy()),
            lesions=[lesions_in_views(images, mask, place, 1)[0] for place in own],
            model=with_metadata(model, modalities.inputs(rows)),
            to_input=partial(_to_input, normalise, pictures[:, 1:]),
        )


def _to_input(
    normalise: Callable[[torch.Tensor], torch.Tensor], others: torch.Tensor, pixels: torch.Tensor
) -> torch.Tensor:
    """Return what the network gets of first pictures; those beside them are as they are."""
    if not others.shape[1]:
        return normalise(pixels)
    return normalise(torch.cat([pixels[:, None], others.to(pixels)], 1))
