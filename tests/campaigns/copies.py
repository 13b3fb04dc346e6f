"""Different lesions in the same frame are no copies, and copies in frames are found.

Each case puts ten pairs of different lesions into surroundings that the two of a pair share to the
pixel: slide frames, film, white borders, dark corners, rulers. Beside them lies a copy of one of
each pair, resized, cropped, turned or mirrored, all compressed again. The lesions are drawn; where
SKINFW_ISIC2018 names the folder of ISIC 2018, they are its photographs, sharp and blurred in turn.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from scipy.cluster.hierarchy import DisjointSet

from campaigns.campaign import Campaign, Figures
from skinfw import read_csv
from skinfw.toolkit import read_image
from skinfw_duplicates.duplicates import find_copies
from skinfw_synthetic.dataset import Synthetic

Image = np.ndarray
PAIRS = 10
LEAST_FOUND = 0.5  # of the copies of a case; nine in ten is usual
REAL = os.environ.get("SKINFW_ISIC2018", "")


def slide(image: Image, rng: np.random.Generator) -> Image:
    """Lay a black frame with round corners over the picture."""
    return framed(image, rng, shade=int(rng.integers(0, 25)))


def inset(image: Image, rng: np.random.Generator) -> Image:
    """Shrink the whole picture into a black or grey frame."""
    frame = np.full_like(image, rng.choice([0, 20, 90, 150]))
    top, bottom, left, right = margins(image, rng)
    size = (right - left, bottom - top)
    frame[top:bottom, left:right] = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return frame


def label(image: Image, rng: np.random.Generator) -> Image:
    """Lay a white frame with a name over the picture."""
    result = framed(image, rng, shade=int(rng.integers(235, 256)))
    place, size = (4, len(image) - 4), len(image) / 400
    text = f"Abl {rng.integers(999)}"
    cv2.putText(result, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, (30, 30, 30), 1, cv2.LINE_AA)
    return result


def scanned(image: Image, rng: np.random.Generator) -> Image:
    """Lay a black frame over the picture, and the white of a scanner around it."""
    result = slide(image, rng)
    edge = int(len(image) * rng.uniform(0.01, 0.05))
    return cv2.copyMakeBorder(result, *[edge] * 4, cv2.BORDER_CONSTANT, value=(245, 245, 245))


def film(image: Image, rng: np.random.Generator) -> Image:
    """Lay a frame with the holes of a film over the picture."""
    result = slide(image, rng)
    height, width = result.shape[:2]
    count = int(rng.integers(5, 9))
    for left in (np.arange(count) + 0.3) * width / count:
        for top in (0.02 * height, 0.93 * height):
            first, last = (int(left), int(top)), (int(left + width / count / 2), int(top + 6))
            cv2.rectangle(result, first, last, (235, 235, 235), -1)
    return result


def corners(image: Image, rng: np.random.Generator) -> Image:
    """Darken what the tube of a dermatoscope hides."""
    height, width = image.shape[:2]
    down, across = np.mgrid[:height, :width]
    middle = (height / 2 + rng.normal(0, 3), width / 2 + rng.normal(0, 3))
    radius = rng.uniform(0.35, 0.48) * np.hypot(height, width)
    away = radius - np.hypot(down - middle[0], across - middle[1])
    light = np.clip(away / rng.uniform(1, 12) + 0.5, 0, 1)[..., None]
    return (image * light + int(rng.integers(0, 20)) * (1 - light)).astype(np.uint8)


def ruler(image: Image, rng: np.random.Generator) -> Image:
    """Draw ticks along a side, on a white strip or on the skin."""
    turns, shade = int(rng.integers(4)), int(rng.integers(0, 80))
    result = np.rot90(image, turns).copy()
    height, width = result.shape[:2]
    if rng.random() < 0.5:
        result[: int(height * 0.14)] = 238
    step, top = width / rng.integers(12, 40), int(height * rng.uniform(0.01, 0.05))
    for number in range(int(width / step) + 1):
        length = int(height * (0.09 if number % 5 == 0 else 0.05))
        first, last = (int(number * step), top), (int(number * step), top + length)
        cv2.line(result, first, last, (shade,) * 3, 1, cv2.LINE_AA)
    return np.rot90(result, -turns).copy()


def everything(image: Image, rng: np.random.Generator) -> Image:
    """Draw a ruler, dark corners and a slide frame."""
    return slide(corners(ruler(image, rng), rng), rng)


SURROUNDINGS = (slide, inset, label, scanned, film, corners, ruler, everything)


def margins(image: Image, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Return where a frame ends: top, bottom, left, right."""
    height, width = image.shape[:2]
    top, bottom, left, right = rng.uniform(0.05, 0.22, 4)
    return (
        int(top * height), int((1 - bottom) * height), int(left * width), int((1 - right) * width)
    )  # fmt: skip


