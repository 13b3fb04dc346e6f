"""From a picture to a batch for the network: the strong chain of E2E-DenseNetSkin, per core."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import torch
from PIL import Image
from torchvision.io import ImageReadMode, decode_image
from torchvision.transforms import v2

from benchmarks import ours, pictures
from benchmarks.harness import Bench, Peer, Row, Work, clocked, need, one_core, race

BATCH = 32
SIZE = 224
JPEG, DECODED = "JPEG files to a batch", "decoded images to a batch"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def jpeg_to_tensor(bench: Bench) -> list[Row]:
    """Race from files, beside torchvision on Pillow images and on tensors."""
    files = pictures.files(bench)
    pillow, tensors = on_pillow(SIZE), on_tensors(SIZE)
    peers = [
        Peer(
            "torchvision v2 on Pillow images",
            batches(bench, files, lambda file: pillow(open_rgb(file))),
            2.5,
        ),
        Peer(
            "torchvision v2 on tensors",
            batches(bench, files, lambda file: tensors(decode_image(file, ImageReadMode.RGB))),
        ),
    ]
    with one_core():
        return race(bench, JPEG, own_batches(bench, files), peers)


def cached_to_tensor(bench: Bench) -> list[Row]:
    """Race from decoded images in memory, beside torchvision on tensors."""
    files = pictures.files(bench)
    held = [decode_image(file, ImageReadMode.RGB) for file in files]
    peer = Peer("torchvision v2 on tensors", batches(bench, held, on_tensors(SIZE)), 5.0)
    with one_core():
        return race(bench, DECODED, own_batches(bench, files, cached=True), [peer])


def albumentations(bench: Bench) -> list[Row]:
    """Race from memory and from files, beside Albumentations."""
    chain = on_albumentations(SIZE)
    files = pictures.files(bench)
    names = [str(file) for file in files]

    def read(name: str) -> Any:
        return cv2.imread(name, cv2.IMREAD_COLOR_RGB)

    memory = batches(bench, [read(name) for name in names], chain)
    disk = batches(bench, names, lambda name: chain(read(name)))
    with one_core():
        return [
            *race(
                bench,
                DECODED,
                own_batches(bench, files, True),
                [Peer("Albumentations", memory, 1.3)],
            ),
            *race(bench, JPEG, own_batches(bench, files), [Peer("Albumentations", disk, 1.3)]),
        ]


def on_pillow(size: int) -> Callable[[Any], torch.Tensor]:
    """Return the chain as the original has it: Pillow all the way, a tensor at the end."""
    return v2.Compose(
        [
            *_strong(size),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STD),
        ]
    )


def on_tensors(size: int) -> Callable[[Any], torch.Tensor]:
    """Return the chain as torchvision advises: uint8 tensors all the way."""
    return v2.Compose(
        [*_strong(size), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
    )


def on_albumentations(size: int) -> Callable[[Any], torch.Tensor]:
    """Return Albumentations' chain of the same ops; it rotates without black corners, as we do."""
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would ask the internet
    a = need("albumentations", "albumentations")
    tensor = need("albumentations.pytorch", "albumentations").ToTensorV2()
    chain = a.Compose(
        [
            a.RandomResizedCrop((size, size)),
            a.HorizontalFlip(p=0.5),
            a.VerticalFlip(p=0.5),
            a.Rotate(limit=(-30, 30), border_mode=cv2.BORDER_REFLECT_101, p=1.0),
            a.ColorJitter((0.8, 1.2), (0.8, 1.2), (0.8, 1.2), (-0.1, 0.1), p=1.0),
            a.Normalize(MEAN, STD),
            tensor,
        ]
    )
    return lambda image: chain(image=image)["image"]


def open_rgb(file: Path) -> Image.Image:
    """Decode a file as torchvision's own data sets do."""
    with Image.open(file) as image:
        return image.convert("RGB")


def _strong(size: int) -> list[torch.nn.Module]:
    return [
        v2.RandomResizedCrop(size),
        v2.RandomHorizontalFlip(),
        v2.RandomVerticalFlip(),
        v2.RandomRotation(30),
        v2.ColorJitter(0.2, 0.2, 0.2, 0.1),
    ]


def batches(bench: Bench, items: Sequence[Any], one: Callable[[Any], torch.Tensor]) -> Work:
    """Return the work of making some batches, item after item, stacked."""

    def make() -> None:
        for places in _places(bench, len(items)):
            torch.stack([one(items[place]) for place in places])

    return clocked(make)


def own_batches(
    bench: Bench, files: Sequence[Path], cached: bool = False, chain: str = ours.STRONG
) -> Work:
    """Return our work of making as many.

    cached: whether the files are decoded before.
    chain: the recipe's augmentation.
    """
    held = ours.decoded(bench.scratch, files, SIZE) if cached else None
    batch = ours.augmented(bench.scratch, files, SIZE, held, chain)

    def make() -> None:
        for places in _places(bench, len(files)):
            batch(places)

    return clocked(make)


def _places(bench: Bench, count: int) -> list[list[int]]:
    """Return which pictures each batch of a round takes: in turn, over and over."""
    size, batches = bench.amount(BATCH, 2), bench.amount(6, 1)
    return [[(first * size + i) % count for i in range(size)] for first in range(batches)]
