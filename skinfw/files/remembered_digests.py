"""The SHA-256 of files, each read once in its life.

A file counts as the one that was read while device, inode, size, and the times of its bytes and of
its entry are the same. One that is put in its place differs in one of them, whatever its size.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from skinfw.files.checksums import file_digests
from skinfw.files.stores import Store, seal

_LAYOUT = 1
_TABLES = ("CREATE TABLE digests (path TEXT PRIMARY KEY, state TEXT, digest TEXT, seal INTEGER)",)
# Changed again within a tick of the clock, a file would look the same.
_SETTLED_SECONDS = 2.0


def remembered_digests(files: Sequence[Path], folder: Path) -> list[str]:
    """Return the SHA-256 of each file, "" where it cannot be read.

    files: read where they are new or have changed, on all cores.
    folder: where digests are kept; where that is impossible, every file is read.
    """
    states = {file: _state(file) for file in files}
    try:
        store = Store(folder / "digests.sqlite", _TABLES, _LAYOUT)
        digests = _known(store, states)
    except (OSError, sqlite3.Error):
        return file_digests(files)
    unknown = [file for file in states if file not in digests]
    if unknown:
        start = time.time()
        read = dict(zip(unknown, file_digests(unknown), strict=True))
        settled = {
            file: digest
            for file, digest in read.items()
            if digest and _state(file) == states[file] and _is_settled(file, start)
        }
        with suppress(sqlite3.Error):
            _keep(store, states, settled)
        digests |= read
    return [digests[file] for file in files]


def _state(file: Path) -> str:
    """Return all by which a file is known to be the one that was read, "" where it is absent."""
    try:
        about = file.stat()
    except (OSError, ValueError):
        return ""
    parts = (about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)
    return " ".join(map(str, parts))


def _is_settled(file: Path, now: float) -> bool:
    about = file.stat()
    return max(about.st_mtime, about.st_ctime) < now - _SETTLED_SECONDS


def _known(store: Store, states: Mapping[Path, str]) -> dict[Path, str]:
    """Return the digests of files that have not changed since they were read."""
    names = {str(file.absolute()): file for file in states}
    with store.open() as rows:
        kept = rows.execute("SELECT path, state, digest, seal FROM digests").fetchall()
    return {
        names[path]: digest
        for path, state, digest, own in kept
        if path in names and states[names[path]] == state and seal(path, state, digest) == own
    }


def _keep(store: Store, states: Mapping[Path, str], digests: Mapping[Path, str]) -> None:
    rows: Iterable[tuple[str, str, str]] = (
        (str(file.absolute()), states[file], digest) for file, digest in digests.items()
    )
    with store.open() as table:
        table.executemany(
            "REPLACE INTO digests VALUES (?, ?, ?, ?)", ((*row, seal(*row)) for row in rows)
        )
