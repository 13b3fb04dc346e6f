"""ISIC 2019: 25,331 training images, eight classes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from skinfw import DataTable, Downloads, SkinfwError, present_rows
from skinfw_isic.downloads import ISIC2019
from skinfw_isic.official import (
    AGE,
    IMAGE,
    LESION,
    SEX,
    SITE,
    bare_id,
    find_csv,
    find_images,
    has_csv,
    read_labels,
    read_official,
    refuse_unknown_images,
    refuse_unlabelled,
)

if TYPE_CHECKING:
    import pandas as pd

CLASSES = ("MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC")
UNKNOWN = "UNK"
METADATA_FILE = "ISIC_2019_Training_Metadata"
METADATA = ("age_approx", "anatom_site_general", "sex")
COLUMNS = {
    "image": IMAGE, "age_approx": AGE, "anatom_site_general": SITE, "lesion_id": f"(?:{LESION})?",
    "sex": SEX,
}  # fmt: skip
LESIONS_UNKNOWN = (
    f"lesions unknown, for there is no {METADATA_FILE}.csv: images of one lesion may be in several "
    "parts, so the test numbers may be too good"
)


@dataclass(frozen=True, kw_only=True)
class Isic2019:
    """Read the ISIC 2019 training set as it is downloaded.

    The root holds ISIC_2019_Training_GroundTruth.csv, ISIC_2019_Training_Metadata.csv and the
    folder ISIC_2019_Training_Input; each may also lie in a folder of its own name. Without the
    metadata each image counts as its own lesion, and the run is marked "lesions unknown".
    Codella et al. 2019 (arXiv 1902.03368), Tschandl et al. 2018, Combalia et al. 2019;
    licence CC BY-NC 4.0.

    root: the folder of the unpacked archives.
    missing: what to do about images that the tables name and the folder lacks: "error", or
        "drop" them and say how many.
    unknown: what to do about images labelled UNK: "drop" them, or make it a "class".
    """

    downloads: ClassVar[Downloads] = ISIC2019

    root: Path
    missing: Literal["error", "drop"] = "error"
    unknown: Literal["drop", "class"] = "drop"

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, in the official order."""
        return (*CLASSES, UNKNOWN) if self.unknown == "class" else CLASSES

    def table(self) -> DataTable:
        """Return a row per image that is there."""
        truth = find_csv(self.root, "ISIC_2019_Training_GroundTruth")
        labels = read_labels(truth, "image", (*CLASSES, UNKNOWN))
        table = labels.merge(self._metadata(labels, truth), on="image", how="left").fillna("")
        table = table.rename(columns={"image": "id", "lesion_id": "lesion"})
        bare = bare_id(table["id"])
        table["lesion"] = table["lesion"].where(table["lesion"] != "", bare)
        files = find_images(self.root, "ISIC_2019_Training_Input")
        refuse_unknown_images(files, table["id"], truth)
        table["path"] = [
            str(files.get(name) or files.get(short) or "")
            for name, short in zip(table["id"], bare, strict=True)
        ]
        notes: list[str] = []
        unlabelled = int((table["label"] == UNKNOWN).sum())
        if self.unknown == "drop" and unlabelled:
            table = table[table["label"] != UNKNOWN]
            notes.append(f"{unlabelled:,} images labelled UNK are left out")
        data = present_rows(table, table["path"] == "", self.missing, str(self.root))
        notes += data.notes
        alone = int((data.rows["lesion"] == bare_id(data.rows["id"])).sum())
        if alone:
            notes.append(f"{alone:,} images have no lesion id; each counts as its own lesion")
        rows = data.rows[["id", "path", "label", "lesion", *METADATA]]
        marks = () if has_csv(self.root, METADATA_FILE) else (LESIONS_UNKNOWN,)
        return replace(data, rows=rows, notes=tuple(notes), marks=marks)

    def _metadata(self, labels: pd.DataFrame, truth: Path) -> pd.DataFrame:
        """Return what is known of each image; blanks where the file of metadata is not there.

        labels: of the images, with which it must agree.
        """
        import pandas as pd

        if not has_csv(self.root, METADATA_FILE):
            return pd.DataFrame("", labels.index, list(COLUMNS)).assign(image=labels["image"])
        file = find_csv(self.root, METADATA_FILE)
        metadata = read_official(file, COLUMNS, "image")
        refuse_unlabelled(metadata["image"], labels["image"], file, truth)
        unknown = ~labels["image"].isin(metadata["image"])
        if unknown.any():
            raise SkinfwError(
                f"{int(unknown.sum()):,} of {len(labels):,} images have no row in the metadata",
                str(file),
                f"the first is {labels.loc[unknown, 'image'].iloc[0]}; without lesion ids a split "
                "cannot keep lesions whole",
                "download the official metadata again, or take the file away",
            )
        return metadata
