"""Progress that a person likes to watch, and plain lines where nobody does."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Column

from skinfw.cli.durations import duration
from skinfw.cli.terminal import echo
from skinfw.errors import printable
from skinfw.interfaces.hooks import hookimpl

PLAIN_SECONDS = 30.0
LIVE_SECONDS = 0.25
WIDE = 80
"""Columns of a terminal that has room for rate and loss beside the bar."""


class StatusLine:
    """Hold the last line of the terminal while a bar is drawn there."""

    _bar: Progress

    def __enter__(self) -> Self:
        """Take over the last line of the terminal."""
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the last line back."""
        self._bar.stop()


class Watcher(StatusLine):
    """Follow a run on the terminal."""

    def __init__(self) -> None:
        """Draw a bar on a terminal, print lines elsewhere."""
        self._live = sys.stdout.isatty()
        self._bar = Progress(
            _column("epoch {task.fields[epoch]}"),
            BarColumn(bar_width=None, table_column=Column(ratio=1, min_width=6)),
            _column("{task.completed}/{task.total}"),
            _column("{task.fields[rate]}"),
            _column("{task.fields[loss]}"),
            _column("{task.fields[left]}"),
            disable=not self._live,
            transient=True,
            expand=True,
        )
        self._wide = self._bar.console.width >= WIDE
        self._interval = LIVE_SECONDS if self._live else PLAIN_SECONDS
        self._epochs = self._steps = 0
        self._epoch = ""
        self._seconds = 0.0  # of the last epoch, none yet

    @hookimpl
    def epoch_start(self, epoch: int, epochs: int, steps: int, images: int) -> None:
        """Start a new bar."""
        self._epochs, self._steps, self._epoch = epochs, steps, f"{epoch}/{epochs}"
        self._later = epochs - epoch
        self._seen, self._steps_seen = 0, 0
        self._start = self._told = time.perf_counter()
        for task in self._bar.task_ids:
            self._bar.remove_task(task)
        self._task = self._bar.add_task(
            "", total=steps, epoch=self._epoch, rate="", loss="", left=""
        )

    @hookimpl
    def step_end(self, step: int, images: int, loss: Any) -> None:
        """Move the bar, a few times a second: reading the loss waits for the device."""
        self._seen += images
        self._steps_seen += 1  # fewer than `step` where a resumed epoch goes on
        now = time.perf_counter()
        if now - self._told < self._interval and step < self._steps:
            return
        self._told = now
        rate = f"{self._seen / (now - self._start):.1f} images/s"
        value = f"loss {float(loss):.3f}"
        pace = (now - self._start) / self._steps_seen
        epoch = (self._steps - step) * pace
        training = epoch + self._later * (self._seconds or self._steps * pace)
        if self._live:
            left = f"{duration(epoch)} · training {duration(training)}"
            beside = (rate, value) if self._wide else ("", "")
            self._bar.update(self._task, completed=step, rate=beside[0], loss=beside[1], left=left)
        elif step < self._steps:
            left = f"epoch {duration(epoch)}, training {duration(training)} left"
            self.say(f"epoch {self._epoch}  batch {step}/{self._steps}  {rate}  {value}  {left}")

    @hookimpl
    def epoch_end(self, record: Mapping[str, float]) -> None:
        """Print the epoch's line."""
        # All batches, those before a resumption too, and the validation.
        self._seconds = record["seconds"] + time.perf_counter() - self._told
        numbers = [
            f"epoch {record['epoch']:.0f}/{self._epochs}",
            f"train loss {record['train_loss']:.3f}",
            *(
                f"{name.replace('_', ' ')} {record[name]:.3f}"
                for name in ("val_loss", "balanced_accuracy", "accuracy")
                if name in record
            ),
            f"{record['images_per_second']:.1f} images/s",
            f"{record['seconds']:.0f} s",
        ]
        if self._later:
            numbers.append(f"training {duration(self._later * self._seconds)} left")
        self.say("  ".join(numbers))

    def say(self, line: str) -> None:
        """Print a line above the bar, broken between words where a terminal is too narrow."""
        if self._live:
            shown = printable(line)
            self._bar.console.print(shown, highlight=False, markup=False, emoji=False)
        else:
            echo(line)


def _column(text: str) -> TextColumn:
    return TextColumn(text, table_column=Column(no_wrap=True))
