"""ISIC 2024, SLICE-3D: 401,059 lesions cut out of 3D total body photographs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from skinfw import DataTable, SkinfwError, line_error, present_rows, read_table, refuse_rows
from skinfw_isic.official import AGE, SEX, SITE, bare_id, check_root, find_images, refuse_values

if TYPE_CHECKING:
    import pandas as pd

CLASSES = ("benign", "malignant")
METADATA = "train-metadata"
PATTERNS = {
    "isic_id": r"(?:ISIC|SYN)_[0-9]{7}", "target": r"[01](?:\.0)?", "patient_id": r"[A-Z]+_[0-9]+",
    "age_approx": f"(?:{AGE}|NA)", "sex": f"(?:{SEX}|NA)", "anatom_site_general": f"(?:{SITE}|NA)",
}  # fmt: skip
LESION = r"(?:[A-Z]+_[0-9]+|NA)?"
ABSENT = "NA"


@dataclass(frozen=True, kw_only=True)
class Isic2024:
    """Read ISIC 2024 (SLICE-3D) as it is downloaded: HDF5 or image files, and metadata.

    The root holds train-metadata.csv (or .parquet) and train-image.hdf5, or in its place the folder
    train-image/image with a JPEG for each image. Classes are benign and malignant, by the column
    target. A lesion without an id, which is one that nobody took out, counts as its own; patient is
    known of all. Kurtansky et al. 2024 (Scientific Data 11, 884); licence CC BY-NC 4.0.

    root: the folder of the unpacked archive.
    columns: further columns of the metadata to keep, such as "tbp_lv_areaMM2"; those that begin
        with "iddx_" or "mel_" tell the label.
    missing: what to do about images that the metadata name and the archive lacks: "error", or
        "drop" them and say how many.
    """

    display_licence: ClassVar[str] = "CC BY-NC 4.0"

    root: Path
    columns: tuple[str, ...] = ("clin_size_long_diam_mm", "tbp_tile_type")
    missing: Literal["error", "drop"] = "error"

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names."""
        return CLASSES

    def table(self) -> DataTable:
        """Return a row per image that is there."""
        table = self._metadata()
        pieces = self._pieces
        table["path"] = [pieces.get(name, "") for name in table["id"].tolist()]
        return present_rows(table, table["path"] == "", self.missing, str(self.root))

    def _metadata(self) -> pd.DataFrame:
        """Return what is known of each image."""
        import numpy as np

        file = self._file
        wanted = dict.fromkeys((*PATTERNS, "lesion_id", *self.columns))
        table = read_table(file, list(wanted), columns=list(wanted), filled=True)
        refuse_values(file, table, {**PATTERNS, "lesion_id": LESION})
        twice = bare_id(table["isic_id"]).duplicated()
        refuse_rows(file, twice, table["isic_id"], "the image id occurs twice")
        table = table.replace(ABSENT, "")
        lesion = table.pop("lesion_id")
        table = table.rename(columns={"isic_id": "id", "patient_id": "patient"})
        table["lesion"] = lesion.where(lesion != "", table["id"])
        malignant = table.pop("target").str.startswith("1").to_numpy()
        table["label"] = np.where(malignant, CLASSES[1], CLASSES[0])
        return table

    @property
    def _file(self) -> Path:
        """The file of metadata."""
        check_root(self.root)
        for ending in (".parquet", ".csv"):
            file = self.root / f"{METADATA}{ending}"
            if file.is_file():
                return file
        raise line_error(
            self.root / f"{METADATA}.csv", 0, "the file is missing", "",
            "unpack the official archive into the root",
        )  # fmt: skip

    @cached_property
    def _pieces(self) -> dict[str, str]:
        """Return where each image lies, by id."""
        file = self.root / "train-image.hdf5"
        if file.is_file():
            from skinfw_isic.hdf5_images import hdf5_images

            return hdf5_images(file)
        folder = self.root / "train-image"
        if not (folder / "image").is_dir():
            raise SkinfwError(
                "the images are missing",
                str(self.root),
                "there is neither train-image.hdf5 nor train-image/image",
                "unpack the official archive into the root",
            )
        return {name: str(path) for name, path in find_images(folder, "image").items()}
