"""A disk that fails: every way in which Python writes, as far as files of a run folder go.

From one write on, all fail, as they do on a full disk. Copied beside the recipe of a run, whose
parts arm it.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

COUNT = "writes"
"""The file that tells how many writes there were, where none is to fail."""


def arm(number: str, name: str) -> None:
    """Let a write fail, and all that follow.

    number: which one, from 0; -1 only counts them.
    name: of the error, such as ENOSPC.
    """
    fails, code, seen = int(number), getattr(errno, name), 0

    def point(file: Any) -> None:
        nonlocal seen
        if not isinstance(file, int) and not _of_run(file):
            return
        if 0 <= fails <= seen:
            raise OSError(code, os.strerror(code), str(file) if not isinstance(file, int) else None)
        seen += 1
        if fails < 0:
            opened(COUNT, "w").write(str(seen))

    class Failing(io.FileIO):
        def write(self, data: Any) -> int | None:
            point(self.name)
            return super().write(data)

    opened = builtins.open

    def opens(file: Any, mode: str = "r", buffering: int = -1, *text: Any, **others: Any) -> Any:
        if not _of_run(file) or not set(mode) & set("wax+"):
            return opened(file, mode, buffering, *text, **others)
        if "r" not in mode:
            point(file)
        raw = Failing(file, mode.replace("b", "").replace("t", ""))
        buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        if "b" in mode:
            return buffered
        return io.TextIOWrapper(buffered, *text, **others)

    builtins.open = io.open = opens  # type: ignore[assignment]
    for function in ("replace", "mkdir", "pwrite", "ftruncate"):
        setattr(os, function, _failing(getattr(os, function), point))
    synced = os.fsync

    def fsync(handle: int) -> None:
        if _of_run(Path(f"/proc/self/fd/{handle}").readlink()):
            point(handle)
        synced(handle)

    os.fsync = fsync


def _of_run(file: Any) -> bool:
    """Tell whether a path is in a run folder."""
    return isinstance(file, str | os.PathLike) and "/runs/" in str(Path.cwd() / file)


def _failing(function: Callable[..., Any], point: Callable[[Any], None]) -> Callable[..., Any]:
    @wraps(function)
    def call(*values: Any, **named: Any) -> Any:
        point(values[0])
        return function(*values, **named)

    return call
