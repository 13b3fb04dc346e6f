"""What is known of an image file from one look at it: digest, size, thumbnail, damage.

A look is kept on disk by the digest of the file, which is known by path, size and time. SQLite
commits whole batches: a kill loses the last one, and two processes can only do work twice. Each row
has a seal, so that one whose bytes have changed on the disk is looked up in the file again.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from skinfw import Fingerprint, SkinfwError
from skinfw.toolkit import (
    DECODER,
    LIMITS,
    Limits,
    ServerError,
    Store,
    UnreadableError,
    decode,
    file_size,
    prefetch,
    read_file,
    reading_threads,
    seal,
    source_path,
)

Thumbnail = npt.NDArray[np.uint8]

SIDE = 64
"""The side of a thumbnail: the whole image, squeezed into a grey square."""

_BATCH = 1000
_LAYOUT = 2
_TABLES = (
    "CREATE TABLE files (path TEXT PRIMARY KEY, bytes INTEGER, modified INTEGER, digest TEXT, "
    "seal INTEGER)",
    "CREATE TABLE looks (digest TEXT, maker TEXT, width INTEGER, height INTEGER, damage TEXT, "
    "checksum INTEGER, seal INTEGER, thumbnail BLOB, PRIMARY KEY (digest, maker))",
    "CREATE TABLE answers (question TEXT PRIMARY KEY, answer TEXT, seal INTEGER)",
)


ABSENT = Fingerprint("", (0, 0), "the file does not exist or cannot be read")


class Fingerprints:
    """Look at image files once, and remember what was seen."""

    def __init__(self, folder: Path, limits: Limits = LIMITS) -> None:
        """Open or make the memory.

        folder: where it lies.
        limits: what a file may cost; with others, it is looked at anew.
        """
        self.limits, self._maker = limits, f"2 {DECODER} {limits}"
        self._open = Store(folder / "fingerprints.sqlite", _TABLES, _LAYOUT).open

    def unseen(self, paths: Sequence[str]) -> list[str]:
        """Return the files that must be read: new ones, and those that have changed since.

        paths: of image files; absent ones are left out.
        """
        known = {path: (size, modified) for path, size, modified, _ in self._known()}
        unseen = []
        for path in dict.fromkeys(paths):
            try:
                status = source_path(path).stat()
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
        seen = prefetch(tasks, reading_threads(paths))
        files: list[tuple[object, ...]] = []
        looks: list[tuple[object, ...]] = []
        with closing(seen):
            for done, rows in enumerate(seen, 1):
                if rows:
                    files.append(rows[0])
                    looks.append(rows[1])
                if len(files) == _BATCH or done == len(paths):
                    with self._open() as store:
                        store.executemany(
                            "REPLACE INTO looks VALUES (?, ?, ?, ?, ?, ?, ?, ?)", looks
                        )
                        store.executemany("REPLACE INTO files VALUES (?, ?, ?, ?, ?)", files)
                    files, looks = [], []
                told(done, len(paths))

    def get(self, paths: Sequence[str]) -> list[Fingerprint]:
        """Return what was seen in some files, in their order.

        paths: of files that were looked at; others count as absent.
        """
        known = {path: fingerprint for path, _, _, fingerprint in self._known()}
        return [known.get(path, ABSENT) for path in paths]

    def damaged(self, digests: Sequence[str]) -> list[str]:
        """Return those of some undamaged images whose thumbnails are not what was kept.

        digests: of their files.
        """
        checksums: dict[str, int] = {}
        for some in _batches(digests):
            rows = self._looks(some, "digest, thumbnail, checksum")
            checksums.update(
                (digest, checksum)
                for digest, small, checksum in rows
                if isinstance(small, bytes) and zlib.crc32(small) == checksum
            )
        return [digest for digest in digests if digest not in checksums]

    def thumbnails(self, digests: Sequence[str]) -> npt.NDArray[np.uint8]:
        """Return the thumbnails of undamaged images, uint8 [N, SIDE, SIDE].

        digests: of their files.
        """
        by_digest: dict[str, bytes] = {}
        for some in _batches(digests):
            by_digest.update(self._looks(some, "digest, thumbnail"))
        pixels = np.frombuffer(b"".join(by_digest[digest] for digest in digests), np.uint8)
        return pixels.reshape(len(digests), SIDE, SIDE)

    def answer(self, question: str) -> str | None:
        """Return what was kept under a question."""
        with self._open() as store:
            row = store.execute("SELECT answer, seal FROM answers WHERE question = ?", (question,))
            answer, own = row.fetchone() or ("", None)
        return answer if own == seal(question, answer) else None

    def keep(self, question: str, answer: str) -> None:
        """Keep what was found, so that it is not searched again."""
        row = (question, answer, seal(question, answer))
        with self._open() as store:
            store.execute("REPLACE INTO answers VALUES (?, ?, ?)", row)

    def _known(self) -> Iterable[tuple[str, int, int, Fingerprint]]:
        """Yield path, size, time and fingerprint of all files whose rows are whole."""
        with self._open() as store:
            rows = store.execute(
                "SELECT path, bytes, modified, digest, f.seal, width, height, damage, checksum, "
                "l.seal FROM files f JOIN looks l USING (digest) WHERE maker = ?",
                (self._maker,),
            ).fetchall()
        for path, size, modified, digest, own, *look, look_seal in rows:
            if (
                seal(path, size, modified, digest) == own
                and seal(digest, self._maker, *look) == look_seal
            ):
                yield path, size, modified, Fingerprint(digest, (look[0], look[1]), look[2])

    def _looks(self, digests: Sequence[str], columns: str) -> list[tuple[Any, ...]]:
        """Return columns of the looks at some files."""
        marks = ",".join("?" * len(digests))
        query = f"SELECT {columns} FROM looks WHERE maker = ? AND digest IN ({marks})"
        with self._open() as store:
            return store.execute(query, (self._maker, *digests)).fetchall()


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
    width, height, damage = 0, 0, ""
    small: bytes | None = None
    try:
        status = source_path(path).stat()
        content = read_file(path, limits)
        digest = hashlib.blake2b(content, digest_size=16).hexdigest()
    except (OSError, UnreadableError):
        return None
    except ServerError:
        raise
    except SkinfwError as error:  # what is not read has a digest of its own
        damage = error.why
        digest = hashlib.blake2b(f"{path}\n{damage}".encode(), digest_size=16).hexdigest()
    else:
        try:
            small = thumbnail(decode(content, path, SIDE, limits)).tobytes()
            width, height = file_size(content, limits)
        except SkinfwError as error:
            damage = error.why or error.what
    file = (path, status.st_size, status.st_mtime_ns, digest)
    look = (width, height, damage, zlib.crc32(small or b""))
    sealed = (digest, maker, *look, seal(digest, maker, *look), small)
    return (*file, seal(*file)), sealed


def _batches(digests: Sequence[str]) -> Iterable[Sequence[str]]:
    """Cut a list, since SQLite takes few values at once."""
    unique = list(dict.fromkeys(digests))
    return (unique[start : start + _BATCH] for start in range(0, len(unique), _BATCH))
