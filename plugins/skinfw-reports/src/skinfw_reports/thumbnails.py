"""Images small enough to stand in a page."""

from __future__ import annotations

import base64
import io
from typing import Any


def thumbnail(image: Any, side: int, quality: int) -> bytes:
    """Return an image as a JPEG file, its longer side no longer than `side` pixels.

    image: uint8 [H, W, 3].
    quality: of the JPEG, up to 95.
    """
    from PIL import Image

    small = Image.fromarray(image)
    small.thumbnail((side, side))
    sink = io.BytesIO()
    small.save(sink, "JPEG", quality=quality, optimize=True)
    return sink.getvalue()


def jpeg_address(jpeg: bytes) -> str:
    """Return a JPEG as an address that holds it."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()
