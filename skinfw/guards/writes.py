"""Refuse writes of components outside of what is theirs, before they happen.

Python tells an audit hook of every file that it opens to write, renames or removes. Libraries that
write from C without asking Python are not seen.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skinfw.errors import AnswerError

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PATHS: dict[str, tuple[int, ...]] = {
    "open": (0,), "os.remove": (0,), "os.mkdir": (0,), "os.rmdir": (0,), "os.truncate": (0,),
    "os.chmod": (0,), "os.chown": (0,), "os.utime": (0,), "os.rename": (0, 1), "os.link": (1,),
    "os.symlink": (1,), "shutil.rmtree": (0,), "sqlite3.connect": (0,),
}  # fmt: skip
"""Events, and which of their arguments are paths that are written."""

_DIRECTORY_ARGUMENT = {"os.remove": 1, "os.mkdir": 2, "os.rmdir": 1, "os.chmod": 2, "os.rename": 2,
                       "os.link": 2, "os.symlink": 2}  # fmt: skip
"""Where an event has the folder that a path is relative to, of which only a number is known."""

_SIGNALS = ("os.kill", "os.killpg", "signal.pthread_kill")


@dataclass(frozen=True)
class _Run:
    """Hold where components may write while a run works.

    folder: of the run.
    own: files in it that are the run's alone.
    places: other folders.
    """

    folder: str
    own: tuple[str, ...]
    places: tuple[str, ...]


@dataclass
class _Watch:
    """Hold what the audit hook needs to know."""

    run: _Run | None = None
    installed: bool = False
    acting: threading.local = field(default_factory=threading.local)


_WATCH = _Watch()


@contextmanager
def watch_writes(folder: Path, own: Sequence[str], caches: Sequence[Path]) -> Iterator[None]:
    """Refuse what components write elsewhere than into a run folder, temporary folders and caches.

    folder: of the run.
    own: names of files and folders in it that no component may write.
    caches: folders for what can be made again.
    """
    if not _WATCH.installed:
        _WATCH.installed = True
        sys.addaudithook(_hear)  # it stays as long as the process
    root = folder.resolve()
    before = _WATCH.run
    _WATCH.run = _Run(str(root), tuple(str(root / name) for name in own), _places(caches))
    try:
        yield
    finally:
        _WATCH.run = before


def begin(allowed: Callable[[], Sequence[Path]]) -> None:
    """Note that a component is called in this thread.

    allowed: returns places where it may write besides.
    """
    acting = vars(_WATCH.acting)
    acting.setdefault("stack", []).append(allowed)


def end() -> None:
    """Note that the component has returned."""
    _WATCH.acting.stack.pop()


def _places(caches: Sequence[Path]) -> tuple[str, ...]:
    """Return the folders where everybody may write."""
    below = (".cache", ".config", ".local/share", ".triton", ".nv", "Library/Caches")
    named = ("XDG_CACHE_HOME", "TORCH_HOME", "HF_HOME", "HF_HUB_CACHE", "MPLCONFIGDIR",
             "NUMBA_CACHE_DIR", "TRITON_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR",
             "CUDA_CACHE_PATH")  # fmt: skip
    places = [Path(tempfile.gettempdir()), Path("/dev"), Path("/proc"), *caches]
    places += [Path.home() / own for own in below]
    places += [Path(os.environ[name]) for name in named if os.environ.get(name)]
    return tuple(str(own.resolve()) for own in places)


def written_paths(event: str, arguments: Sequence[Any]) -> list[str]:
    """Return the paths that an audit event is about to write, rename or remove.

    event, arguments: as Python tells them.
    """
    if event == "open" and not _opens_to_write(arguments):
        return []
    directory = _DIRECTORY_ARGUMENT.get(event)
    if directory and len(arguments) > directory and arguments[directory] not in (-1, None):
        return []
    paths = (arguments[place] for place in _PATHS.get(event, ()))
    return [os.fsdecode(own) for own in paths if isinstance(own, str | bytes | os.PathLike)]


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    """Hear of everything that Python does; almost always nothing of it matters."""
    if event not in _PATHS and event not in _SIGNALS:
        return
    run, stack = _WATCH.run, getattr(_WATCH.acting, "stack", None)
    if run is None or not stack:
        return
    if event in _SIGNALS:
        if event != "os.kill" or arguments[0] == os.getpid():
            raise AnswerError("sent a signal to the run", "a component raises what is wrong")
        return
    for path in written_paths(event, arguments):
        _check(path, run, stack[-1])


def _opens_to_write(arguments: Sequence[Any]) -> bool:
    mode, flags = arguments[1], arguments[2]
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return bool((flags or 0) & _WRITES)


def _check(path: str, run: _Run, allowed: Callable[[], Sequence[Path]]) -> None:
    """Refuse a path that a component may not write."""
    if path == ":memory:":
        return
    whole = os.path.realpath(path)
    if _below(whole, (run.folder,)):
        if _below(whole, run.own):
            expected = "this file is the run's; a component has its own"
            raise AnswerError(f"wrote {os.path.relpath(whole, run.folder)}", expected)
        return
    if _below(whole, run.places) or "__pycache__" in whole:
        return
    if _below(whole, tuple(os.path.realpath(own) for own in allowed())):
        return
    expected = "a component writes into the run folder, temporary folders and caches"
    raise AnswerError(f"wants to write {path}", expected)


def _below(path: str, folders: Sequence[str]) -> bool:
    return any(path == own or path.startswith(own.rstrip(os.sep) + os.sep) for own in folders)
