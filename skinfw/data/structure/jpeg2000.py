"""Boxes of JPEG 2000 files, and what the head of their codestream asks a decoder to allocate."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from skinfw.data.structure.bounds import BoundError, Limits, check_pieces

_START = b"\xff\x4f\xff\x51"
_COD, _COC, _SOT, _SOD, _EOC = 0x52, 0x53, 0x90, 0x93, 0xD9
_TILES, _COMPONENTS, _LAYERS = 4096, 4, 256
_CODE_BLOCK, _PRECINCT = 8, 10  # powers of two of their areas, at least


def check_jpeg2000(content: bytes, limits: Limits) -> None:
    """Bound the boxes, and tiles, components, layers, precincts and code blocks."""
    for name, start, end in _boxes(content, 0, len(content)):
        if name == b"jp2h":
            for _ in _boxes(content, start, end):
                pass
    at = content.find(_START)
    while at >= 0:  # whichever of them the decoder takes
        _check_codestream(content, at, limits)
        at = content.find(_START, at + 1)


def _boxes(content: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name of each box, and where its content begins and ends."""
    count = 0
    while at + 8 <= end and not content.startswith(_START, at):
        length, name = struct.unpack_from(">I4s", content, at)
        head = 8
        if length == 1 and at + 16 <= end:
            length, head = struct.unpack_from(">Q", content, at + 8)[0], 16
        if length < head:
            return
        count += 1
        check_pieces(count, "boxes")
        yield name, at + head, min(at + length, end)
        at += length


def _check_codestream(content: bytes, at: int, limits: Limits) -> None:
    """Check the size, then every head of the image and of its tiles."""
    if at + 44 > len(content):
        return
    right, bottom, left, top, across, down, start_x, start_y, components = struct.unpack_from(
        ">8IH", content, at + 8
    )
    limits.check_size(max(0, right - left), max(0, bottom - top), "jpeg2000")
    tiles = -(-(right - start_x) // max(1, across)) * -(-(bottom - start_y) // max(1, down))
    if tiles > _TILES or components > _COMPONENTS:
        raise BoundError(f"it has {tiles:,} tiles and {components:,} components")
    count, part = 0, at
    at += 2
    while at + 4 <= len(content):
        marker, length = struct.unpack_from(">HH", content, at)
        kind = marker & 0xFF
        if marker < 0xFF00 or kind == _EOC:
            return
        count += 1
        check_pieces(count, "segments")
        if kind == _SOT:
            part = at
        elif kind == _SOD:
            whole = int.from_bytes(content[part + 6 : part + 10], "big")
            if whole < 14:  # the rest of the file is this tile
                return
            at = part + whole
            continue
        elif kind in (_COD, _COC):
            _check_style(kind, content[at + 4 : at + 2 + length])
        at += 2 + max(2, length)


def _check_style(kind: int, style: bytes) -> None:
    """Check the segment that says how an image, a tile or a component is coded."""
    if kind == _COD and int.from_bytes(style[2:4], "big") > _LAYERS:
        raise BoundError(f"it has more than {_LAYERS} layers")
    skipped = 5 if kind == _COD else 2
    scheme, own = style[0 if kind == _COD else 1 :][:1], style[skipped:]
    if len(own) < 5 or not scheme:
        return
    block = (own[1] & 15) + (own[2] & 15) + 4
    precincts = [(size & 15) + (size >> 4) for size in own[5:]] if scheme[0] & 1 else []
    if block < _CODE_BLOCK or any(size < _PRECINCT for size in precincts):
        raise BoundError("it is cut into very small blocks, which would take much memory")
