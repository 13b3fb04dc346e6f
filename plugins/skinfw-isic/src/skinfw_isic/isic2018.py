"""ISIC 2018 task 3, which is HAM10000: 10,015 training images, seven classes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from skinfw import SkinfwError
from skinfw_isic.official import find_csv, find_images, has_csv, present, read_csv, read_labels

if TYPE_CHECKING:
    import pandas as pd

CLASSES = ("MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC")
TRUTH = "ISIC2018_Task3_Training_GroundTruth"
LESIONS = "ISIC2018_Task3_Training_LesionGroupings"
METADATA = "HAM10000_metadata"
COLUMNS = {"age": "age_approx", "sex": "sex", "localization": "anatom_site_general"}


@dataclass(frozen=True, kw_only=True)
class Isic2018:
    """Read the training set of ISIC 2018 task 3 as it is downloaded.

    The root holds ISIC2018_Task3_Training_GroundTruth.csv, the folder
    ISIC2018_Task3_Training_Input, and for the lesion ids
    ISIC2018_Task3_Training_LesionGroupings.csv or HAM10000_metadata.csv, which adds age, sex and
    site; each may also lie in a folder of its own name. Tschandl, Rosendahl and Kittler 2018
    (Scientific Data 5, 180161), Codella et al. 2019 (arXiv 1902.03368); licence CC BY-NC 4.0.

    root: the folder of the unpacked archives.
    missing: what to do about images that the tables name and the folder lacks: "error", or
        "drop" them and say how many.
    """

    root: Path
    missing: Literal["error", "drop"] = "error"

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, in the official order."""
        return CLASSES

    def table(self) -> pd.DataFrame:
        """Return a row per image that is there."""
        labels = read_labels(find_csv(self.root, TRUTH), "image", CLASSES)
        known = self._lesions()
        unknown = ~labels["image"].isin(known["image"])
        if unknown.any():
            raise SkinfwError(
                f"{int(unknown.sum()):,} of {len(labels):,} images have no lesion id",
                str(self.root),
                f"the first is {labels.loc[unknown, 'image'].iloc[0]}; without lesion ids a split "
                "cannot keep lesions whole",
                f"download {LESIONS}.csv again",
            )
        table = labels.merge(known, on="image", how="left").rename(columns={"image": "id"})
        files = find_images(self.root, "ISIC2018_Task3_Training_Input")
        table["path"] = [str(files.get(name, "")) for name in table["id"]]
        table, notes = present(table, self.root, self.missing)
        columns = ["id", "path", "label", "lesion", *known.columns.drop(["image", "lesion"])]
        table = table[columns].reset_index(drop=True)
        table.attrs["notes"] = notes
        return table

    def _lesions(self) -> pd.DataFrame:
        """Return image, lesion and what else is known, from the table that is there."""
        if has_csv(self.root, METADATA):
            file = find_csv(self.root, METADATA)
            table = read_csv(file, ["image_id", "lesion_id", *COLUMNS], "image_id")
            table = table.rename(columns={"image_id": "image", "lesion_id": "lesion", **COLUMNS})
            return table[["image", "lesion", *COLUMNS.values()]]
        table = read_csv(find_csv(self.root, LESIONS), ["image", "lesion_id"], "image")
        return table.rename(columns={"lesion_id": "lesion"})[["image", "lesion"]]
