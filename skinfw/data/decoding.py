"""Decode image files: one way for all formats, and errors that name the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import PIL
from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError

from skinfw.errors import SkinfwError

DECODER = f"1 opencv {cv2.__version__} pillow {PIL.__version__}"
"""What decides the pixels beside the file; a cache of them must not outlive it."""

Image = npt.NDArray[np.uint8]

_ORIENTATION = 0x0112
# By factor, what tells OpenCV to decode so; the names say grey, the pixels stay in colour.
_REDUCTIONS = {
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    1: 0,
}


@dataclass(frozen=True)
class Decoding:
    """Say how image files become arrays.

    short: as `read_image` takes it.
    prepare: what happens to every image once it is decoded, or None.
    name: what tells this preparation from others.
    """

    short: int = 0
    prepare: Callable[[Image], Image] | None = None
    name: str = ""

    @property
    def key(self) -> str:
        """What decides the pixels beside the file and its reduction."""
        return f"{DECODER} {self.name}".rstrip()

    def read(self, path: Path | str) -> Image:
        """Return a file's image, uint8 [H, W, 3]; errors as of `read_image`."""
        return self.apply_preparation(read_image(path, self.short))

    def decode(self, content: bytes, path: Path | str) -> Image:
        """Return the image of a file's bytes as `read` does."""
        return self.apply_preparation(decode(content, path, self.short))

    def read_pixels(self, image: Image) -> Image:
        """Return an image that is decoded already, uint8 RGB [H, W, 3], reduced and prepared."""
        factor = reduction((image.shape[1], image.shape[0]), self.short)
        if factor > 1:
            image = np.asarray(Pillow.fromarray(image).reduce(factor))
        return self.apply_preparation(image)

    def apply_preparation(self, image: Image) -> Image:
        """Return a decoded image as the network's data show it."""
        return self.prepare(image) if self.prepare else image


WHOLE = Decoding()
"""All pixels, as they are."""


def read_image(path: Path | str, short: int = 0) -> Image:
    """Decode an image file, turned upright as its EXIF data say.

    path: a file in any format that Pillow reads; grey, palette, CMYK, 16-bit and transparent
        images become RGB, transparency on white.
    short: the image is halved, up to three times, as long as its short side keeps this length;
        0 keeps all pixels.
    Returns uint8 [H, W, 3]. Raises SkinfwError that names the file.
    """
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        why, cure = "the file does not exist", "complete the download, or drop absent images"
        raise SkinfwError("an image cannot be decoded", str(path), why, cure) from None
    return decode(content, path, short)


def decode(content: bytes, path: Path | str, short: int = 0) -> Image:
    """Decode the bytes of an image file as `read_image` does.

    path: for the message.
    """
    try:
        with Pillow.open(BytesIO(content)) as image:
            factor = reduction(image.size, short)
            if _is_plain_jpeg(image, content):
                flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION | _REDUCTIONS[factor]
                pixels = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
                if pixels is not None:
                    return np.asarray(pixels, np.uint8)
            return np.asarray(_reduce(image, factor))
    except UnidentifiedImageError:
        why = "no image format is recognised in it" if content else "the file is empty"
        cure = "download the file again"
    except MemoryError:
        raise
    except Exception as error:  # decoders raise whatever a damaged file makes them
        why = f"{type(error).__name__}: {error}"
        cure = "download the file again, or leave the image out"
    raise SkinfwError("an image cannot be decoded", str(path), why, cure)


def file_size(content: bytes) -> tuple[int, int]:
    """Return width and height that the head of an image file states, before EXIF turns it."""
    with Pillow.open(BytesIO(content)) as image:
        return image.size


def reduction(size: tuple[int, int], short: int) -> int:
    """Return the factor, 1, 2, 4 or 8, by which an image is reduced while it is decoded.

    size: of the file, in either order.
    short: length that the short side must keep; 0 for all pixels.
    """
    if not short:
        return 1
    return next(factor for factor in _REDUCTIONS if factor == 1 or min(size) >= factor * short)


def _is_plain_jpeg(image: Pillow.Image, content: bytes) -> bool:
    """Tell whether OpenCV, which is faster, gives the same pixels and misses no damage.

    It would not say that a file is cut off, turns CMYK into other colours, and turns images
    upright in its own way.
    """
    if image.format != "JPEG" or image.mode not in ("RGB", "L"):
        return False
    if content[-64:].rstrip(b"\0\r\n ")[-2:] != b"\xff\xd9":
        return False
    try:
        return bool(image.getexif().get(_ORIENTATION, 1) == 1)
    except Exception:  # damaged EXIF data do not cost the image
        return True


def _reduce(image: Pillow.Image, factor: int) -> Pillow.Image:
    """Decode with Pillow; JPEG files give a half, a quarter or an eighth for less work."""
    whole = image.size
    if factor > 1:
        image.draft(image.mode, (whole[0] // factor, whole[1] // factor))
    image.load()
    drafted = image.size != whole
    image = _rgb(_upright(image))
    return image if drafted or factor == 1 else image.reduce(factor)


def _upright(image: Pillow.Image) -> Pillow.Image:
    """Turn an image as its EXIF data say; damaged EXIF data do not cost the image."""
    try:
        turned: Any = ImageOps.exif_transpose(image)
    except Exception:
        return image
    return image if turned is None else turned


def _rgb(image: Pillow.Image) -> Pillow.Image:
    """Convert any mode to RGB without losing range or showing hidden pixels."""
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        values = np.asarray(image, dtype=np.float32)
        top = 65535.0 if values.max() > 255 else 255.0
        image = Pillow.fromarray((values * (255.0 / top)).clip(0, 255).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Pillow.new("RGBA", image.size, "white")
        image = Pillow.alpha_composite(white, image)
    return image.convert("RGB")
