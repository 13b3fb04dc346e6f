"""A file that has come in part, on the disk, with what tells whether it is still that."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

CHUNK = 1 << 18


class Partial:
    """Hold the bytes of a file that came so far, and which version of it they belong to.

    They lie in `NAME.partial`, the version in `NAME.partial.tag`. `NAME.partial.sums` has a line
    for each piece that came, with the bytes and their CRC-32 up to its end.
    """

    def __init__(self, place: Path) -> None:
        """Look beside a file that is to come.

        place: where it will lie.
        """
        self.place = place
        self.file = place.with_name(f"{place.name}.partial")
        self._tag = place.with_name(f"{place.name}.partial.tag")
        self._sums = place.with_name(f"{place.name}.partial.sums")

    @property
    def size(self) -> int:
        """How many bytes can be gone on with; without a known version, none can."""
        return self._reached()[0] if self.tag else 0

    @property
    def tag(self) -> str:
        """The version that the bytes belong to; what no header can hold is none."""
        if not self._tag.is_file():
            return ""
        tag = self._tag.read_text(encoding="utf-8", errors="replace")
        return tag if tag.isascii() and tag.isprintable() else ""

    def restart(self, tag: str) -> None:
        """Begin anew with another version.

        tag: from the server.
        """
        # In this order a kill in between never leaves old bytes under the new version.
        self.drop()
        self._tag.write_text(tag, encoding="utf-8")

    def is_sound(self) -> bool:
        """Tell whether the bytes on the disk are those that came."""
        size, checksum = self._reached()
        own = 0
        if size:
            with self.file.open("rb") as source:
                while size and (chunk := source.read(min(size, CHUNK))):
                    size -= len(chunk)
                    own = zlib.crc32(chunk, own)
        return own == checksum

    @contextmanager
    def appended(self) -> Iterator[Callable[[bytes], int]]:
        """Give a function that appends a piece, and returns how many bytes there are then."""
        size, checksum = self._reached()
        with self.file.open("ab") as sink, self._sums.open("a", encoding="ascii") as sums:
            sink.truncate(size)  # a kill may have left half a piece

            def append(chunk: bytes) -> int:
                nonlocal size, checksum
                sink.write(chunk)
                sink.flush()
                size, checksum = size + len(chunk), zlib.crc32(chunk, checksum)
                sums.write(f"{size} {checksum}\n")
                sums.flush()
                return size

            yield append

    def drop(self) -> None:
        """Forget the bytes."""
        for file in (self._tag, self.file, self._sums):
            file.unlink(missing_ok=True)

    def finish(self) -> None:
        """Give the whole file its name."""
        self.file.replace(self.place)
        self._tag.unlink(missing_ok=True)
        self._sums.unlink(missing_ok=True)

    def _reached(self) -> tuple[int, int]:
        """Return the end of the last piece that is wholly on the disk, and the CRC-32 up to it."""
        if not (self._sums.is_file() and self.file.is_file()):
            return 0, 0
        held = self.file.stat().st_size
        for line in reversed(self._sums.read_text(encoding="ascii", errors="replace").split("\n")):
            size, _, checksum = line.partition(" ")
            if size.isdecimal() and checksum.isdecimal() and int(size) <= held:
                return int(size), int(checksum)
        return 0, 0
