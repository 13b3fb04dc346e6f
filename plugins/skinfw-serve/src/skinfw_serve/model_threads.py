"""Threads own the networks: images that come together are computed together."""

from __future__ import annotations

import logging
import math
import queue
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt
import torch

from skinfw import SkinfwError
from skinfw.toolkit import (
    Case,
    PreparedCase,
    answer_prepared,
    predicted_class_maps,
    printable,
    usable_cores,
)

if TYPE_CHECKING:
    from skinfw.toolkit import Outcome, PlannedComponent, TorchPredictor, TrainedModel

Floats = npt.NDArray[np.float64]
Prepared = tuple[PreparedCase, ...]
"""An image as each network of the run sees it."""

_log = logging.getLogger("uvicorn.error")
WAIT = 0.1
"""Seconds at most that the first image of a batch waits for those that are being prepared."""
_WHOLE = 16
"""Views of one batch that are not divided among threads, which would take longer for them."""


@dataclass(frozen=True)
class Look:
    """Hold what the network makes of one image.

    probabilities: [C], as the network gives them.
    features: float32 [D], of the first view; None where nobody compares images.
    map: float32 [H, W] in [0, 1] of the first view; None unless it was asked for.
    fault: why there is no map, though it was asked for.
    """

    probabilities: Floats
    features: npt.NDArray[np.float32] | None
    map: npt.NDArray[np.float32] | None
    fault: str = ""


@dataclass(frozen=True)
class _Task:
    prepared: Prepared
    content: bytes | None
    future: Future[Look] = field(default_factory=Future)


