"""Progress that a person likes to watch, and plain lines where nobody does."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from skinfw.interfaces.hooks import hookimpl
from skinfw.interfaces.values import Predictions, Result
from skinfw.recipe.loading import display_path
from skinfw.statistics.intervals import few_lesions

PLAIN_SECONDS = 30.0
LIVE_SECONDS = 0.25


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
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(bar_width=28),
            TextColumn("{task.completed}/{task.total}"),
            TextColumn("{task.fields[rate]}"),
            TextColumn("{task.fields[loss]}"),
            TimeRemainingColumn(compact=True),
            disable=not self._live,
            transient=True,
        )
        self._interval = LIVE_SECONDS if self._live else PLAIN_SECONDS
        self._epochs = self._steps = 0
        self._epoch = ""

    @hookimpl
    def epoch_start(self, epoch: int, epochs: int, steps: int, images: int) -> None:
        """Start a new bar."""
        self._epochs, self._steps, self._epoch = epochs, steps, f"{epoch}/{epochs}"
        self._seen, self._steps_seen = 0, 0
        self._start = self._told = time.perf_counter()
        for task in self._bar.task_ids:
            self._bar.remove_task(task)
        self._task = self._bar.add_task("", total=steps, epoch=self._epoch, rate="", loss="")

    @hookimpl
    def step_end(self, step: int, images: int, loss: Any) -> None:
        """Move the bar, a few times a second: reading the loss waits for the device."""
        self._seen += images
        self._steps_seen += 1  # fewer than `step` where a resumed epoch goes on
        now = time.perf_counter()
        if now - self._told < self._interval and step < self._steps:
            return
        self._told = now
        rate, value = self._seen / (now - self._start), float(loss)
        self._bar.update(
            self._task, completed=step, rate=f"{rate:.1f} images/s", loss=f"loss {value:.3f}"
        )
        if not self._live and step < self._steps:
            left = (self._steps - step) * (now - self._start) / self._steps_seen
            click.echo(
                f"epoch {self._epoch}  batch {step}/{self._steps}  {rate:.1f} images/s  "
                f"loss {value:.3f}  {left:.0f} s left"
            )

    @hookimpl
    def epoch_end(self, record: Mapping[str, float]) -> None:
        """Print the epoch's line."""
        numbers = [
            f"epoch {record['epoch']:.0f}/{self._epochs}",
            f"train loss {record['train_loss']:.3f}",
            f"val loss {record['val_loss']:.3f}",
            *(
                f"{name.replace('_', ' ')} {record[name]:.3f}"
                for name in ("balanced_accuracy", "accuracy")
                if name in record
            ),
            f"{record['images_per_second']:.1f} images/s",
            f"{record['seconds']:.0f} s",
        ]
        self._bar.console.print("  ".join(numbers), highlight=False, soft_wrap=True)


def summary(result: Result) -> str:
    """Return what a user wants to know when a run is done.

    result: of the run.
    """
    best = result.history[result.best_epoch - 1][result.select]
    lines = [
        f"best epoch {result.best_epoch}: {result.select.replace('_', ' ')} {best:.3f}",
        *test_lines(
            result.predictions["test"],
            result.metrics["test"],
            result.intervals.get("test", {}),
            result.select,
        ),
        *(f"note: {mark}" for mark in result.marks),
        *(f"  {display_path(file)}" for file in sorted(result.folder.rglob("*")) if file.is_file()),
    ]
    return "\n".join(lines)


def test_lines(
    predictions: Predictions,
    metrics: Mapping[str, float],
    bounds: Mapping[str, tuple[float, float]],
    select: str,
) -> list[str]:
    """Return the numbers of a test part with their intervals; those of classes are in files.

    select: the number that the run was selected by, which its reader asks for first.
    """
    numbers = {name: value for name, value in metrics.items() if "/" not in name}
    names = sorted(numbers, key=lambda name: name != select)
    width = max(map(len, names), default=0)
    beside = ", 95 % intervals in brackets" if bounds else ""
    images, lesions = len(predictions.ids), len(set(predictions.lesions))
    lines = [f"test  {images:,} images of {lesions:,} lesions{beside}"]
    for name in names:
        line = f"test  {name.replace('_', ' '):{width}}  {numbers[name]:.3f}"
        low, high = bounds.get(name, (math.nan, math.nan))
        lines.append(line if math.isnan(low) else f"{line}  ({low:.3f} to {high:.3f})")
    few = few_lesions(predictions)
    if bounds and few:
        counts = ", ".join(f"{name} {count}" for name, count in few.items())
        lines.append(f"note: too few test lesions for intervals to be relied on: {counts}")
    return lines
