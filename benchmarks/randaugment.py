"""Yao et al.'s modified RandAugment beside the same policy, op by op, on Pillow images."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

import cv2
import numpy as np
import torch
from PIL import Image, ImageChops, ImageEnhance, ImageOps
from torchvision.transforms import v2

from benchmarks import augment, pictures
from benchmarks.harness import Bench, Peer, Row, one_core, race

FILL = (124, 116, 104)
PROBABILITY = 0.7
POLICY = """
    [[augment]]
    use = "modified-randaugment"
    policy = "v1_1"

    [[augment]]
    use = "random-crop"
"""
Op = Callable[[Image.Image], Image.Image]


def policy(bench: Bench) -> list[Row]:
    """Race from decoded images to normalised batches."""
    files = pictures.files(bench)
    held = [augment.open_rgb(file) for file in files]
    chain = OnPillow(held)
    peer = Peer("op by op on Pillow images", augment.batches(bench, held, chain), 2.0)
    with one_core():
        own = augment.own_batches(bench, files, cached=True, chain=POLICY)
        return race(bench, "the policy v1_1 on decoded images", own, [peer])


class OnPillow:
    """Apply one op of colour and one of shape as Pillow, or NumPy where it has none, does it."""

    def __init__(self, images: Sequence[Image.Image]) -> None:
        """Keep the images that are mixed in."""
        self._images = images
        self._colour: list[Op] = [
            self._mixup, _vignette, _noise, _enhance(ImageEnhance.Color),
            _enhance(ImageEnhance.Contrast), _enhance(ImageEnhance.Brightness),
            _enhance(ImageEnhance.Sharpness), _cast, _equalize_luma, _posterize, _autocontrast,
            _solarize, ImageOps.equalize,
        ]  # fmt: skip
        self._shape: list[Op] = [
            _rotate, _lens, _flip, _cut_out, _shear(0), _shear(1), _scale(False), _scale(True)
        ]  # fmt: skip
        self._tail = v2.Compose(
            [
                v2.ToImage(),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize(augment.MEAN, augment.STD),
            ]
        )

    def __call__(self, image: Image.Image) -> torch.Tensor:
        """Return the augmented crop."""
        for ops in (self._colour, self._shape):
            op = random.choice(ops)
            if random.random() < PROBABILITY:
                image = op(image)
        width, height = image.size
        x, y = (random.randint(0, side - augment.SIZE) for side in (width, height))
        tensor: torch.Tensor = self._tail(image.crop((x, y, x + augment.SIZE, y + augment.SIZE)))
        return tensor

    def _mixup(self, image: Image.Image) -> Image.Image:
        other = random.choice(self._images).resize(image.size, Image.Resampling.BILINEAR)
        return Image.blend(image, other, random.uniform(0, 0.2))


def _enhance(kind: type) -> Op:
    def op(image: Image.Image) -> Image.Image:
        enhanced: Image.Image = kind(image).enhance(1 + random.uniform(-0.4, 0.4))
        return enhanced

    return op


def _vignette(image: Image.Image) -> Image.Image:
    width, height = image.size
    x = width / 2 + random.uniform(-width, width) / 10
    y = height / 2 + random.uniform(-height, height) / 10
    start = width / 2 * random.uniform(0.3, 0.7)
    rows, columns = np.ogrid[:height, :width]
    away = np.hypot(columns - x, rows - y)
    grown = np.clip((away - start) / (away.max() - start), 0, 1) ** 1.2
    light = 1 - random.uniform(0, 0.6) * grown
    return Image.fromarray((np.asarray(image) * light[..., None]).astype(np.uint8))


def _noise(image: Image.Image) -> Image.Image:
    pixels = np.asarray(image, np.float32)
    noise = np.random.normal(0, 50, pixels.shape) * random.uniform(0, 0.2)
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))


def _cast(image: Image.Image) -> Image.Image:
    pixels, forced = np.asarray(image, np.int16).copy(), random.randrange(3)
    for channel in range(3):
        if channel == forced or random.random() < 1 / 3:
            pixels[..., channel] += round(random.uniform(-30, 30))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _equalize_luma(image: Image.Image) -> Image.Image:
    luma, *colours = image.convert("YCbCr").split()
    return Image.merge("YCbCr", (ImageOps.equalize(luma), *colours)).convert("RGB")


def _posterize(image: Image.Image) -> Image.Image:
    return ImageOps.posterize(image, 8 - round(random.uniform(0, 3)))


def _autocontrast(image: Image.Image) -> Image.Image:
    return ImageOps.autocontrast(image, preserve_tone=True)


def _solarize(image: Image.Image) -> Image.Image:
    return ImageOps.solarize(image, round(255 - random.uniform(0, 127)))


def _rotate(image: Image.Image) -> Image.Image:
    return image.rotate(random.uniform(-40, 40), Image.Resampling.BILINEAR, fillcolor=FILL)


def _lens(image: Image.Image) -> Image.Image:
    width, height = image.size
    bend, focal = random.uniform(-0.6, 0.6), math.hypot(width, height)
    camera = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
    bends = np.array([0.15, 0.15, 0.1, 0.1]) * bend
    undistorted = cv2.undistort(np.asarray(image), camera, bends)
    return Image.fromarray(undistorted)


def _flip(image: Image.Image) -> Image.Image:
    kind = random.choice(("across", "down", "both"))
    if kind != "down":
        image = ImageOps.mirror(image)
    return image if kind == "across" else ImageOps.flip(image)


def _cut_out(image: Image.Image) -> Image.Image:
    width, height = image.size
    half = random.uniform(0, 50)
    x, y = random.uniform(0.2, 0.8) * width, random.uniform(0.2, 0.8) * height
    image = ImageChops.duplicate(image)
    image.paste(FILL, (round(x - half), round(y - half), round(x + half), round(y + half)))
    return image


def _shear(axis: int) -> Op:
    def op(image: Image.Image) -> Image.Image:
        slope, (width, height) = math.tan(math.radians(random.uniform(-15, 15))), image.size
        across = (1, slope, -slope * height / 2, 0, 1, 0)
        down = (1, 0, 0, slope, 1, -slope * width / 2)
        return image.transform(
            image.size,
            Image.Transform.AFFINE,
            (across, down)[axis],
            Image.Resampling.BILINEAR,
            fillcolor=FILL,
        )

    return op


def _scale(apart: bool) -> Op:
    def op(image: Image.Image) -> Image.Image:
        across = down = 1 + random.uniform(-0.2, 0.2)
        if apart:
            down = random.uniform(0.8, 1.2)
        width, height = image.size
        size = (round(width * across), round(height * down))
        return image.resize(size, Image.Resampling.BILINEAR)

    return op