class ModelThreads:
    """Compute images in threads, several at once where several wait; each has its own network.

    A network asked by one thread at a time needs no lock. On a CPU two threads with a core each
    compute more images than one with both, and decoding goes on beside them.
    """

    def __init__(
        self,
        predictors: Sequence[TorchPredictor],
        explainer: PlannedComponent[Any],
        features: bool,
    ) -> None:
        """Begin to wait for images.

        predictors: the network, or an ensemble, once for each thread.
        explainer: makes the maps.
        features: whether anybody compares images.
        """
        workers = [_Worker(own, explainer, features) for own in predictors]
        self.networks: Sequence[TorchPredictor] = workers[0].networks
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._preparing = self._computing = 0
        self._most = max(1, predictors[0].trained_model.batch_size)
        self._threads = [
            threading.Thread(target=self._work, args=[own], name="skinfw-model", daemon=True)
            for own in workers
        ]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """How many images wait."""
        return self._tasks.qsize()

    @property
    def alive(self) -> bool:
        """Whether all threads live."""
        return all(thread.is_alive() for thread in self._threads)

    @contextmanager
    def preparing(self) -> Iterator[None]:
        """Let a batch wait for the image that is prepared inside, and handed to `compute`."""
        with self._changed:
            self._preparing += 1
        try:
            yield
        finally:
            with self._changed:
                self._preparing -= 1
                self._changed.notify_all()

    def compute(self, prepared: Prepared, content: bytes | None) -> Future[Look]:
        """Return what will be known of an image.

        prepared: the image as each network sees it.
        content: its bytes, where a map is wanted.
        """
        task = _Task(prepared, content)
        self._tasks.put(task)
        return task.future

    def stop(self) -> None:
        """Finish what waits, and end."""
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self, worker: _Worker) -> None:
        while (first := self._tasks.get()) is not None:
            tasks = self._batch(first)
            try:
                wanted = [task for task in tasks if task.future.set_running_or_notify_cancel()]
                if wanted:
                    worker.answer(wanted)
            finally:
                with self._changed:
                    self._computing -= 1

    def _batch(self, first: _Task) -> list[_Task]:
        """Return a fair share of the images that wait, and take as many of the cores."""
        with self._changed:
            # Many small batches cost more than what they wait for.
            self._changed.wait_for(self._are_enough, WAIT)
            idle = len(self._threads) - self._computing
            share = math.ceil((self._tasks.qsize() + 1) / idle)
            share = min(self._most, max(share, _WHOLE // len(first.prepared[0].views)))
            self._computing += 1
            torch.set_num_threads(max(1, usable_cores() // self._computing))
            batch = [first]
            while len(batch) < share:
                try:
                    task = self._tasks.get_nowait()
                except queue.Empty:
                    break
                if task is None:  # the end, which a thread shall find
                    self._tasks.put(None)
                    break
                batch.append(task)
            return batch

    def _are_enough(self) -> bool:
        """Tell whether a batch is full, or nothing more is about to come."""
        return not self._preparing or self._tasks.qsize() + 1 >= self._most


class _Worker:
    """Answer for batches of images with one network, or one ensemble."""

    def __init__(
        self, predictor: TorchPredictor, explainer: PlannedComponent[Any], features: bool
    ) -> None:
        self._predictor, self._explainer, self._wants_features = predictor, explainer, features
        self.networks: Sequence[TorchPredictor] = predictor.members or [predictor]

    def answer(self, tasks: Sequence[_Task]) -> None:
        """Give each image its answer, or the error that kept it from one."""
        try:
            outcomes, features = self._look([task.prepared for task in tasks])
        except Exception as error:  # the thread must outlive whatever a network raises
            for task in tasks:
                task.future.set_exception(error)
            return
        for place, (task, outcome) in enumerate(zip(tasks, outcomes, strict=True)):
            if isinstance(outcome, SkinfwError):
                task.future.set_exception(outcome)
                continue
            found, fault = (None, "") if task.content is None else self._map(task.content, outcome)
            own = features[place] if features is not None else None
            task.future.set_result(Look(outcome, own, found, fault))

    def _look(
        self, cases: Sequence[Prepared]
    ) -> tuple[Sequence[Outcome], npt.NDArray[np.float32] | None]:
        """Return the probabilities and the features of some images."""
        firsts = np.cumsum([0, *(len(case[0].views) for case in cases)])[:-1]
        answers, features = [], []
        for place, network in enumerate(self.networks):
            recorder = _Recorder(network, self._wants_features)
            answers.append(list(answer_prepared([case[place] for case in cases], recorder)))
            if self._wants_features:
                features.append(recorder.features[firsts])
        together = [self._combine(own) for own in zip(*answers, strict=True)]
        return together, np.concatenate(features, axis=1) if features else None

    def _combine(self, answers: Sequence[Outcome]) -> Outcome:
        """Return what the networks say together; what one cannot answer, none can."""
        if not self._predictor.members:
            return answers[0]
        if lost := [own for own in answers if isinstance(own, SkinfwError)]:
            return lost[0]
        combination = self._predictor.trained_model.combination
        return np.asarray(combination.arrays(cast("Sequence[Floats]", answers)))

    def _map(
        self, content: bytes, probabilities: Floats
    ) -> tuple[npt.NDArray[np.float32] | None, str]:
        """Return the map of one image, or why there is none."""
        try:
            maps = predicted_class_maps(
                self._predictor, self._explainer, [Case(content)], probabilities[None]
            )
        except SkinfwError as error:
            return None, f"there is no map: {printable(error.what)}"
        except Exception as error:  # of no image either, which has its answer all the same
            _log.exception("an image has no map")
            return None, f"there is no map: {type(error).__name__}, told in full by the terminal"
        return maps[0], ""


class _Recorder:
    """Stand for a network while it answers, and keep the features that its last layer gets."""

    members: Sequence[Any] = ()

    def __init__(self, network: TorchPredictor, wanted: bool) -> None:
        self.trained_model: TrainedModel = network.trained_model
        self._network, self._wanted = network, wanted
        self.features = np.empty((0, 0), np.float32)

    def probabilities(
        self, images: npt.NDArray[np.uint8], metadata: npt.NDArray[np.float32] | None = None
    ) -> Floats:
        """Return the probabilities of images."""
        if not self._wanted:
            return self._network.probabilities(images, metadata)
        answers, self.features = self._network.probabilities_and_features(images, metadata)
        return answers
