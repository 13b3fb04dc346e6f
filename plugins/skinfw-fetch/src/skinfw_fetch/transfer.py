"""Count bytes on the terminal: a line that moves, and plain lines where nobody watches."""

from __future__ import annotations

import sys
import time

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from skinfw.toolkit import LIVE_SECONDS, PLAIN_SECONDS, StatusLine, amount, echo, printable


class Transfer(StatusLine):
    """Follow bytes on the terminal; everything goes to stderr, so that stdout stays readable."""

    def __init__(self) -> None:
        """Draw a bar on a terminal, print lines elsewhere."""
        self._live = sys.stderr.isatty()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(compact=True),
            console=Console(stderr=True),
            disable=not self._live,
            transient=True,
        )
        self._interval = LIVE_SECONDS if self._live else PLAIN_SECONDS

    def begin(self, text: str, total: int, done: int) -> None:
        """Start a new bar.

        text: what is done.
        total: in bytes; 0 where nobody knows it.
        done: bytes that were done before.
        """
        for task in self._bar.task_ids:
            self._bar.remove_task(task)
        self._task = self._bar.add_task(text, total=total or None, completed=done)
        self._text, self._total, self._done, self._before = text, total, done, done
        self._start = self._told = time.perf_counter()
        if not self._live:
            echo(f"{text}  {amount(total)}" if total else text, err=True)

    def advance(self, count: int) -> None:
        """Count bytes, and show them a few times a second.

        count: how many more there are.
        """
        self._done += count
        now = time.perf_counter()
        if now - self._told < self._interval:
            return
        self._told = now
        self._bar.update(self._task, completed=self._done)
        if not self._live:
            rate = (self._done - self._before) / (now - self._start)
            total = f" of {amount(self._total)}" if self._total else ""
            echo(f"{self._text}  {amount(self._done)}{total}  {amount(int(rate))}/s", err=True)

    def say(self, text: str) -> None:
        """Print a line above the bar.

        text: the line.
        """
        self._bar.console.print(printable(text), highlight=False, markup=False, soft_wrap=True)
