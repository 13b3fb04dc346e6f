"""Predict image files with a trained network: a stream from paths to rows of a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from skinfw import SkinfwError
from skinfw.toolkit import (
    Decoding,
    TrainedModel,
    ViewAveraging,
    make_view,
    prefetch,
    recipe_decoding,
    render_views,
    usable_cores,
)

Floats = npt.NDArray[np.float64]
Views = npt.NDArray[np.uint8]
Answer = tuple[str, Floats | SkinfwError]
"""The path of an image, and its probabilities [C], or what is wrong with it."""

_MOST = 8  # threads; each holds a batch


class Predictor(Protocol):
    """A trained network, whatever computes it."""

    trained_model: TrainedModel

    def probabilities(self, images: Views) -> Floats:
        """Return the probabilities [M, C] of images, uint8 [M, H, W, 3], for any M."""


def predict_images(paths: Sequence[str], network: Predictor, batch_size: int) -> Iterator[Answer]:
    """Answer for images one after the other, while the next ones are decoded.

    paths: of images.
    network: what computes.
    batch_size: images that are decoded and computed together.
    """
    cv2.setNumThreads(0)  # images are too small to share one among threads
    trained_model = network.trained_model
    view = make_view(trained_model.view, trained_model.image.size)
    how = recipe_decoding(trained_model.image, trained_model.components("prepare"))
    cut = [paths[at : at + batch_size] for at in range(0, len(paths), batch_size)]
    tasks = (partial(_prepare, batch, view, how) for batch in cut)
    for batch, prepared in zip(cut, prefetch(tasks, min(_MOST, usable_cores())), strict=True):
        answers = _answers(prepared, network, trained_model.view_averaging)
        yield from zip(batch, answers, strict=True)


def _prepare(paths: Sequence[str], view: Any, how: Decoding) -> list[Views | SkinfwError]:
    """Return all views [V, H, W, 3] of each image, from one decode."""
    return [_views(path, view, how) for path in paths]


def _views(path: str, view: Any, how: Decoding) -> Views | SkinfwError:
    try:
        image = how.read(path)
        return render_views(image, view.plan((image.shape[0], image.shape[1])))
    except SkinfwError as error:
        return error
    except Exception as error:
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
