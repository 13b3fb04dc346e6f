"""Ask a network about images whose pixels somebody changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt
import torch

from skinfw.data.loader import Batch, EvalImages, Source
from skinfw.data.warping import render_views
from skinfw.evaluation.view_averaging import ViewAveraging
from skinfw.guards.answers import check_versions
from skinfw.interfaces.transforms import Step, Warp
from skinfw.interfaces.values import Change, ViewedImage, read_only
from skinfw.models.forward import Guard, forward_batches, in_batches
from skinfw.models.input_pipeline import PixelPipeline
from skinfw.models.modalities import ModalityData
from skinfw.runtime.device import Hardware

TOGETHER = 8
"""Images whose versions are made before the network computes them; there may be dozens of each."""

Image = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
MaskFunction = Callable[[str], Mask | None]


@dataclass(frozen=True)
class ChangedImages:
    """Give several versions of each view of an image; of several pictures the first is changed.

    images: the views as they are.
    mask: the data set's `mask`, or None.
    change: what makes the versions of a view.
    """

    images: EvalImages
    mask: MaskFunction | None
    change: Change

    def batch(self, keys: Sequence[int], pin: bool = False) -> Batch:
        """Return the versions of images; keys are positions.

        They are uint8 [N, K * V, H, W, 3] with the views of a version side by side, or
        [N, K * V, P, H, W, 3] where lesions have several pictures.
        """
        batch = self.images.batch(keys)
        views = batch.images.numpy()
        first = views if views.ndim == 5 else views[:, :, 0]
        versions = [self._versions(index, own) for index, own in zip(keys, first, strict=True)]
        changed = np.stack(versions)  # [N, K, V, H, W, 3]
        if views.ndim == 6:
            others = views[:, None, :, 1:].repeat(changed.shape[1], 1)
            changed = np.concatenate([changed[:, :, :, None], others], 3)
        made = torch.from_numpy(changed).flatten(1, 2)
        return batch._replace(images=made.pin_memory() if pin else made)

    def _versions(self, index: int, views: Image) -> Image:
        """Return all versions of the views of one image, [K, V, H, W, 3]."""
        lesions = lesions_in_views(self.images, self.mask, index, len(views))
        return np.stack(
            [
                check_versions(self.change(ViewedImage(index, read_only(view), lesion)), view.shape)
                for view, lesion in zip(views, lesions, strict=True)
            ],
            axis=1,
        )


def lesions_in_views(
    images: EvalImages, mask: MaskFunction | None, index: int, count: int
) -> Sequence[Mask | None]:
    """Return where the lesion lies in the first views of an image, as the data set's mask says it.

    images: the views as they are.
    mask: the data set's `mask`, or None.
    index: position of the image.
    count: of the views.
    """
    source = images.source
    own = mask(source.paths[index]) if mask else None
    if own is None:
        return [None] * count
    shape = source.read(index).shape[:2]
    if source.decoding.prepare and _unprepared(source).read(index).shape[:2] != shape:
        return [None] * count  # the preparation cut it, nobody knows where
    white = cv2.resize(255 * own.astype(np.uint8), shape[::-1], interpolation=cv2.INTER_AREA)
    plans = images.view.plan(shape)[:count]
    shown = render_views(np.repeat(white[..., None], 3, 2), [_moves(plan) for plan in plans])
    return list(shown[..., 0] > 127)


@torch.inference_mode()
def predict_changed(
    model: torch.nn.Module,
    images: ChangedImages,
    places: Sequence[int],
    classes: int,
    batch_size: int,
    hardware: Hardware,
    view_averaging: ViewAveraging,
    modalities: ModalityData,
    guard: Guard = nullcontext,
) -> npt.NDArray[np.float64]:
    """Return the probabilities of every version of some images, [M, K, C].

    places: positions of the M images in their part.
    classes: how many logits are those of classes; others may stand behind them.
    batch_size: versions that are computed at once.
    view_averaging: what makes one answer of several views; a first view alone is the answer.
    modalities: what is known of the part beside its images.
    guard: names who made the network in whatever it raises.
    """
    views = images.images.batch(places[:1]).images.shape[1]
    batches = [[places[at] for at in cut] for cut in in_batches(len(places), TOGETHER)]
    answers = []
    for batch, logits in forward_batches(
        model,
        PixelPipeline(images, hardware),
        batches,
        hardware,
        modalities.inputs,
        batch_size,
        guard,
    ):
        own = logits[:, :classes].double().cpu()
        shape = (len(batch.targets), -1, views, classes)
        answers.append(view_averaging.probabilities(own).numpy().reshape(shape))
    probabilities = np.concatenate(answers)
    if images.images.first:
        return np.asarray(probabilities[:, :, 0])
    versions = probabilities.reshape(-1, *probabilities.shape[2:])
    return view_averaging.average(versions).reshape(*probabilities.shape[:2], classes)


def _unprepared(source: Source) -> Source:
    return replace(source, decoding=replace(source.decoding, prepare=None), decoded=None)


def _moves(steps: Sequence[Step]) -> list[Step]:
    """Return the steps that move pixels; a mask has no colours."""
    return [step for step in steps if isinstance(step, Warp)]
