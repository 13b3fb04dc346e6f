"""What is known of an image file from one look at it: digest, size, thumbnail, damage.

A look is kept on disk by the digest of the file, which is known by path, size and time. SQLite
commits whole batches: a kill loses the last one, and two processes can only do work twice.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from skinfw import Fingerprint, SkinfwError
from skinfw.toolkit import (
    DECODER,
    LIMITS,
    Limits,
    UnreadableError,
    decode,
    file_size,
    prefetch,
    read_file,
    usable_cores,
)

Thumbnail = npt.NDArray[np.uint8]

SIDE = 64
"""The side of a thumbnail: the whole image, squeezed into a grey square."""

_BATCH = 1000
_TABLES = """
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, bytes INTEGER, modified INTEGER, digest TEXT);
CREATE TABLE IF NOT EXISTS looks (
    digest TEXT, maker TEXT, width INTEGER, height INTEGER, damage TEXT, thumbnail BLOB,
    PRIMARY KEY (digest, maker));
CREATE TABLE IF NOT EXISTS answers (question TEXT PRIMARY KEY, answer TEXT);
"""


ABSENT = Fingerprint("", (0, 0), "the file does not exist or cannot be read")


class Fingerprints:
    """Look at image files once, and remember what was seen."""

    def __init__(self, folder: Path, limits: Limits = LIMITS) -> None:
        """Open or make the memory.

        folder: where it lies.
        limits: what a file may cost; with others, it is looked at anew.
        """
        self.limits, self._maker = limits, f"2 {DECODER} {limits}"
        self._file = folder / "fingerprints.sqlite"
        folder.mkdir(parents=True, exist_ok=True)
        with self._open() as store:
            store.executescript(_TABLES)

    def unseen(self, paths: Sequence[str]) -> list[str]:
        """Return the files that must be read: new ones, and those that have changed since.

        paths: of image files; absent ones are left out.
        """
        with self._open() as store:
            rows = store.execute(
                "SELECT path, bytes, modified FROM files JOIN looks USING (digest) WHERE maker = ?",
                (self._maker,),
            )
            known = {path: (size, modified) for path, size, modified in rows}
        unseen = []
        for path in dict.fromkeys(paths):
            try:
                status = Path(path).stat()
            except OSError:
                continue
            if known.get(path) != (status.st_size, status.st_mtime_ns):
                unseen.append(path)
        return unseen

    def look(self, paths: Sequence[str], told: Callable[[int, int], None]) -> None:
        """Read and decode files, on all cores.

        paths: from `unseen`.
        told: hears how many are done, of how many.
        """
        tasks = (partial(_look, path, self.limits, self._maker) for path in paths)
        seen = prefetch(tasks, usable_cores())
        files: list[tuple[object, ...]] = []
        looks: list[tuple[object, ...]] = []
        with closing(seen):
            for done, rows in enumerate(seen, 1):
                if rows:
                    files.append(rows[0])
                    looks.append(rows[1])
                if len(files) == _BATCH or done == len(paths):
                    with self._open() as store:
                        store.executemany("REPLACE INTO looks VALUES (?, ?, ?, ?, ?, ?)", looks)
                        store.executemany("REPLACE INTO files VALUES (?, ?, ?, ?)", files)
                    files, looks = [], []
                told(done, len(paths))

    def get(self, paths: Sequence[str]) -> list[Fingerprint]:
        """Return what was seen in some files, in their order.

        paths: of files that were looked at; others count as absent.
        """
        with self._open() as store:
            rows = store.execute(
                "SELECT path, digest, width, height, damage FROM files JOIN looks USING (digest) "
                "WHERE maker = ?",
                (self._maker,),
            )
            known = {
                path: Fingerprint(digest, (width, height), damage)
                for path, digest, width, height, damage in rows
            }
        return [known.get(path, ABSENT) for path in paths]

    def thumbnails(self, digests: Sequence[str]) -> npt.NDArray[np.uint8]:
        """Return the thumbnails of undamaged images, uint8 [N, SIDE, SIDE].

        digests: of their files.
        """
        by_digest: dict[str, bytes] = {}
        with self._open() as store:
            for some in _batches(digests):
                marks = ",".join("?" * len(some))
                query = (
                    f"SELECT digest, thumbnail FROM looks WHERE maker = ? AND digest IN ({marks})"
                )
                by_digest.update(store.execute(query, (self._maker, *some)).fetchall())
        pixels = np.frombuffer(b"".join(by_digest[digest] for digest in digests), np.uint8)
        return pixels.reshape(len(digests), SIDE, SIDE)

    def answer(self, question: str) -> str | None:
        """Return what was kept under a question."""
        with self._open() as store:
            row = store.execute("SELECT answer FROM answers WHERE question = ?", (question,))
            first = row.fetchone()
        return None if first is None else str(first[0])

    def keep(self, question: str, answer: str) -> None:
        """Keep what was found, so that it is not searched again."""
        with self._open() as store:
            store.execute("REPLACE INTO answers VALUES (?, ?)", (question, answer))

    @contextmanager
    def _open(self) -> Generator[sqlite3.Connection]:
        """Open the memory for one transaction; other processes wait."""
        with closing(sqlite3.connect(self._file, timeout=60)) as store, store:
            yield store


def thumbnail(pixels: npt.NDArray[np.uint8]) -> Thumbnail:
    """Squeeze an image into a small grey square.

    pixels: uint8 [H, W, 3].
    Returns uint8 [SIDE, SIDE].
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    how = cv2.INTER_AREA if min(grey.shape) >= SIDE else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(grey, (SIDE, SIDE), interpolation=how), np.uint8)


def _look(
    path: str, limits: Limits, maker: str
) -> tuple[tuple[object, ...], tuple[object, ...]] | None:
    """Read a file once; return its rows, or None where it cannot be read."""
    try:
        status = Path(path).stat()
        content = read_file(path, limits)
    except (OSError, UnreadableError):
        return None
    except SkinfwError as error:  # what is not read has a digest of its own
        digest = hashlib.blake2b(f"{path}\n{error.why}".encode(), digest_size=16).hexdigest()
        file = (path, status.st_size, status.st_mtime_ns, digest)
        return file, (digest, maker, 0, 0, error.why, None)
    digest = hashlib.blake2b(content, digest_size=16).hexdigest()
    file = (path, status.st_size, status.st_mtime_ns, digest)
    try:
        small = thumbnail(decode(content, path, SIDE, limits)).tobytes()
        return file, (digest, maker, *file_size(content, limits), "", small)
    except SkinfwError as error:
        return file, (digest, maker, 0, 0, error.why or error.what, None)


def _batches(digests: Sequence[str]) -> Iterable[Sequence[str]]:
    """Cut a list, since SQLite takes few values at once."""
    unique = list(dict.fromkeys(digests))
    return (unique[start : start + _BATCH] for start in range(0, len(unique), _BATCH))
