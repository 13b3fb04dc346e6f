"""One process at a time fetches into a folder; a second one waits, and finds the work done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from skinfw_fetch.download import Follower


@contextmanager
def wait_for_folder(root: Path, follower: Follower) -> Iterator[None]:
    """Hold the lock of a folder, which ends with this process however that ends.

    root: the folder; its hidden file .fetch.lock is the lock.
    follower: told where another process has to be waited for.
    """
    # A run refuses a folder that is held, since two runs are a mistake. Two fetches want the same
    # files: the second one waits, which the lock of runs cannot.
    lock = FileLock(root / ".fetch.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        follower.say(f"another process fetches into {root}; this one waits for it")
        lock.acquire()
    except NotImplementedError:  # a file system without locks
        yield
        return
    try:
        yield
    finally:
        lock.release()
