"""What attacks may not do: write outside of their folder, run a command, import a canary."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CANARY = "ran.txt"
_WRITES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.link", "os.truncate"}
_RUNS = {"os.system", "os.exec", "os.posix_spawn", "os.spawn"}
_seen: list[str] | None = None
_allowed: tuple[str, ...] = ()


def _hook(event: str, values: tuple[Any, ...]) -> None:
    if _seen is None:
        return
    if event in _RUNS:
        _seen.append(f"{event} {values}")
    elif event == "open" and isinstance(values[0], str | bytes | os.PathLike):
        flags = values[2] if isinstance(values[2], int) else 0
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            _note(event, values[0])
    elif event in _WRITES and not (event in ("os.remove", "os.rmdir") and values[1] != -1):
        _note(event, values[1] if event in ("os.rename", "os.symlink", "os.link") else values[0])


def _note(event: str, path: Any) -> None:
    place = os.path.realpath(os.fsdecode(path)) if not isinstance(path, int) else ""
    if place and not place.startswith(_allowed) and _seen is not None:
        _seen.append(f"{event} {place}")


sys.addaudithook(_hook)


@contextmanager
def watched(folder: Path, *others: Path) -> Iterator[list[str]]:
    """Give the list of what is done that must not be.

    folder: where writing is allowed, and others.
    """
    global _seen, _allowed
    places = (folder, *others, Path("/dev"), Path("/proc"), Path(sys.prefix) / "__pycache__")
    _seen, _allowed = [], tuple(os.path.realpath(place) for place in places)
    try:
        yield _seen
        if (folder / CANARY).exists():
            _seen.append("the canary ran")
    finally:
        _seen = None


def canary(folder: Path, name: str = "evil.py") -> Path:
    """Write a Python file that tells when it is imported."""
    file = folder / name
    said = str(folder / CANARY)
    file.write_text(f"open({said!r}, 'w').close()\n\n\ndef Net(classes):\n    raise SystemExit\n")
    return file
