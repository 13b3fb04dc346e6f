"""Writing the synthetic images to disk in the official layout of ISIC 2019."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skinfw import write_csv
from skinfw_synthetic.dataset import Synthetic

JPEG_QUALITY = 95


def write(data: Synthetic, folder: Path) -> Iterator[str]:
    """Write images, masks and both tables, and yield each image's id once it is on disk.

    data: the data set to draw.
    folder: where its three tables and folders go; it is made if it does not exist.
    """
    table = data.table().rows
    images = folder / "ISIC_2019_Training_Input"
    masks = folder / "ISIC_2019_Training_Masks"
    images.mkdir(parents=True, exist_ok=True)
    masks.mkdir(exist_ok=True)
    truth = pd.DataFrame({"image": table["id"]})
    for name in (*data.classes, "UNK"):
        truth[name] = (table["label"] == name).astype(float)
    _write(folder / "ISIC_2019_Training_GroundTruth.csv", truth)
    metadata = table.rename(columns={"id": "image", "lesion": "lesion_id"})
    columns = ["image", "age_approx", "anatom_site_general", "lesion_id", "sex"]
    _write(folder / "ISIC_2019_Training_Metadata.csv", metadata[columns])
    for name, path in zip(table["id"], table["path"], strict=True):
        photograph = data.image(path)[..., ::-1]
        _save(images / f"{name}.jpg", photograph, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        _save(masks / f"{name}_segmentation.png", data.mask(path).astype(np.uint8) * 255, [])
        yield name


def _write(file: Path, table: pd.DataFrame) -> None:
    write_csv(file, list(table.columns), table.itertuples(index=False))


def _save(file: Path, pixels: NDArray[np.uint8], options: list[int]) -> None:
    # Encoding first keeps paths with any letters working, and a full disk an error.
    _, content = cv2.imencode(file.suffix, pixels, options)
    file.write_bytes(content.tobytes())
