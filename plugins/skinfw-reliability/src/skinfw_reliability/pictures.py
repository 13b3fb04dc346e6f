"""What the files of images tell: their size, and the skin around the lesion."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np

from skinfw.toolkit import open_image, read_file
from skinfw_reliability.skin_tone import typology_angle


@dataclass(frozen=True)
class Picture:
    """Hold what one file tells.

    width, height: in pixels; 0 where the file cannot be read.
    angle: the individual typology angle in degrees; NaN where it was not measured.
    """

    width: int = 0
    height: int = 0
    angle: float = math.nan


def look(path: str) -> Picture:
    """Return what a file tells; one that cannot be read tells nothing."""
    try:
        with open_image(read_file(path)) as image:
            width, height = image.size
            image.draft("RGB", (512, 512))  # a JPEG is decoded in less detail, and faster
            pixels = np.asarray(image.convert("RGB"))
    except Exception:  # decoders raise whatever a damaged file makes them
        return Picture()
    return Picture(width, height, typology_angle(pixels))


def look_at(paths: Sequence[str]) -> list[Picture]:
    """Return what files tell, in their order, read by as many threads as there are cores."""
    threads = min(8, os.cpu_count() or 1)
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(look, paths))
    finally:
        cv2.setNumThreads(before)
