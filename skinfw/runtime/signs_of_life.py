"""Signs of life between the processes of a run, so that none waits for one that is gone.

A process that is killed breaks its connections, which ends the others at once. One whose machine
loses its power or its network, or that stands still, breaks none: torch would wait for hours.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Protocol
from uuid import uuid4

from skinfw.errors import SkinfwError
from skinfw.runtime.device import Hardware, broadcast
from skinfw.runtime.group import starter

BEAT_SECONDS = 5.0
SILENT_SECONDS = 40.0
"""A process that gave no sign of life this long is gone."""
_LEFT = 1 << 40
"""Added to the beats of a process that has ended in order."""

_ORPHAN = SkinfwError(
    "the command that has started the processes is gone",
    why="it was killed; what it had started ends, too",
    cure="go on with --resume",
)


class Counters(Protocol):
    """Hold numbers that all processes see; a store of torch."""

    def add(self, key: str, amount: int, /) -> int:
        """Add to a number, 0 at first, and return it."""


class SignsOfLife:
    """Give signs of life and look for those of the others, in two threads.

    The one that talks to the store may stand still with the network; the other one notices.
    """

    def __init__(
        self,
        store: Counters,
        keys: list[str],
        rank: int,
        lost: Callable[[SkinfwError], None],
        starter: int = 0,
        beat: float = BEAT_SECONDS,
        silent: float = SILENT_SECONDS,
    ) -> None:
        """Begin.

        keys: of the counter of each process.
        rank: which process this is.
        lost: called once with the error where a process is gone; from a thread.
        starter: the number of the process that has started this one and must live, 0 for none.
        beat, silent: seconds between two signs, and without any.
        """
        self._store, self._keys, self._rank, self._lost = store, keys, rank, lost
        self._starter, self._beat, self._silent = starter, beat, silent
        self._over = threading.Event()
        self._beats = dict.fromkeys(range(len(keys)), 0)
        self._heard = dict.fromkeys(range(len(keys)), time.monotonic())
        for work in (self._talk, self._watch):
            threading.Thread(target=work, name="skinfw-signs-of-life", daemon=True).start()

    def end(self) -> None:
        """Say that this process has done what the others wait for, and look no longer."""
        self.stop()
        with suppress(Exception):  # the store may have ended with its process
            self._store.add(self._keys[self._rank], _LEFT)

    def stop(self) -> None:
        """Look no longer; the others see that no sign comes any more."""
        self._over.set()

    def _talk(self) -> None:
        while not self._over.is_set():
            with suppress(Exception):  # a store that cannot be reached is silent, too
                for rank, key in enumerate(self._keys):
                    beats = self._store.add(key, int(rank == self._rank))
                    if beats != self._beats[rank]:
                        self._beats[rank], self._heard[rank] = beats, time.monotonic()
            self._over.wait(self._beat)

    def _watch(self) -> None:
        while not self._over.wait(self._beat):
            heard = {rank: time.monotonic() - at for rank, at in self._heard.items()}
            gone = [rank for rank, seconds in heard.items()
                    if seconds > self._silent and self._beats[rank] < _LEFT]  # fmt: skip
            orphan = bool(self._starter) and os.getppid() != self._starter
            if (gone or orphan) and not self._over.is_set():
                self._over.set()
                self._lost(_ORPHAN if orphan else self._error(gone[0], heard[self._rank]))

    def _error(self, gone: int, own: float) -> SkinfwError:
        """Return the error for a process that is gone; own signs came `own` seconds ago."""
        world = len(self._keys)
        what = f"process {gone} of {world} gives no sign of life"
        if own > self._silent / 2:  # they do not arrive, either
            what = f"process {self._rank} of {world} reaches the others no longer"
        return SkinfwError(
            what,
            why=f"nothing was heard for {self._silent:.0f} s: its machine is down or stands still, "
            "or the network between is cut",
            cure="go on with --resume once all machines reach each other",
        )


class _OwnCounters:
    """Hold the numbers of a process that has no others, and only one that has started it."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, key: str, amount: int, /) -> int:
        self._counts[key] += amount
        return self._counts[key]


def _store() -> Counters:
    """Return torch's store, where all processes meet."""
    import torch.distributed as dist

    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    timeout = timedelta(seconds=SILENT_SECONDS)
    store: Counters = dist.TCPStore(  # type: ignore[attr-defined]
        address, port, is_master=False, timeout=timeout
    )
    return store


@contextmanager
def signs_of_life(
    hardware: Hardware, lost: Callable[[SkinfwError], None]
) -> Iterator[Callable[[], None]]:
    """Look after the other processes of a run, as long as this one waits for them.

    lost: called from a thread where one is gone; the process must end then, for it may be in the
        middle of waiting.
    Gives what is called once nobody waits for anybody any more.
    """
    if hardware.world == 1 and not starter():
        yield lambda: None
        return
    store = _OwnCounters() if hardware.world == 1 else _store()
    name = broadcast(uuid4().hex, hardware)  # a store outlives the processes of a start
    keys = [f"skinfw/{name}/{rank}" for rank in range(hardware.world)]
    signs = SignsOfLife(store, keys, hardware.rank, lost, starter())
    try:
        yield signs.end
    finally:
        signs.stop()
