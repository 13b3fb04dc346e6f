"""Chunks and blocks of PNG, WebP, BMP and GIF files."""

from __future__ import annotations

import struct

from skinfw.data.structure.bounds import BoundError, Limits, check_pieces

_RUN_LENGTH_PIXELS = 500_000  # Pillow decodes these in Python, a run at a time


def check_png(content: bytes, limits: Limits) -> None:
    """Bound pixels and chunks; Pillow bounds what is compressed in those of texts and profiles."""
    at, chunks = 8, 0
    while at + 8 <= len(content) and (name := content[at + 4 : at + 8]) != b"IEND":
        chunks += 1
        check_pieces(chunks, "chunks")
        if name == b"IHDR" and at + 16 <= len(content):
            width, height = struct.unpack_from(">II", content, at + 8)
            limits.check_size(width, height, "png")
        at += 12 + int.from_bytes(content[at : at + 4], "big")


def check_webp(content: bytes, limits: Limits) -> None:
    """Bound the canvas, which is allocated when the file is opened, and the frames."""

    def number(at: int, count: int) -> int:
        return int.from_bytes(content[at : at + count], "little")

    kind, size = content[12:16], (0, 0)
    if kind == b"VP8X":
        size = (number(24, 3) + 1, number(27, 3) + 1)
    elif kind == b"VP8L":
        bits = number(21, 4)
        size = ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    elif kind == b"VP8 ":
        size = (number(26, 2) & 0x3FFF, number(28, 2) & 0x3FFF)
    limits.check_size(*size, "webp")
    check_pieces(content.count(b"ANMF"), "frames")


def check_bmp(content: bytes, limits: Limits) -> None:
    """Bound the pixels; more so those of run-length encoding, which is decoded slowly."""
    if len(content) < 34:
        return
    if int.from_bytes(content[14:18], "little") == 12:
        width, height = struct.unpack_from("<HH", content, 18)
        return limits.check_size(width, height, "bmp")
    width, height, _, _, compression = struct.unpack_from("<iiHHI", content, 18)
    limits.check_size(abs(width), abs(height), "bmp")
    if compression in (1, 2) and abs(width * height) > _RUN_LENGTH_PIXELS:
        raise BoundError(
            f"run-length encoding is decoded up to {_RUN_LENGTH_PIXELS:,} pixels, and it has "
            f"{abs(width * height):,}"
        )


def check_gif(content: bytes, limits: Limits) -> None:
    """Bound the pixels, and the blocks before the first picture."""
    if len(content) < 13:
        return
    width, height = struct.unpack_from("<HH", content, 6)
    limits.check_size(width, height, "gif")
    at, blocks = 13 + (3 << (content[10] & 7) + 1 if content[10] & 128 else 0), 0
    while content[at : at + 1] not in (b"", b",", b";"):
        at += 2 if content[at : at + 1] == b"!" else 1
        while at < len(content) and content[at]:
            at += 1 + content[at]
            blocks += 1
            check_pieces(blocks, "blocks")
        at += 1
        blocks += 1
        check_pieces(blocks, "blocks")
