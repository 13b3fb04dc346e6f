"""Decode image files: one way for all formats, and errors that name the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from skinfw.errors import SkinfwError


def read_image(path: Path | str) -> npt.NDArray[np.uint8]:
    """Decode an image file, turned upright as its EXIF data say.

    path: a file in any format that Pillow reads; grey, palette, CMYK, 16-bit and transparent
        images become RGB, transparency on white.
    Returns uint8 [H, W, 3]. Raises SkinfwError that names the file.
    """
    try:
        with Image.open(path) as image:
            image.load()
            return np.asarray(_rgb(_upright(image)))
    except FileNotFoundError:
        why, cure = "the file does not exist", "complete the download, or drop absent images"
    except UnidentifiedImageError:
        empty = Path(path).stat().st_size == 0
        why = "the file is empty" if empty else "no image format is recognised in it"
        cure = "download the file again"
    except MemoryError:
        raise
    except Exception as error:  # decoders raise whatever a damaged file makes them
        why = f"{type(error).__name__}: {error}"
        cure = "download the file again, or leave the image out"
    raise SkinfwError("an image cannot be decoded", str(path), why, cure)


def _upright(image: Image.Image) -> Image.Image:
    """Turn an image as its EXIF data say; damaged EXIF data do not cost the image."""
    try:
        turned: Any = ImageOps.exif_transpose(image)
    except Exception:
        return image
    return image if turned is None else turned


def _rgb(image: Image.Image) -> Image.Image:
    """Convert any mode to RGB without losing range or showing hidden pixels."""
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        values = np.asarray(image, dtype=np.float32)
        top = 65535.0 if values.max() > 255 else 255.0
        image = Image.fromarray((values * (255.0 / top)).clip(0, 255).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")
