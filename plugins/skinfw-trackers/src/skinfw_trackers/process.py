"""The process that delivers a queue, as whoever starts it sees it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from skinfw_trackers.queue import LOG

_LOOK_SECONDS = 0.05
_END_SECONDS = 5.0
_started: list[subprocess.Popen[bytes]] = []
"""Kept, so that one whose run has failed can end by itself."""


class DeliveryProcess:
    """Start `skinfw_trackers.delivery` for a queue; it ends with this process, too.

    A process of its own can neither hold up the run nor change what components share, and what
    it hangs in can be ended.
    """

    def __init__(self, queue: Path) -> None:
        """Take the folder of the queue, and start."""
        self._queue = queue
        self._start()

    def _start(self) -> None:
        _started[:] = [own for own in _started if own.poll() is None]
        # -P: the current folder may hold a file that has the name of a library.
        command = [sys.executable, "-P", "-m", "skinfw_trackers.delivery", str(self._queue)]
        with (self._queue / LOG).open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,  # its end tells that this process has ended
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the run
            )
        _started.append(self._process)

    def wait(self, until: float, done: Callable[[], bool]) -> None:
        """Wait until all is delivered or nothing more comes, and end the process.

        until: of `time.monotonic`, when nobody waits any longer.
        done: tells whether all is delivered.
        """
        if self._process.poll() is not None and not done():  # it crashed, and may do better now
            self._start()
        while self._process.poll() is None and time.monotonic() < until:
            time.sleep(_LOOK_SECONDS)
        self._end()

    def finish(self) -> None:
        """Let it deliver what there is, and wait for its end."""
        self._close()
        try:
            self._process.wait()
        finally:  # Ctrl-C, too
            self._end()

    def _close(self) -> None:
        """Tell it that nothing more will come."""
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def _end(self) -> None:
        """End the process, whatever it hangs in."""
        self._close()
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
