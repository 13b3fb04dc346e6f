"""Tasks as processes of this machine, each with a log; those of all launchers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from skinfw import Task

END_SECONDS = 20.0
"""A run ends within ten seconds of SIGTERM; what is still there then is killed."""

LOCK_SECONDS = 120
"""How long a run waits for the lock of its folder, which one that is ending may still hold."""

LOST = 1
"""The exit code that is told of a task which was lost with each machine that it was given to."""

_POLL_SECONDS = 0.05


class TaskProcess:
    """Hold a task that is carried out by a process, which ends when this one does."""

    def __init__(
        self, task: Task, cores: Sequence[int] = (), variables: Mapping[str, str] | None = None
    ) -> None:
        """Start it.

        task: what it does.
        cores: those that it is pinned to; empty for all.
        variables: of its environment, beside those of this process.
        """
        self.task = task
        environment = {**os.environ, "SKINFW_LOCK_SECONDS": str(LOCK_SECONDS), **(variables or {})}
        if cores:  # threads that wait for each other's cores would make all of them slow
            environment["OMP_NUM_THREADS"] = str(len(cores))
        own = [sys.executable, "-m", "skinfw_launchers.child", str(os.getpid())]
        with task.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*own, ",".join(map(str, cores)), *task.words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,  # Ctrl-C is for the launcher, which ends its tasks
            )

    def code(self) -> int | None:
        """Return the exit code, or None while it is at work."""
        code = self._process.poll()
        return code if code is None or code >= 0 else 128 - code

    def wait(self) -> int:
        """Return the exit code once it has ended."""
        while (code := self.code()) is None:
            time.sleep(_POLL_SECONDS)
        return code

    def terminate(self) -> None:
        """Ask it to keep what it has and to end."""
        self._process.terminate()

    def kill(self) -> None:
        """End it, and what it has started, at once."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def wait_for_any(processes: Iterable[TaskProcess]) -> TaskProcess:
    """Return one of some processes that has ended, once one has."""
    processes = list(processes)
    while True:
        for process in processes:
            if process.code() is not None:
                return process
        time.sleep(_POLL_SECONDS)


def end_all(processes: Iterable[TaskProcess]) -> None:
    """End processes as SIGTERM does, and by force those that do not end in time."""
    processes = list(processes)
    for process in processes:
        process.terminate()
    end = time.monotonic() + END_SECONDS
    while any(process.code() is None for process in processes) and time.monotonic() < end:
        time.sleep(_POLL_SECONDS)
    for process in processes:
        if process.code() is None:
            process.kill()
