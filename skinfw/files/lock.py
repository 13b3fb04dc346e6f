"""One process at a time works in a folder: a lock that names its holder and dies with it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from skinfw.errors import SkinfwError, unwritable
from skinfw.files.processes import lives, process_name

try:
    import fcntl
except ImportError:  # Windows has no flock; there the signs of life alone decide
    fcntl = None  # type: ignore[assignment]

FILE = "run.lock"
BEAT_SECONDS = 15.0
SILENT_SECONDS = 60.0
"""Who gave no sign of life that long, on a machine whose locks may not reach here, is gone."""

PATIENCE = "SKINFW_LOCK_SECONDS"
"""The environment variable that says how long to wait for a lock; launchers set it."""


class HeldLockError(SkinfwError):
    """Say who holds a lock."""


@contextlib.contextmanager
def lock_folder(folder: Path) -> Iterator[str]:
    """Keep all others out of a folder, until the end or until this process dies.

    The system's own lock ends with its holder. Where it does not reach, between machines and on
    file systems without locks, the holder touches the file now and then.

    folder: holds the file run.lock meanwhile.
    Gives the name of the process that held it before and died, "" where none did.
    Raises HeldLockError that says who holds it, after the seconds that SKINFW_LOCK_SECONDS says.
    """
    file = folder / FILE
    try:
        handle, before = _wait_for(file)
    except OSError as error:
        raise unwritable(file, error) from error
    try:
        with _signs_of_life(handle):
            yield process_name(before["host"], before["pid"]) if before else ""
    finally:
        with contextlib.suppress(OSError):
            file.unlink()  # while it is held, so that it is nobody else's
        os.close(handle)


def _wait_for(file: Path) -> tuple[int, dict[str, Any]]:
    """Return what `_acquire` returns, once whoever holds the lock lets go of it."""
    seconds = os.environ.get(PATIENCE, "")
    end = time.monotonic() + (float(seconds) if seconds.isdecimal() else 0)
    while True:
        try:
            return _acquire(file)
        except HeldLockError:
            if time.monotonic() >= end:
                raise
        time.sleep(0.5)


def _acquire(file: Path) -> tuple[int, dict[str, Any]]:
    """Return the lock's open file, and who held it before, {} where nobody did."""
    while True:
        # Not through a link, which could make it another file that is written.
        handle = os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        try:
            reaches, free = _flock(handle)
            before = _read(handle)
            if not free or (before and _may_live(before, handle, file.parent, reaches)):
                raise _occupied(file, before, _silence(handle, file.parent))
            # Its last holder may have removed the file after it was opened here.
            if file.exists() and os.path.samestat(os.fstat(handle), file.stat()):
                _write(handle)
                return handle, before
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _flock(handle: int) -> tuple[bool, bool]:
    """Return whether the system locks files here, and whether this process may go on."""
    if fcntl is None:
        return False, True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True, False
    except OSError:  # the file system has no locks
        return False, True
    return True, True


def _may_live(before: dict[str, Any], handle: int, folder: Path, reaches: bool) -> bool:
    """Tell whether a holder that no lock of the system stands for may be at work."""
    if before["host"] == socket.gethostname():
        return not reaches and lives(before["pid"], os.fstat(handle).st_mtime)
    return _silence(handle, folder) < SILENT_SECONDS


def _silence(handle: int, folder: Path) -> float:
    """Return the seconds since the last sign of life, by the one clock that all machines share."""
    with tempfile.TemporaryFile(dir=folder) as now:
        return max(0.0, os.fstat(now.fileno()).st_mtime - os.fstat(handle).st_mtime)


def _read(handle: int) -> dict[str, Any]:
    try:
        holder = json.loads(os.pread(handle, 4096, 0))
        return {"host": str(holder["host"]), "pid": int(holder["pid"]),
                "since": str(holder["since"])}  # fmt: skip
    except (ValueError, KeyError, TypeError):  # nobody, or somebody who is about to write it
        return {}


def _write(handle: int) -> None:
    holder = {"host": socket.gethostname(), "pid": os.getpid(),
              "since": time.strftime("%Y-%m-%dT%H:%M:%S%z")}  # fmt: skip
    os.ftruncate(handle, 0)
    os.pwrite(handle, json.dumps(holder).encode(), 0)


def _occupied(file: Path, holder: dict[str, Any], silence: float) -> HeldLockError:
    who = "a process that has not told its name yet"
    if holder:
        who = f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    return HeldLockError(
        "another run is at work in this folder",
        str(file),
        f"held by {who}; its last sign of life is {silence:.0f} s old",
        "wait for it or end it; the lock of a dead process is ignored, that of another machine "
        f"after {SILENT_SECONDS:.0f} s without a sign of life",
    )


@contextlib.contextmanager
def _signs_of_life(handle: int) -> Iterator[None]:
    """Touch an open file now and then, from a thread."""
    end = threading.Event()

    def beat() -> None:
        while not end.wait(BEAT_SECONDS):
            with contextlib.suppress(OSError):
                os.utime(handle)

    thread = threading.Thread(target=beat, name="skinfw-lock", daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()
