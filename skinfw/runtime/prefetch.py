"""Work ahead in threads, and hand the results over in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def prefetch(tasks: Iterable[Callable[[], T]], workers: int) -> Generator[T]:
    """Carry out tasks in threads and yield their results in order; raise what they raise.

    tasks: taken up as threads become free, a few ahead of what is asked for.
    workers: threads; 0 carries the tasks out here, when they are asked for.
    """
    if not workers:
        for task in tasks:
            yield task()
        return
    with ThreadPoolExecutor(workers, "skinfw") as pool:
        waiting: deque[Future[T]] = deque()
        try:
            for task in tasks:
                waiting.append(pool.submit(task))
                if len(waiting) > workers + 1:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