def framed(image: Image, rng: np.random.Generator, shade: int) -> Image:
    """Lay a frame of one tone and with round corners over the picture."""
    top, bottom, left, right = margins(image, rng)
    reach = int(rng.uniform(0, 0.08) * len(image))
    hole = np.zeros(image.shape[:2], np.float32)
    hole[top + reach : bottom - reach, left + reach : right - reach] = 1
    if reach:
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
        hole = cv2.dilate(hole, disc)
    hole = cv2.GaussianBlur(hole, (0, 0), rng.uniform(0.3, 1.5))[..., None]
    return (image * hole + shade * (1 - hole)).astype(np.uint8)


def copied(image: Image, rng: np.random.Generator) -> Image:
    """Return a copy: resized, cropped, turned, mirrored, or all of it."""
    kind = rng.choice(["resized", "cropped", "turned", "mirrored", "all"])
    height, width = image.shape[:2]
    if kind in ("cropped", "all"):
        left, right = (rng.uniform(0, 0.1, 2) * width).astype(int)
        top, bottom = (rng.uniform(0, 0.1, 2) * height).astype(int)
        image = image[top : height - bottom, left : width - right]
    if kind in ("resized", "all"):
        factors = {"fx": rng.uniform(0.6, 1.6), "fy": rng.uniform(0.6, 1.6)}
        image = cv2.resize(image, None, **factors, interpolation=cv2.INTER_AREA)
    if kind in ("turned", "all"):
        image = np.rot90(image, rng.integers(1, 4))
    if kind in ("mirrored", "all"):
        image = image[:, ::-1]
    return image


def drawn(count: int, seed: int) -> list[Image]:
    """Draw different lesions."""
    data = Synthetic(images=64, size=128, seed=seed)
    paths = data.table().rows.drop_duplicates("lesion")["path"].tolist()
    return [data.image(path) for path in paths[:count]]


def photographed(count: int, seed: int) -> list[Image]:
    """Read photographs of different lesions of ISIC 2018; every other case has them blurred."""
    root = Path(REAL)
    lesions = read_csv(root / "HAM10000_metadata.csv", ["image_id", "lesion_id"])
    lesions = lesions.drop_duplicates("lesion_id").sample(frac=1, random_state=seed)
    files = (root / "ISIC2018_Task3_Training_Input" / f"{name}.jpg" for name in lesions["image_id"])
    there = (file for file in files if file.is_file())
    images = [read_image(str(file)) for file in islice(there, count)]
    return [cv2.GaussianBlur(image, (0, 0), 2.0) for image in images] if seed % 2 else images


def saved(images: Sequence[Image], folder: Path, rng: np.random.Generator) -> list[str]:
    paths = [str(folder / f"{number}.jpg") for number in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        quality = int(rng.integers(40, 95))
        pixels = np.ascontiguousarray(image[..., ::-1])
        cv2.imwrite(path, pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return paths


def case(number: int, dice: random.Random, folder: Path, figures: Figures) -> None:
    """Look for copies among ten pairs in one kind of surroundings, and a copy of each."""
    rng = np.random.default_rng(dice.getrandbits(32))
    surround: Callable[[Image, np.random.Generator], Image]
    surround = SURROUNDINGS[number % len(SURROUNDINGS)]
    source = photographed if REAL else drawn
    lesions = source(2 * PAIRS, 2 * dice.getrandbits(20) + number // len(SURROUNDINGS) % 2)
    pairs = rng.integers(1 << 32, size=PAIRS).repeat(2)
    images = [surround(image, np.random.default_rng(seed))
              for image, seed in zip(lesions, pairs, strict=True)]  # fmt: skip
    images += [copied(image, rng) for image in images[::2]]
    joined = DisjointSet(range(len(images)))
    for one, other, _ in find_copies(saved(images, folder, rng), folder, lambda _: None).pairs:
        joined.merge(one, other)
    name, found = surround.__name__, 0
    for pair in range(PAIRS):
        if joined.connected(2 * pair, 2 * pair + 1):
            figures.fail(f"case {number}, {name}", f"the lesions of pair {pair} are called copies")
        else:
            figures.count("pairs apart")
        found += joined.connected(2 * pair, 2 * PAIRS + pair)
    figures.outcomes.update({"copies found": found, "copies missed": PAIRS - found})
    if found < LEAST_FOUND * PAIRS:
        figures.fail(f"case {number}, {name}", f"{found} of {PAIRS} copies are found")


CAMPAIGNS = (Campaign("framed lesions", size=20, sample=2, case=case),)
