"""Which format an image file has, by its first bytes, and whether it is within bounds."""

from __future__ import annotations

from collections.abc import Callable

from skinfw.data.structure.bounds import BoundError, Limits
from skinfw.data.structure.jpeg import check_jpeg
from skinfw.data.structure.jpeg2000 import check_jpeg2000
from skinfw.data.structure.others import check_bmp, check_gif, check_png, check_webp
from skinfw.data.structure.tiff import check_tiff
from skinfw.recipe.settings import ImageFormat

_SIGNATURES: dict[ImageFormat, tuple[bytes, ...]] = {
    "jpeg": (b"\xff\xd8\xff",),
    "png": (b"\x89PNG\r\n\x1a\n",),
    "tiff": tuple(
        order + bytes(version)
        for order in (b"II", b"MM")
        for version in ((42, 0), (0, 42), (43, 0), (0, 43))
    ),
    "webp": (b"RIFF",),
    "bmp": (b"BM",),
    "jpeg2000": (b"\x00\x00\x00\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"),
    "gif": (b"GIF87a", b"GIF89a"),
}
_CHECKS: dict[ImageFormat, Callable[[bytes, Limits], None]] = {
    "jpeg": check_jpeg,
    "png": check_png,
    "tiff": check_tiff,
    "webp": check_webp,
    "bmp": check_bmp,
    "jpeg2000": check_jpeg2000,
    "gif": check_gif,
}


def check_content(content: bytes, limits: Limits) -> ImageFormat:
    """Return the format of an image file that may be decoded.

    content: of the file.
    limits: what it may cost.
    Raises BoundError for any other.
    """
    if not content:
        raise BoundError("the file is empty", "download the file again")
    limits.check_bytes(len(content))
    image_format = _format(content)
    allowed = ", ".join(limits.formats)
    if image_format is None:
        raise BoundError(
            "no image format is recognised in it",
            f"download the file again, or save it as {allowed}",
        )
    if image_format not in limits.formats:
        raise BoundError(
            f"it is a {image_format} file, and image.formats has {allowed}",
            f'add "{image_format}" to image.formats, or leave the image out',
        )
    limits.check_bytes(len(content), image_format)
    _CHECKS[image_format](content, limits)
    return image_format


def _format(content: bytes) -> ImageFormat | None:
    """Return the format whose signature a file begins with."""
    for image_format, signatures in _SIGNATURES.items():
        if content.startswith(signatures):
            is_webp = image_format != "webp" or content[8:12] == b"WEBP"
            return image_format if is_webp else None
    return None
