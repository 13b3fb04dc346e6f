"""Where a run stands: at hand at any moment, whole, and saved as often as that costs little."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from skinfw.runtime.signals import StopSignals
from skinfw.training.checkpoint import save_state

Record = dict[str, float]
SHARE = 0.01
"""The largest share of the time of an epoch that goes into saving."""
RESCUE_SECONDS = 3.0
"""How long a rescue waits for a step that is under way; there is little time."""


@dataclass
class Progress:
    """Hold where a run stands.

    epoch: the epoch under way, from 1.
    batch: batches done in it; all of them where only its validation is left.
    step: batches done in the run.
    loss, right, images: sums over the epoch so far; `right` counts what training called rightly.
    seconds: spent training in the epoch so far.
    lr: learning rate at the start of the epoch.
    numbers: what modules of the network told of their own progress.
    history: a record per finished epoch.
    """

    epoch: int = 1
    batch: int = 0
    step: int = 0
    loss: float = 0.0
    right: float = 0.0
    images: int = 0
    seconds: float = 0.0
    lr: float = 0.0
    numbers: Record = field(default_factory=dict)
    history: list[Record] = field(default_factory=list)


class StateKeeper:
    """Know the state after the last step of the optimizer, whatever is under way, and save it.

    Weights and optimizer change in steps alone, so that they are kept as they are. Buffers, such as
    the statistics of batch normalisation, change with every image; of them there is a copy.
    """

    def __init__(
        self,
        folder: Path | None,
        model: nn.Module,
        average: nn.Module | None,
        parts: Mapping[str, Any],
        save_minutes: float,
    ) -> None:
        """Keep nothing yet.

        folder: of the states; None in processes that save nothing.
        average: the moving average of the weights.
        parts: all else that has a state_dict, by its name.
        save_minutes: the shortest time between two saves inside an epoch.
        """
        self._folder, self._model, self._average, self._parts = folder, model, average, parts
        names = model.state_dict().keys()
        buffers = dict(model.named_buffers(remove_duplicate=False))
        self._buffers = {name: own for name, own in buffers.items() if name in names}
        self._copies = {name: own.clone() for name, own in self._buffers.items()}
        self._at: Progress | None = None
        self._sums = torch.zeros(2)
        self._interval, self._saved = 60 * save_minutes, time.monotonic()
        self._changing = threading.Lock()

    @contextmanager
    def change(self, at: Progress, sums: torch.Tensor | None = None) -> Iterator[None]:
        """Change the state, all of it or nothing as seen from outside.

        at: the progress after the change.
        sums: the epoch's `loss` and `right`, [2], changed likewise; None where the state of a step
            is not to be kept, since its gradients are not whole.
        """
        with self._changing:
            yield
            if sums is None or self._folder is None:
                return
            self._at = replace(at)
            self._sums = sums.clone()
            if self._copies:
                torch._foreach_copy_(list(self._copies.values()), list(self._buffers.values()))

    @property
    def overdue(self) -> bool:
        """Whether it is time to save inside an epoch."""
        return time.monotonic() - self._saved > self._interval

    def save(self) -> None:
        """Write the state of the last step."""
        with self._changing:
            self._write()

    def forget(self) -> None:
        """Save nothing from now on: what is computed next is no state of the run."""
        with self._changing:
            self._at = None

    @contextmanager
    def rescue(self, stop: StopSignals) -> Iterator[None]:
        """Let the signals save, where the process must end in the middle of a batch."""
        stop.rescue = self._rescue
        try:
            yield
        finally:
            stop.rescue = lambda: None

    def _rescue(self) -> None:
        if self._changing.acquire(timeout=RESCUE_SECONDS):
            try:
                self._write()
            finally:
                self._changing.release()

    def _write(self) -> None:
        loss, right = self._sums.tolist()
        if self._folder is None or self._at is None or not math.isfinite(loss):
            return  # a state that diverged must not replace a good one
        started = time.monotonic()
        state = {name: part.state_dict() for name, part in self._parts.items()}
        state["model"] = {**self._model.state_dict(), **self._copies}
        state["ema"] = self._average.state_dict() if self._average else None
        state["progress"] = vars(replace(self._at, loss=loss, right=right))
        save_state(self._folder, state)
        self._saved = time.monotonic()
        self._interval = max(self._interval, (self._saved - started) / SHARE)
