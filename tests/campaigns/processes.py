"""Processes at once, forked from one that has imported what is heavy, and killed at any moment."""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

HEAVY = (
    "cv2", "pandas", "PIL.Image", "pydantic", "rich.progress", "scipy.cluster.hierarchy",
    "scipy.sparse", "skinfw.cli", "skinfw.data.table", "skinfw_audit.audit", "skinfw_cache.shards",
    "skinfw_duplicates.duplicates", "skinfw_fetch.fetch",
)  # fmt: skip


@dataclass(frozen=True)
class Job:
    """Say what one process does.

    target: module:function; it may raise, or exit with a code.
    arguments: of the function, as JSON can say them.
    log: the file of what it prints.
    kill_after: seconds until it is killed; None lets it live.
    """

    target: str
    arguments: tuple[object, ...]
    log: str
    kill_after: float | None = None


class Processes:
    """Start jobs together, each in a process of its own."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, *jobs: Job) -> list[int]:
        """Run jobs at once, and return their exit codes, -9 for one that was killed."""
        assert self._server.stdin and self._server.stdout
        print(json.dumps([asdict(job) for job in jobs]), file=self._server.stdin, flush=True)
        codes: list[int] = json.loads(self._server.stdout.readline())
        return codes

    def stop(self) -> None:
        """End the process that forks."""
        self._server.communicate()


def serve() -> None:
    """Run the jobs of each line of the standard input, and print their codes."""
    for name in HEAVY:
        importlib.import_module(name)
    gc.freeze()  # memory that is never written to is shared
    while line := sys.stdin.readline():
        print(json.dumps(_run([Job(**job) for job in json.loads(line)])), flush=True)


def _run(jobs: Sequence[Job]) -> list[int]:
    alive: dict[int, int] = {}
    for number, job in enumerate(jobs):
        if not (child := os.fork()):
            os._exit(_work(job))
        alive[child] = number
    codes, start = [0] * len(jobs), time.monotonic()
    while alive:
        child, status = os.waitpid(-1, os.WNOHANG)
        if child:
            codes[alive.pop(child)] = os.waitstatus_to_exitcode(status)
            continue
        for child, number in alive.items():
            limit = jobs[number].kill_after
            if limit is not None and time.monotonic() - start > limit:
                os.kill(child, signal.SIGKILL)
        time.sleep(0.002)
    return codes


def _work(job: Job) -> int:
    signal.alarm(120)
    log = os.open(job.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        module, _, name = job.target.partition(":")
        getattr(importlib.import_module(module), name)(*job.arguments)
        return 0
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code)
            return 1
        return end.code or 0
    except BaseException:
        traceback.print_exc()
        return 70
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[1])
    serve()
