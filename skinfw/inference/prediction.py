"""Predict images with a trained network: a stream from images to probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from skinfw.data.decoding import Decoding
from skinfw.data.metadata import encode_metadata
from skinfw.data.preparation import make_view, recipe_decoding
from skinfw.data.warping import render_views
from skinfw.errors import SkinfwError
from skinfw.inference.trained_model import TrainedModel
from skinfw.runtime.prefetch import prefetch, usable_cores

Floats = npt.NDArray[np.float64]
Views = npt.NDArray[np.uint8]
Picture = str | bytes | npt.NDArray[np.uint8]
"""The path of an image file, the bytes of one, or an image, uint8 RGB [H, W, 3]."""


@dataclass(frozen=True)
class Case:
    """Hold a lesion that a network is asked about.

    image: the picture that networks of one picture see.
    beside: what else is known, by the columns of the recipe's [modalities]: further pictures, and
        metadata as texts. What the network does not ask for is no matter.
    """

    image: Picture
    beside: Mapping[str, Any] = field(default_factory=dict)


class PreparedCase(NamedTuple):
    """Hold what a network gets of one case.

    views: uint8 [V, H, W, 3], or [V, P, H, W, 3] where it looks at several pictures.
    metadata: float32 [K].
    """

    views: Views
    metadata: npt.NDArray[np.float32]


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

    def probabilities(
        self, images: Views, metadata: npt.NDArray[np.float32] | None = None
    ) -> Floats:
        """Return the probabilities [M, C] of images, uint8 [M, H, W, 3], for any M.

        Of networks that look at P pictures the images are [M, P, H, W, 3].
        metadata: [M, K], NaN where a value is missing; None where all of them are.
        """


def predict_images(cases: Sequence[Case], network: Predictor, batch_size: int) -> Iterator[Outcome]:
    """Answer for cases one after the other, while the images of the next ones are decoded.

    network: what computes.
    batch_size: cases that are decoded and computed together.
    """
    if network.members:
        yield from _answers_together(cases, network, batch_size)
        return
    cv2.setNumThreads(0)  # images are too small to share one among threads
    prepare = CasePreparation(network.trained_model)
    cut = [cases[at : at + batch_size] for at in range(0, len(cases), batch_size)]
    tasks = (partial(_prepare, batch, prepare) for batch in cut)
    for prepared in prefetch(tasks, min(_MOST, usable_cores())):
        yield from answer_prepared(prepared, network)


def _answers_together(
    cases: Sequence[Case], network: Predictor, batch_size: int
) -> Iterator[Outcome]:
    """Return what the members of an ensemble say together; what one cannot answer, none can."""
    streams = [predict_images(cases, member, batch_size) for member in network.members]
    for answers in zip(*streams, strict=True):
        lost = [own for own in answers if isinstance(own, SkinfwError)]
        yield lost[0] if lost else network.trained_model.combination.arrays(answers)


def _prepare(cases: Sequence[Case], prepare: CasePreparation) -> list[PreparedCase | SkinfwError]:
    return [prepare(case) for case in cases]


class CasePreparation:
    """Make of cases what a network gets, as it was trained to see them."""

    def __init__(self, trained_model: TrainedModel) -> None:
        """Keep how it looks at images, and what it knows beside them."""
        self._view = make_view(trained_model.view, trained_model.image.size)
        self._how = recipe_decoding(trained_model.image, trained_model.components("prepare"))
        self._pictures, self._known = trained_model.pictures, trained_model.known

    def __call__(self, case: Case) -> PreparedCase | SkinfwError:
        """Return all views of a case, from one decode of each picture, or what is wrong with it."""
        views = []
        for name in ("", *self._pictures):
            image = case.beside.get(name, "") if name else case.image
            if isinstance(image, str) and not image:
                return SkinfwError(f"its picture {name} is not given")
            own = image_views(image, self._view, self._how)
            if isinstance(own, SkinfwError):
                return own
            views.append(own)
        try:
            columns = {name: [value] for name, value in case.beside.items()}
            metadata = encode_metadata(self._known, columns, 1)[0]
        except SkinfwError as error:
            return error
        return PreparedCase(np.stack(views, 1) if len(views) > 1 else views[0], metadata)


def image_views(image: Picture, view: Any, how: Decoding) -> Views | SkinfwError:
    """Return all views [V, H, W, 3] of an image, or what is wrong with it.

    view: from `make_view`.
    how: images are decoded.
    """
    try:
        pixels = _pixels(image, how)
        return render_views(pixels, view.plan((pixels.shape[0], pixels.shape[1])))
    except SkinfwError as error:
        return error
    except Exception as error:
        path = image if isinstance(image, str) else ""
        return SkinfwError("an image cannot be prepared", path, f"{type(error).__name__}: {error}")


def _pixels(image: Picture, how: Decoding) -> npt.NDArray[np.uint8]:
    """Return a picture as the network's data show it, whatever it is given as."""
    if isinstance(image, str):
        return how.read(image)
    return how.decode(image, "") if isinstance(image, bytes) else how.read_pixels(image)


def answer_prepared(
    prepared: Sequence[PreparedCase | SkinfwError], network: Predictor
) -> Iterator[Outcome]:
    """Return what all views of each case say together, where it could be prepared.

    network: one, or a member of an ensemble; the cases are prepared as it looks at images.
    """
    averaging = network.trained_model.view_averaging
    good = [case for case in prepared if not isinstance(case, SkinfwError)]
    rows: Floats = np.empty((0, 0))
    if good:
        known = [case.metadata[None].repeat(len(case.views), 0) for case in good]
        views = np.concatenate([case.views for case in good])
        rows = network.probabilities(views, np.concatenate(known))
    start = 0
    for case in prepared:
        if isinstance(case, SkinfwError):
            yield case
            continue
        own = rows[None, start : start + len(case.views)]
        start += len(case.views)
        finite = bool(np.isfinite(own).all())
        said = "the network's answer is not finite"
        yield averaging.average(own)[0] if finite else SkinfwError(said)
