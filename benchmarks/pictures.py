"""The JPEG files that are measured: the user's, or synthetic ones of HAM10000's size."""

from __future__ import annotations

import itertools
from pathlib import Path

from benchmarks.harness import Bench, Skip

HEIGHT = 450  # the width is 4/3 of it
QUALITY = 95


def files(bench: Bench) -> list[Path]:
    """Return the files, drawing them first where the user has given none."""
    folder = bench.images or bench.scratch / "pictures"
    if not bench.images and not folder.is_dir():
        _draw(folder, bench.amount(64, 4))
    pictures = sorted(file for file in folder.iterdir() if file.suffix.lower() in (".jpg", ".jpeg"))
    if not pictures:
        raise Skip(f"there is no JPEG file in {folder}")
    return pictures


def linked(bench: Bench, count: int) -> Path:
    """Return a folder of `count` files: the pictures under many names, so that none is new."""
    folder = bench.scratch / f"pictures-{count}"
    if not folder.is_dir():
        folder.mkdir()
        for number, file in zip(range(count), itertools.cycle(files(bench)), strict=False):
            (folder / f"{number:05d}.jpg").symlink_to(file.resolve())
    return folder


def describe(bench: Bench) -> str:
    """Say what is measured, for the table's heading."""
    if bench.images:
        return "JPEG files that the user gave"
    return f"synthetic JPEG files of {HEIGHT * 4 // 3}x{HEIGHT} pixels, quality {QUALITY}"


def _draw(folder: Path, count: int) -> None:
    import cv2

    from skinfw_synthetic.dataset import Synthetic

    folder.mkdir()
    world = Synthetic(images=64, size=HEIGHT)
    for name in world.table().rows["path"][:count]:
        options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
        cv2.imwrite(str(folder / f"{name}.jpg"), world.image(name)[..., ::-1], options)
