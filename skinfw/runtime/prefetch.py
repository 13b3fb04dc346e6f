"""Work ahead in threads, and hand the results over in order."""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

from skinfw.errors import SkinfwError
from skinfw.files.remote import connections
from skinfw.files.urls import is_url

T = TypeVar("T")
STALL_SECONDS = 1800.0
"""As long as processes wait for each other: a share that is gone for longer does not come back."""
_JOIN_SECONDS = 5.0


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def reading_threads(paths: Iterable[str]) -> int:
    """Return how many threads read files: one for each core, or for each connection to a server.

    paths: of the files.
    """
    remote = any(is_url(path) for path in paths)
    return max(usable_cores(), connections()) if remote else usable_cores()


def prefetch(tasks: Iterable[Callable[[], T]], workers: int) -> Generator[T]:
    """Carry out tasks in threads and yield their results in order; raise what they raise.

    tasks: taken up as threads become free, a few ahead of what is asked for.
    workers: threads; 0 carries the tasks out here, when they are asked for.
    Raises SkinfwError where the threads cannot be started, or one stands still.
    """
    if not workers:
        for task in tasks:
            yield task()
        return
    jobs: SimpleQueue[tuple[Future[T], Callable[[], T]] | None] = SimpleQueue()
    threads = _start(workers, jobs)
    waiting: deque[Future[T]] = deque()
    try:
        for task in tasks:
            future: Future[T] = Future()
            waiting.append(future)
            jobs.put((future, task))
            if len(waiting) > workers + 1:
                yield _result(waiting.popleft(), threads)
        while waiting:
            yield _result(waiting.popleft(), threads)
    finally:
        for future in waiting:
            future.cancel()
        _end(threads, jobs)


def _start(
    workers: int, jobs: SimpleQueue[tuple[Future[T], Callable[[], T]] | None]
) -> list[Thread]:
    """Start threads that die with the process, even where one of them hangs."""
    threads: list[Thread] = []
    try:
        for number in range(workers):
            thread = Thread(target=_work, args=(jobs,), name=f"skinfw-{number}", daemon=True)
            thread.start()
            threads.append(thread)
    except RuntimeError as error:
        _end(threads, jobs)
        raise SkinfwError(
            f"{workers} threads that load images cannot be started",
            "engine.workers",
            f"{error}: the system allows this user or container no more",
            "set a smaller engine.workers; 0 needs no threads",
        ) from error
    return threads


def _work(jobs: SimpleQueue[tuple[Future[T], Callable[[], T]] | None]) -> None:
    """Carry out jobs until there is None; whatever ends one is told to who waits for it."""
    while job := jobs.get():
        future, task = job
        if not future.set_running_or_notify_cancel():
            continue
        try:
            future.set_result(task())
        except BaseException as error:
            future.set_exception(error)
        del job, future, task  # not kept while waiting for the next


def _result(future: Future[T], threads: list[Thread]) -> T:
    """Return the result of a job, or say which line of which file it hangs in."""
    try:
        return future.result(STALL_SECONDS)
    except TimeoutError:
        if future.done():  # its own
            raise
        frames = sys._current_frames()
        places = [frames[thread.ident] for thread in threads if thread.ident in frames]
        lines = {f"{frame.f_code.co_filename}:{frame.f_lineno}" for frame in places}
        raise SkinfwError(
            "the threads that load images stand still",
            ", ".join(sorted(lines)),
            f"no result came for {STALL_SECONDS / 60:.0f} minutes",
            "see whether the disk or the share with the images answers; then go on with --resume",
        ) from None


def _end(
    threads: list[Thread], jobs: SimpleQueue[tuple[Future[T], Callable[[], T]] | None]
) -> None:
    """Let the threads end, without waiting for one that hangs."""
    for _ in threads:
        jobs.put(None)
    deadline = time.monotonic() + _JOIN_SECONDS
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
