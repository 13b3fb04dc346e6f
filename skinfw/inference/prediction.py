"""Predict images with a trained network: a stream from images to probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from skinfw.data.decoding import Decoding
from skinfw.data.preparation import make_view, recipe_decoding
from skinfw.data.warping import render_views
from skinfw.errors import SkinfwError
from skinfw.evaluation.view_averaging import ViewAveraging
from skinfw.inference.trained_model import TrainedModel
from skinfw.runtime.prefetch import prefetch, usable_cores

Floats = npt.NDArray[np.float64]
Views = npt.NDArray[np.uint8]
Picture = str | npt.NDArray[np.uint8]
"""The path of an image file, or an image, uint8 RGB [H, W, 3]."""

Outcome = Floats | SkinfwError
"""The probabilities [C] of an image, or what is wrong with it."""

_MOST = 8  # threads; each holds a batch


class Predictor(Protocol):
    """A trained network, whatever computes it.

    members: of an ensemble that is computed network by network; empty where it is one.
    """

    trained_model: TrainedModel

    @property
    def members(self) -> Sequence[Predictor]:
        """The networks of an ensemble, each of which looks at images in its own way."""

    def probabilities(self, images: Views) -> Floats:
        """Return the probabilities [M, C] of images, uint8 [M, H, W, 3], for any M."""


def predict_images(
    images: Sequence[Picture], network: Predictor, batch_size: int
) -> Iterator[Outcome]:
    """Answer for images one after the other, while the next ones are decoded.

    images: paths or pixels.
    network: what computes.
    batch_size: images that are decoded and computed together.
    """
    if network.members:
        yield from _answers_together(images, network, batch_size)
        return
    cv2.setNumThreads(0)  # images are too small to share one among threads
    trained_model = network.trained_model
    view = make_view(trained_model.view, trained_model.image.size)
    how = recipe_decoding(trained_model.image, trained_model.components("prepare"))
    cut = [images[at : at + batch_size] for at in range(0, len(images), batch_size)]
    tasks = (partial(_prepare, batch, view, how) for batch in cut)
    for prepared in prefetch(tasks, min(_MOST, usable_cores())):
        yield from _answers(prepared, network, trained_model.view_averaging)


def _answers_together(
    images: Sequence[Picture], network: Predictor, batch_size: int
) -> Iterator[Outcome]:
    """Return what the members of an ensemble say together; what one cannot answer, none can."""
    streams = [predict_images(images, member, batch_size) for member in network.members]
    for answers in zip(*streams, strict=True):
        lost = [own for own in answers if isinstance(own, SkinfwError)]
        yield lost[0] if lost else network.trained_model.combination.arrays(answers)


def _prepare(images: Sequence[Picture], view: Any, how: Decoding) -> list[Views | SkinfwError]:
    """Return all views [V, H, W, 3] of each image, from one decode."""
    return [image_views(image, view, how) for image in images]


def image_views(image: Picture, view: Any, how: Decoding) -> Views | SkinfwError:
    """Return all views [V, H, W, 3] of an image, or what is wrong with it.

    view: from `make_view`.
    how: images are decoded.
    """
    try:
        pixels = how.read(image) if isinstance(image, str) else how.read_pixels(image)
        return render_views(pixels, view.plan((pixels.shape[0], pixels.shape[1])))
    except SkinfwError as error:
        return error
    except Exception as error:
        path = image if isinstance(image, str) else ""
        return SkinfwError("an image cannot be prepared", path, f"{type(error).__name__}: {error}")


def _answers(
    prepared: Sequence[Views | SkinfwError], network: Predictor, averaging: ViewAveraging
) -> Iterator[Floats | SkinfwError]:
    """Return what all views of each image say together, where it could be prepared."""
    good = [views for views in prepared if not isinstance(views, SkinfwError)]
    rows = network.probabilities(np.concatenate(good)) if good else np.empty((0, 0))
    start = 0
    for views in prepared:
        if isinstance(views, SkinfwError):
            yield views
            continue
        own = rows[None, start : start + len(views)]
        start += len(views)
        finite = bool(np.isfinite(own).all())
        said = "the network's answer is not finite"
        yield averaging.average(own)[0] if finite else SkinfwError(said)
