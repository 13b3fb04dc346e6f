"""Decode images and append them to shards of the cache."""

from __future__ import annotations

import hashlib
import os
import time
import uuid
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import numpy.typing as npt

from skinfw.toolkit import (
    Decoding,
    ServerError,
    file_size,
    read_file,
    reduction,
    seal,
    source_path,
)

if TYPE_CHECKING:
    from skinfw_cache.shards import ImageCache

Image = npt.NDArray[np.uint8]

_SHARD_BYTES = 1 << 30
_COMMIT_BYTES = 1 << 26


@dataclass(frozen=True)
class DecodedFile:
    """Hold what was found in a file; no pixels where the cache has them already."""

    file: tuple[str, int, int, str, int, int]
    factor: int
    pixels: Image | None


def decode_file(path: str, decoding: Decoding, known: set[tuple[str, int]]) -> DecodedFile | None:
    """Read, digest and decode a file; None where it is absent or damaged."""
    try:
        content, status = read_file(path, decoding.limits), source_path(path).stat()
        digest = hashlib.blake2b(content, digest_size=16).hexdigest()
        width, height = file_size(content, decoding.limits)
        factor = reduction((width, height), decoding.short)
        pixels = None if (digest, factor) in known else decoding.decode(content, path)
    except ServerError:
        raise
    except Exception:  # what is wrong with an image is said when it is used
        return None
    row = (path, status.st_size, status.st_mtime_ns, digest, width, height)
    return DecodedFile(row, factor, pixels)


class FullError(Exception):
    """Say that the cache has reached its limit."""


class Writer:
    """Append images to shards of its own, and name them in the index once they are safe."""

    def __init__(self, cache: ImageCache, key: str, began: float) -> None:
        """Begin to write.

        cache: what to fill.
        key: of the decoding.
        began: when; what was used since then stays.
        """
        self._cache, self._key, self._began = cache, key, began
        self._held = sum(shard.bytes for shard in cache.shards())
        self._file: BinaryIO | None = None
        self._files: list[tuple[object, ...]] = []
        self._images: list[tuple[object, ...]] = []
        self._waiting = 0

    def add(self, made: DecodedFile) -> None:
        """Append an image."""
        if made.pixels is not None:
            self._make_room(made.pixels.nbytes)
            if self._file is None or self._file.tell() > _SHARD_BYTES:
                self._open()
            assert self._file is not None
            height, width = made.pixels.shape[:2]
            pixels = np.ascontiguousarray(made.pixels).data
            place = (self._name, self._file.tell(), height, width, zlib.crc32(pixels))
            self._file.write(pixels)
            row = (made.file[3], self._key, made.factor, *place)
            self._images.append((*row, seal(*row)))
            self._held += made.pixels.nbytes
            self._waiting += made.pixels.nbytes
        self._files.append((*made.file, seal(*made.file)))
        if self._waiting > _COMMIT_BYTES:
            self._commit()

    def close(self) -> None:
        """Keep what was written so far."""
        try:
            self._commit()
        finally:
            if self._file:
                self._file.close()

    def _make_room(self, wanted: int) -> None:
        if self._held + wanted > self._cache.limit:
            self._held -= self._cache.prune(self._cache.limit - wanted, before=self._began)
        if self._held + wanted > self._cache.limit:
            raise FullError

    def _open(self) -> None:
        self.close()
        self._name = f"{uuid.uuid4().hex}.rgb"
        self._file = (self._cache.folder / self._name).open("xb")
        with self._cache.index() as index:
            index.execute("INSERT INTO shards VALUES (?, ?)", (self._name, time.time()))

    def _commit(self) -> None:
        if self._file:
            self._file.flush()
            os.fsync(self._file.fileno())
        with self._cache.index() as index:
            index.executemany("REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)", self._files)
            index.executemany(
                "REPLACE INTO images VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", self._images
            )
        self._files, self._images, self._waiting = [], [], 0
