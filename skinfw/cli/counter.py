"""Count images on the terminal: a line that moves, and plain lines where nobody watches."""

from __future__ import annotations

import sys
import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from skinfw.cli.progress import LIVE_SECONDS, PLAIN_SECONDS, StatusLine
from skinfw.cli.terminal import echo
from skinfw.errors import printable


class Counter(StatusLine):
    """Follow a stream of images; everything goes to stderr, so that stdout stays readable."""

    def __init__(self, total: int) -> None:
        """Draw a bar on a terminal, print lines elsewhere.

        total: images in all.
        """
        live = sys.stderr.isatty()
        self._bar = Progress(
            BarColumn(bar_width=28),
            TextColumn("{task.completed}/{task.total}"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(compact=True),
            console=Console(stderr=True),
            disable=not live,
            transient=True,
        )
        self._task = self._bar.add_task("", total=total, rate="")
        self._live, self._total = live, total
        self.seen = self.failed = 0
        self._interval = LIVE_SECONDS if live else PLAIN_SECONDS
        self._start = self._told = time.perf_counter()

    @property
    def images(self) -> str:
        """How many images were seen so far."""
        return "1 image" if self.seen == 1 else f"{self.seen:,} images"

    @property
    def rate(self) -> str:
        """Images per second so far."""
        return f"{self.seen / (time.perf_counter() - self._start):.1f} images/s"

    def count(self) -> None:
        """Count an image, and show it a few times a second."""
        self.seen += 1
        now = time.perf_counter()
        if now - self._told < self._interval:
            return
        self._told = now
        self._bar.update(self._task, completed=self.seen, rate=self.rate)
        if not self._live:
            left = (self._total - self.seen) * (now - self._start) / self.seen
            echo(f"{self.seen}/{self._total}  {self.rate}  {left:.0f} s left", err=True)

    def fail(self, text: str) -> None:
        """Count a failed image and say which and why.

        text: its path and the reason.
        """
        self.failed += 1
        self.say(f"failed: {text}")

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self._bar.console.print(printable(text), highlight=False, markup=False, soft_wrap=True)
