"""Stop when asked, so that nothing is lost, and soon, whatever the program is doing."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

GRACE_SECONDS = 5.0
"""How long SIGTERM lets a batch end by itself; half of what clusters grant before they kill."""


class StopSignals:
    """Know whether Ctrl-C or SIGTERM has come, and what to do about it.

    The first signal raises KeyboardInterrupt, or waits where work is to be ended in order. The
    second one raises at once. After SIGTERM, whoever has not ended in time is ended from outside.

    name: of the first signal, "" before it comes.
    rescue: keeps what would be lost, in the few seconds before the process is ended from outside;
        may be called from another thread at any time.
    """

    def __init__(self, leave: Callable[[], None] = lambda: None) -> None:
        """Keep what is to be done before the process is ended from outside.

        leave: says on disk that the process was stopped.
        """
        self.name = ""
        self.rescue: Callable[[], None] = lambda: None
        self._leave, self._orderly = leave, 0
        self._done, self._ending = threading.Event(), threading.Lock()

    def __call__(self) -> bool:
        """Tell whether somebody has asked to stop."""
        return bool(self.name)

    @contextmanager
    def wait(self) -> Iterator[None]:
        """Let the first signal wait: what is done here is short, or asks now and then."""
        self._orderly += 1
        try:
            yield
        finally:
            self._orderly -= 1

    def ask(self, number: int, _: FrameType | None = None) -> None:
        """Hear a signal."""
        again, self.name = bool(self.name), self.name or signal.Signals(number).name
        if again or not self._orderly:
            raise KeyboardInterrupt

    def watch(self, heard: socket.socket) -> None:
        """Wait for SIGTERM; end the process where it does not end by itself.

        A thread's work: the main thread hears no signal as long as it computes outside of Python.

        heard: gets the number of each signal at once, and is closed in the end.
        """
        while number := heard.recv(1):
            if number[0] == signal.SIGTERM:
                break
        else:
            return
        if self._done.wait(GRACE_SECONDS):
            return
        with self._ending:
            if self._done.is_set():
                return
            self.name = self.name or "SIGTERM"
            with contextlib.suppress(Exception):
                self.rescue()
            with contextlib.suppress(Exception):
                self._leave()
            os._exit(128 + signal.SIGTERM)

    def end(self) -> None:
        """Say that the work has ended by itself."""
        with self._ending:
            self._done.set()


@contextmanager
def stop_signals(leave: Callable[[], None] = lambda: None) -> Iterator[StopSignals]:
    """Listen to Ctrl-C and SIGTERM.

    leave: says on disk that the process was stopped, where it is ended from outside.
    """
    stop = StopSignals(leave)
    signals = (signal.SIGINT, signal.SIGTERM)
    try:
        before = {number: signal.signal(number, stop.ask) for number in signals}
    except ValueError:  # not the main thread, which alone may set handlers
        yield stop
        return
    heard, told = socket.socketpair()
    told.setblocking(False)
    listener = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    watcher = threading.Thread(target=stop.watch, args=(heard,), name="skinfw-stop", daemon=True)
    watcher.start()
    try:
        yield stop
    finally:
        stop.end()
        signal.set_wakeup_fd(listener)
        for number, handler in before.items():
            signal.signal(number, handler)
        told.close()
        watcher.join()
        heard.close()


def exit_code(name: str) -> int:
    """Return the exit code of a process that a signal has stopped.

    name: of the signal.
    """
    return 128 + signal.Signals[name]
