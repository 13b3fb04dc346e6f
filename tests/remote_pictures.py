"""A small data set of class folders and a CSV, as the same bytes for every place it is put."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

CLASSES = ("MEL", "NV")
RECIPE = """
[dataset]
use = "csv"
file = "FILE"

[split]
use = "lesion-stratified"
val = 0.25
test = 0.25

[backbone]
use = "./tiny.py:tiny"

[image]
size = 32

[train]
epochs = 1
batch_size = 8

[evaluate]
replicates = 20

[[augment]]
use = "random-resized-crop"

[[report]]
use = "history"
"""


def make_files(images: int = 32) -> dict[str, bytes]:
    """Return files by name: images/ISIC_0000000.jpg and so on, and images.csv."""
    rng = np.random.default_rng(0)
    files, rows = {}, ["id,path,label,lesion,age"]
    for number in range(images):
        label = CLASSES[number % 2]
        pixels = rng.integers(0, 255, (6, 8, 3), np.uint8)
        pixels[..., 0] //= 1 + number % 2
        content = io.BytesIO()
        Image.fromarray(pixels).resize((64, 48)).save(content, "JPEG", quality=95)
        name = f"ISIC_{number:07d}"
        files[f"images/{name}.jpg"] = content.getvalue()
        rows.append(f"{name},images/{name}.jpg,{label},lesion-{number // 3},{30 + number}")
    files["images.csv"] = "\n".join(rows).encode() + b"\n"
    return files
