"""Directories of tags: those of TIFF files, and those that EXIF data are made of."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from skinfw.data.structure.bounds import BoundError, Limits, check_pieces

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
_BYTES = (1, 2, 6, 7)
_WIDTH, _HEIGHT, _COMPRESSION, _SAMPLES, _ROWS, _PLANAR = 256, 257, 259, 277, 278, 284
_TILE_WIDTH, _TILE_HEIGHT, _STRIPS, _TILES = 322, 323, 273, 324
_INNER = (34665, 34853, 40965)
_ORIENTATION = 0x0112
_COMPRESSIONS = {1, 2, 3, 4, 5, 7, 8, 32773, 32946, 50000, 50001}
"""None, CCITT, LZW, JPEG, Deflate, PackBits, Zstandard and WebP."""


@dataclass(frozen=True)
class Entry:
    """Hold one tag: its type, how many values it has, and the first of them, or their place."""

    type: int
    count: int
    value: int


class Directories:
    """Walk along the directories of tags in TIFF data."""

    def __init__(self, content: bytes) -> None:
        """Read the header; data that are no TIFF have no directory."""
        self.content = content
        self._order = "<" if content[:2] == b"II" else ">"
        self._big = content[2:3] == b"\x2b"  # as Pillow tells BigTIFF

    @property
    def first(self) -> int:
        """Where the first directory begins; 0 where there is none."""
        if self.content[:2] not in (b"II", b"MM"):
            return 0
        return self._number("Q", 8) if self._big else self._number("I", 4)

    def tags(self, at: int) -> tuple[dict[int, Entry], int]:
        """Return the tags of a directory, the last of each number, and where the next one is."""
        number, layout, step, head = ("Q", "HHQ8s", 20, 8) if self._big else ("H", "HHI4s", 12, 2)
        count = self._number(number, at)
        check_pieces(count, "tags")
        end = min(at + head + count * step, len(self.content))
        rows = self.content[at + head : end - (end - at - head) % step]
        found: dict[int, Entry] = {}
        for tag, kind, values, data in struct.iter_unpack(self._order + layout, rows):
            width = _SIZES.get(kind, 1)
            inline = values * width <= len(data)
            whole = {2: "H", 4: "I", 8: "Q"}.get(width if inline else len(data))
            value = struct.unpack_from(self._order + whole, data)[0] if whole else data[0]
            found[tag] = Entry(kind, values, value)
        return found, self._number("Q" if self._big else "I", at + head + count * step)

    def claimed(self, entries: Mapping[int, Entry]) -> int:
        """Return how many bytes the values of tags take, as far as the data hold them."""
        sizes = ((entry, entry.count * _SIZES.get(entry.type, 0)) for entry in entries.values())
        return sum(size for entry, size in sizes if 4 < size <= len(self.content) - entry.value)

    def _number(self, kind: str, at: int) -> int:
        size = struct.calcsize(self._order + kind)
        if at + size > len(self.content):
            return 0
        return int(struct.unpack_from(self._order + kind, self.content, at)[0])


def check_directories(content: bytes, name: str) -> dict[int, Entry]:
    """Bound what the directories of tags claim; return the tags of the first.

    content: TIFF data, whole or broken; those of EXIF do not cost the image.
    name: of the data.
    """
    directories = Directories(content)
    first: dict[int, Entry] = {}
    claimed = 0
    for place, (entries, _) in enumerate(_reached(directories)):
        first = first if place else entries
        claimed += directories.claimed(entries)
    if claimed > 2 * len(content) + 65_536:
        raise BoundError(f"its {name} tags claim {claimed:,} bytes of {len(content):,}")
    return first


def _reached(directories: Directories) -> Iterator[tuple[dict[int, Entry], int]]:
    """Yield what a decoder of the first picture looks at: two directories, and what is in them."""
    at = directories.first
    for _ in range(2):
        if not at:
            return
        entries, following = directories.tags(at)
        yield entries, following
        for tag in _INNER:
            if tag in entries:
                yield directories.tags(entries[tag].value)
        at = following


def check_tiff(content: bytes, limits: Limits) -> None:
    """Bound tags, values, strips and tiles, and refuse compressions that are hardly ever used."""
    entries = check_directories(content, "TIFF")
    for entry in entries.values():
        if entry.type not in _BYTES:
            check_pieces(entry.count, "values in a tag")

    def value(tag: int, default: int) -> int:
        return entries[tag].value if tag in entries else default

    if (compression := value(_COMPRESSION, 1)) not in _COMPRESSIONS:
        raise BoundError(f"the TIFF compression {compression} is not decoded")
    width, height = value(_WIDTH, 0), value(_HEIGHT, 0)
    limits.check_size(width, height, "tiff")
    across, down = value(_TILE_WIDTH, width), value(_TILE_HEIGHT, value(_ROWS, height))
    if _TILES in entries:
        limits.check_size(across, down, "tiff")
    pieces = max((entries[tag].count for tag in (_STRIPS, _TILES) if tag in entries), default=0)
    planes = value(_SAMPLES, 1) if value(_PLANAR, 1) == 2 else 1
    if pieces * min(across, width) * min(down, height) > 4 * planes * width * height:
        raise BoundError("its strips or tiles hold far more pixels than the image")


def orientation(exif: bytes) -> int:
    """Return how EXIF data say that the camera was held, 0 where they do not.

    exif: with or without the six bytes that name them; broken ones are read as far as they go.
    """
    directories = Directories(exif.removeprefix(b"Exif\0\0"))
    if not directories.first:
        return 0
    entry = directories.tags(directories.first)[0].get(_ORIENTATION)
    whole = entry is not None and entry.count == 1 and entry.type in (3, 4, 8, 9)
    return entry.value if entry and whole else 0
