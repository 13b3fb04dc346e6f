"""A folder to write into, and a watch on what is written elsewhere."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

from skinfw.errors import AnswerError
from skinfw.guards.writes import written_paths

# What libraries keep for themselves; a component that loads one for the first time fills it.
_KEPT = ("__pycache__", "matplotlib", "fontconfig", "torchinductor", "triton")


@dataclass
class Box:
    """Hold where a component may write, and where it did elsewhere.

    folder: its own.
    others: folders in which nothing may be written.
    outside: paths that were written outside of it.
    """

    folder: Path
    others: tuple[Path, ...]
    outside: list[str] = field(default_factory=list)

    def allows(self, path: Path) -> bool:
        """Tell whether a path may be written: in the folder, or a temporary file elsewhere."""
        if path.is_relative_to(self.folder) or any(kept in str(path) for kept in _KEPT):
            return True
        if path.is_relative_to("/dev") or path.is_relative_to("/proc"):
            return True
        temporary = path.is_relative_to(_real(gettempdir()))
        return temporary and not any(path.is_relative_to(other) for other in self.others)


_watch = threading.local()
_hooked = False


@contextmanager
def sandbox(*others: Path) -> Iterator[Box]:
    """Give a folder to write into, in a current folder of its own; refuse writes elsewhere.

    others: folders in which nothing may be written though they are temporary.
    """
    _listen()
    with TemporaryDirectory(prefix="skinfw-sandbox-") as place:
        around = _real(place)
        box = Box(around / "run", (around, *map(_real, others)))
        box.folder.mkdir()
        (around / "current").mkdir()
        with chdir(around / "current"):
            _watch.box = box
            try:
                yield box
            finally:
                _watch.box = None
        if box.outside:
            raise AnswerError(f"wrote {box.outside[0]}", "it writes into the folder that it gets")


def _real(path: Any) -> Path:
    return Path(os.path.realpath(path))


def _listen() -> None:
    """Hear of every file that this process opens; Python has no way to stop hearing."""
    global _hooked
    if not _hooked:
        sys.addaudithook(_hear)
        _hooked = True


def _hear(event: str, words: tuple[Any, ...]) -> None:
    box: Box | None = getattr(_watch, "box", None)
    if box is None:
        return
    _watch.box = None  # asking where a path leads must not be heard
    try:
        paths = written_paths(event, words)
        box.outside += [path for path in paths if not box.allows(_real(path))]
    finally:
        _watch.box = box
