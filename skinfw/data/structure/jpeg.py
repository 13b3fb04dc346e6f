"""Segments and scans of JPEG files."""

from __future__ import annotations

import re

from skinfw.data.structure.bounds import BoundError, Limits, check_pieces
from skinfw.data.structure.tiff import check_directories

_SCANS = 64
"""Cameras and optimizers write at most a dozen; each costs a pass over the whole image."""
_EXIF_BYTES = 1 << 20
_FRAMES = {*range(0xC0, 0xD0), 0xDE} - {0xC4, 0xC8, 0xCC}
_WITH_LENGTH = {*range(0xC0, 0xD0), *range(0xDA, 0xF0), 0xFE} - {0xC8}
_SOS, _EOI, _APP1, _APP2, _APP13 = 0xDA, 0xD9, 0xE1, 0xE2, 0xED
_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")


def check_jpeg(content: bytes, limits: Limits) -> None:
    """Bound the segments before the pixels, what EXIF data claim, and the scans."""
    at, pieces, frame = 2, 0, b""
    exif: list[bytes] = []
    while (start := content.find(b"\xff", at)) >= 0:
        pieces += 1 + start - at  # a decoder looks at each byte that is none of a segment
        check_pieces(pieces, "segments")
        marker, at = content[start + 1 : start + 2], start + 1
        if marker == b"\xff":
            continue
        at += 1
        if not marker or marker[0] not in _WITH_LENGTH:
            continue
        end = at + max(2, int.from_bytes(content[at : at + 2], "big"))
        if marker[0] == _SOS:
            _check_scans(content, start, frame)
            break
        if marker[0] in _FRAMES:
            if frame:
                raise BoundError("it has several frame headers")
            frame = marker + content[at + 2 : end]
            height, width = (int.from_bytes(frame[place : place + 2], "big") for place in (2, 4))
            limits.check_size(width, height, "jpeg")
        elif marker[0] == _APP1 and content.startswith(b"Exif\0\0", at + 2):
            exif.append(content[at + 8 : end])
        elif marker[0] == _APP2 and content.startswith(b"MPF\0", at + 2):
            check_directories(content[at + 6 : end], "MPF")
        elif marker[0] == _APP13:
            pieces += content.count(b"8BIM", at, end)
        at = end
    if sum(map(len, exif)) > _EXIF_BYTES:
        raise BoundError(f"its EXIF data have more than {_EXIF_BYTES:,} bytes")
    if exif:
        check_directories(b"".join(exif), "EXIF")


def _check_scans(content: bytes, at: int, frame: bytes) -> None:
    """Bound the scans from the first one on.

    frame: the marker of the frame header and what it holds.
    Where the first scan of a sequential file has all components there is no other, and nothing
    need be searched.
    """
    sequential = frame[:1] in (b"\xc0", b"\xc1", b"\xc9")
    if sequential and frame[6:7] == content[at + 4 : at + 5]:
        return
    scans = 0
    while found := _MARKER.search(content, at):
        marker, at = found[1][0], found.end()
        if marker == _EOI:
            return
        if marker in _WITH_LENGTH:
            at += max(2, int.from_bytes(content[at : at + 2], "big"))
        scans += marker == _SOS
        if scans > _SCANS:
            raise BoundError(f"it has more than {_SCANS} scans, each a pass over all its pixels")
