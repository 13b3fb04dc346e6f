"""Decode image files: one way for all formats, and errors that name the file."""

from __future__ import annotations

import logging
import os
import re
import stat
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import PIL
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from skinfw.data.rgb import rgb_pixels
from skinfw.data.structure.bounds import BoundError, Limits
from skinfw.data.structure.check import check_content
from skinfw.data.structure.tiff import orientation
from skinfw.errors import SkinfwError
from skinfw.files.sources import PiecePath, RemotePath, source_path

# What decoders warn of is either an error of skinfw's own or harms no pixel.
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").addHandler(logging.NullHandler())

DECODER = f"1 opencv {cv2.__version__} pillow {PIL.__version__}"
"""What decides the pixels beside the file; a cache of them must not outlive it."""

Image = npt.NDArray[np.uint8]

LIMITS = Limits()
"""What an image file may cost where no recipe says otherwise."""

_WHAT = "an image cannot be decoded"
_ORIENTATION = 0x0112
_TURNS = {
    2: Pillow.Transpose.FLIP_LEFT_RIGHT,
    3: Pillow.Transpose.ROTATE_180,
    4: Pillow.Transpose.FLIP_TOP_BOTTOM,
    5: Pillow.Transpose.TRANSPOSE,
    6: Pillow.Transpose.ROTATE_270,
    7: Pillow.Transpose.TRANSVERSE,
    8: Pillow.Transpose.ROTATE_90,
}  # by how the camera was held
_XMP_ORIENTATION = re.compile(rb'tiff:Orientation(="|>)([0-9])')
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
    limits: what a file may cost.
    """

    short: int = 0
    prepare: Callable[[Image], Image] | None = None
    name: str = ""
    limits: Limits = LIMITS

    @property
    def key(self) -> str:
        """What decides the pixels beside the file and its reduction."""
        return f"{DECODER} {self.name}".rstrip()

    def read(self, path: Path | str) -> Image:
        """Return a file's image, uint8 [H, W, 3]; errors as of `read_image`."""
        return self.apply_preparation(read_image(path, self.short, self.limits))

    def decode(self, content: bytes, path: Path | str) -> Image:
        """Return the image of a file's bytes as `read` does."""
        return self.apply_preparation(decode(content, path, self.short, self.limits))

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


class UnreadableError(SkinfwError):
    """Say that an image file is not there or cannot be read, which may be otherwise next time."""


def read_image(path: Path | str, short: int = 0, limits: Limits = LIMITS) -> Image:
    """Decode an image file, turned upright as its EXIF data say.

    path: a file in one of the formats of `limits`; grey, palette, CMYK, 16-bit and transparent
        images become RGB, transparency on white.
    short: the image is halved, up to three times, as long as its short side keeps this length;
        0 keeps all pixels.
    limits: what the file may cost.
    Returns uint8 [H, W, 3]. Raises SkinfwError that names the file.
    """
    return decode(read_file(path, limits), path, short, limits)


def read_mask(path: Path | str) -> npt.NDArray[np.bool_]:
    """Decode a file whose light pixels say where the lesion is, bool [H, W].

    path: as of `read_image`, and so are the errors.
    """
    return np.asarray(read_image(path).max(axis=2) > 127)


def read_file(path: Path | str, limits: Limits = LIMITS) -> bytes:
    """Return the bytes of an image file; only of a file, for a pipe or a device may never end.

    limits: what the file may cost.
    Raises SkinfwError that names the file.
    """
    try:
        source = source_path(path)
        if isinstance(source, RemotePath | PiecePath):
            limits.check_bytes(source.stat().st_size)
            content = source.read_bytes()
            limits.check_bytes(len(content))  # some servers tell no size before
            return content
        with open(path, "rb", buffering=0, opener=_open_without_waiting) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise BoundError("it is a pipe or a device, not a file", "leave the image out")
            limits.check_bytes(status.st_size)
            return file.read(status.st_size)
    except BoundError as error:
        raise SkinfwError(_WHAT, str(path), str(error), error.cure) from None
    except FileNotFoundError:
        why, cure = "the file does not exist", "complete the download, or drop absent images"
    except (OSError, ValueError) as error:  # a name with a zero byte is a ValueError
        why = getattr(error, "strerror", None) or str(error)
        cure = "make the file readable, or leave the image out"
    raise UnreadableError(_WHAT, str(path), why, cure)


def _open_without_waiting(path: str, flags: int) -> int:
    """Open a file; one that is a pipe does not wait for a writer."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def decode(content: bytes, path: Path | str, short: int = 0, limits: Limits = LIMITS) -> Image:
    """Decode the bytes of an image file as `read_image` does.

    path: for the message.
    """
    try:
        with open_image(content, limits) as image:
            factor = reduction(image.size, short)
            if _is_plain_jpeg(image, content):
                flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION | _REDUCTIONS[factor]
                pixels = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
                if pixels is not None:
                    return np.asarray(pixels, np.uint8)
            return _reduce(image, factor)
    except BoundError as error:
        why, cure = str(error), error.cure
    except UnidentifiedImageError:
        why, cure = "its head is damaged", "download the file again, or leave the image out"
    except MemoryError:
        raise
    except Exception as error:  # decoders raise whatever a damaged file makes them
        why = " ".join(f"{type(error).__name__}: {error}".split())
        cure = "download the file again, or leave the image out"
    raise SkinfwError(_WHAT, str(path), why, cure)


@contextmanager
def open_image(content: bytes, limits: Limits = LIMITS) -> Iterator[Pillow.Image]:
    """Open the bytes of an image file with Pillow, for nothing else may; no pixel is decoded yet.

    limits: what the file may cost.
    Raises BoundError where it may not be decoded, and what Pillow raises where it cannot be.
    """
    image_format = check_content(content, limits)
    with Pillow.open(BytesIO(content), formats=[image_format]) as image:
        limits.check_size(*image.size, image_format)
        yield image


def file_size(content: bytes, limits: Limits = LIMITS) -> tuple[int, int]:
    """Return width and height that the head of an image file states, before EXIF turns it.

    Raises as `open_image`.
    """
    with open_image(content, limits) as image:
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
    return _orientation(image) in (0, 1)


def _orientation(image: Pillow.Image) -> int:
    """Return how EXIF or XMP data say that the camera was held; damaged ones say nothing.

    Pillow would read every tag, however much it claims; of TIFF files this is bounded.
    """
    if image.format == "TIFF":
        with suppress(Exception):
            return int(image.getexif().get(_ORIENTATION, 0))
        return 0
    exif = image.info.get("exif")
    if exif is None and (text := image.info.get("Raw profile type exif")):
        with suppress(ValueError):
            exif = bytes.fromhex("".join(text.split("\n")[3:]))
    if isinstance(exif, bytes) and (turned := orientation(exif)):
        return turned
    packet = image.info.get("XML:com.adobe.xmp") or image.info.get("xmp") or b""
    found = _XMP_ORIENTATION.search(packet.encode() if isinstance(packet, str) else packet)
    return int(found[2]) if found else 0


def _reduce(image: Pillow.Image, factor: int) -> Image:
    """Decode with Pillow; JPEG files give a half, a quarter or an eighth for less work."""
    whole = image.size
    if factor > 1:
        image.draft(image.mode, (whole[0] // factor, whole[1] // factor))
    image.load()
    drafted = image.size != whole
    turned = _TURNS.get(_orientation(image))
    if turned is not None:
        image = image.transpose(turned)
    return rgb_pixels(image, 1 if drafted else factor)
