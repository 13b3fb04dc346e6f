"""The bounds of an image file, and the error that names one."""

from __future__ import annotations

from dataclasses import dataclass, field

from skinfw.recipe.settings import ImageFormat, ImageSettings

PIECES = 65_536
"""Segments, chunks, strips, tiles or values of a file: a decoder spends microseconds on each."""

_PIXEL_SHARES = {"webp": 2, "jpeg2000": 4}
"""Decoders that hold an image several times, or are slow, get a half or a quarter of the pixels."""
_BYTE_SHARES = {"jpeg2000": 16}
"""A megabyte of JPEG 2000 takes a fifth of a second."""


class BoundError(Exception):
    """Say which bound an image file exceeds, and the cure."""

    def __init__(
        self, why: str, cure: str = "save it again as PNG, or leave the image out"
    ) -> None:
        """Keep both lines."""
        super().__init__(why)
        self.cure = cure


@dataclass(frozen=True)
class Limits:
    """Say what an image file may cost.

    formats: that are decoded, told by what a file contains and never by its name.
    pixels: of the largest image.
    megabytes: of the largest file.
    """

    formats: tuple[ImageFormat, ...] = field(default=ImageSettings().formats)
    pixels: int = ImageSettings().max_pixels
    megabytes: int = ImageSettings().max_megabytes

    @classmethod
    def of(cls, image: ImageSettings) -> Limits:
        """Return the limits of a recipe's [image] table."""
        return cls(image.formats, image.max_pixels, image.max_megabytes)

    @property
    def bytes(self) -> int:
        """The size of the largest file."""
        return self.megabytes * 1_000_000

    def check_size(self, width: int, height: int, image_format: str) -> None:
        """Raise BoundError for an image of no or too many pixels, before they are allocated."""
        share = _PIXEL_SHARES.get(image_format, 1)
        if width < 1 or height < 1:
            raise BoundError(f"it has {width:,} x {height:,} pixels", "leave the image out")
        if width * height * share > self.pixels:
            raise BoundError(
                f"it has {width:,} x {height:,} pixels, more than image.max_pixels = "
                f"{self.pixels:,} allows{_share(share, image_format)}",
                "raise image.max_pixels for images that you trust, or leave the image out",
            )

    def check_bytes(self, size: int, image_format: str = "") -> None:
        """Raise BoundError for a file that is too large."""
        share = _BYTE_SHARES.get(image_format, 1)
        if size * share > self.bytes:
            raise BoundError(
                f"the file has {size / 1e6:,.0f} MB, more than image.max_megabytes = "
                f"{self.megabytes:,} allows{_share(share, image_format)}",
                "raise image.max_megabytes for files that you trust, or leave the image out",
            )


def _share(share: int, image_format: str) -> str:
    return f", 1/{share} of it for {image_format}" if share > 1 else ""


def check_pieces(pieces: int, name: str) -> None:
    """Raise BoundError for a file of too many pieces.

    name: what they are, in the plural.
    """
    if pieces > PIECES:
        raise BoundError(f"it has more than {PIECES:,} {name}, as no camera writes them")
