"""From the bytes of an image to its answer: decoded, computed, each in threads, told in words."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from skinfw import SkinfwError
from skinfw.toolkit import Case, CasePreparation, usable_cores
from skinfw_serve.model_threads import ModelThreads
from skinfw_serve.problems import ProblemError, image_problem
from skinfw_serve.schemas import Answer, ClassProbability, Map
from skinfw_serve.words import class_in_words

if TYPE_CHECKING:
    from skinfw.toolkit import PlannedComponent, TorchPredictor, TrainedModel
    from skinfw_serve.model_threads import Look, Prepared
    from skinfw_serve.operating_points import Point
    from skinfw_serve.similar import TrainingIndex

_DECODERS = 4  # threads at most; each may hold an image with all its pixels
_TALKATIVE = ("PIL", "python_multipart")
"""Loggers that would tell EXIF data and names of files where somebody wants to know everything."""
COPY = 0.9999
"""The cosine from which on an image may be a copy of a training image."""


@dataclass(frozen=True)
class Wish:
    """Say what is wanted beside the probabilities.

    map: whether the evidence is to be shown.
    similar: how many training images.
    """

    map: bool = False
    similar: int = 0


class Service:
    """Answer for images; nothing of them is kept."""

    def __init__(
        self,
        predictors: Sequence[TorchPredictor],
        explainer: PlannedComponent[Any],
        points: Sequence[Point],
        index: TrainingIndex | None,
    ) -> None:
        """Start the threads.

        predictors: the network of the run, once for each thread that computes.
        explainer: makes the maps.
        points: what would be done at.
        index: of the training images, where similar ones can be told.
        """
        self.model: TrainedModel = predictors[0].trained_model
        self._explainer, self._points, self._index = explainer, points, index
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.ERROR)
        cv2.setNumThreads(0)  # images are too small to share one among threads
        self.threads = ModelThreads(predictors, explainer, index is not None)
        self._preparations = [CasePreparation(own.trained_model) for own in self.threads.networks]
        workers = min(_DECODERS, usable_cores())
        self.pool = ThreadPoolExecutor(workers, "skinfw-decode")
        self._classes = [class_in_words(name) for name in self.model.classes]

    def stop(self) -> None:
        """Finish what was begun, and end the threads."""
        self.pool.shutdown()
        self.threads.stop()

    async def answer(self, content: bytes, wish: Wish) -> Answer:
        """Return the answer for the bytes of an image file.

        Raises ProblemError where they are no image that can be used.
        """
        loop = asyncio.get_running_loop()
        with self.threads.preparing():
            prepared = await loop.run_in_executor(self.pool, self._prepare, content)
            future = self.threads.compute(prepared, content if wish.map else None)
        try:
            look = await asyncio.wrap_future(future)
        except SkinfwError as error:
            raise ProblemError(503, error.what, error.why, error.cure, retry_after=5) from None
        return await loop.run_in_executor(self.pool, self._tell, prepared, look, wish)

    def _prepare(self, content: bytes) -> Prepared:
        """Return the image as each network sees it."""
        prepared = []
        for prepare in self._preparations:
            own = prepare(Case(content))
            if isinstance(own, SkinfwError):
                raise image_problem(own)
            prepared.append(own)
        return tuple(prepared)

    def _tell(self, prepared: Prepared, look: Look, wish: Wish) -> Answer:
        """Return what a reader is told of what the network made of an image."""
        raw, fitted = look.probabilities[None], self.model.calibration
        chances = fitted.scale(raw)[0]
        sets, unknown = fitted.prediction_sets(raw, self.model.classes), fitted.may_be_unknown(raw)
        similar = []
        if self._index and look.features is not None and wish.similar:
            similar = self._index.nearest(look.features, wish.similar)
        best = self._classes[int(chances.argmax())]
        notes = [look.fault] if look.fault else []
        if similar and similar[0].similarity > COPY:
            notes.append(
                "The network sees this like an image of its training, perhaps a copy of it: what "
                "it says of that one tells nothing of others."
            )
        return Answer(
            predicted=best.name,
            words=best.words,
            probabilities=[
                ClassProbability(**own.model_dump(), probability=min(1.0, float(chance)))
                for own, chance in zip(self._classes, chances, strict=True)
            ],
            calibrated=bool(np.isfinite(fitted.temperature)),
            prediction_set=None if sets is None else list(sets[0]),
            may_be_unknown=None if unknown is None else bool(unknown[0]),
            operating_points=[point.apply(look.probabilities) for point in self._points],
            map=None if look.map is None else self._picture(prepared[0].views[0], look.map),
            similar=similar,
            notes=notes,
        )

    def _picture(self, seen: npt.NDArray[np.uint8], values: npt.NDArray[np.float32]) -> Map:
        """Return what the network sees, and over it the map: the more evidence, the less clear."""
        grey = np.round(values * 255).astype(np.uint8)
        coloured = cv2.applyColorMap(grey, cv2.COLORMAP_INFERNO)
        overlay = np.dstack([coloured, grey])
        return Map(
            method=self._explainer.use,
            picture=_png(cv2.cvtColor(seen, cv2.COLOR_RGB2BGR)),
            overlay=_png(cv2.resize(overlay, (seen.shape[1], seen.shape[0]))),
        )


def _png(pixels: npt.NDArray[np.uint8]) -> str:
    _, content = cv2.imencode(".png", pixels)
    return base64.b64encode(content.tobytes()).decode()
