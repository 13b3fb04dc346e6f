"""ISIC 2018 task 3: 10,015 training images, which are HAM10000, and two official parts more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from skinfw import DataTable, Downloads, SkinfwError, present_rows, read_csv, read_mask, refuse_rows
from skinfw_isic.downloads import ISIC2018
from skinfw_isic.official import (
    AGE,
    IMAGE,
    LESION,
    SEX,
    SITE,
    WORDS,
    find_csv,
    find_images,
    has_csv,
    no_unlabelled,
    read_labels,
    read_official,
    refuse_shared,
    refuse_unknown_images,
    refuse_unlabelled,
    unlabelled_note,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

CLASSES = ("MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC")
PARTS = {"train": "Training", "val": "Validation", "test": "Test"}
LESIONS = "ISIC2018_Task3_Training_LesionGroupings"
MASKS = ("HAM10000_segmentations_lesion_tschandl", "HAM10000_segmentations_lesion")
METADATA = "HAM10000_metadata"
DIAGNOSIS = f"(?:{'|'.join(CLASSES).lower()})"
GROUPINGS = {"image": IMAGE, "lesion_id": LESION, "diagnosis_confirm_type": WORDS}
HAM10000 = {
    "lesion_id": LESION, "image_id": IMAGE, "dx": DIAGNOSIS, "dx_type": WORDS, "age": AGE,
    "sex": SEX, "localization": SITE,
}  # fmt: skip
COLUMNS = {"age": "age_approx", "sex": "sex", "localization": "anatom_site_general"}


@dataclass(frozen=True, kw_only=True)
class Isic2018:
    """Read ISIC 2018 task 3 as it is downloaded.

    The root holds ISIC2018_Task3_Training_GroundTruth.csv, the folder
    ISIC2018_Task3_Training_Input, and for the lesion ids
    ISIC2018_Task3_Training_LesionGroupings.csv or HAM10000_metadata.csv, which adds age, sex and
    site; each may also lie in a folder of its own name. Where the root holds the folder
    HAM10000_segmentations_lesion_tschandl of HAM10000, or HAM10000_segmentations_lesion, its masks
    are used by reports that ask where the lesion is. The official parts need ground truth and
    folder of Validation and Test as well. Nobody published lesion ids for these two: each of their
    images counts as its own lesion. Tschandl, Rosendahl and Kittler 2018 (Scientific Data 5,
    180161), Codella et al. 2019 (arXiv 1902.03368); licence CC BY-NC 4.0.

    root: the folder of the unpacked archives.
    missing: what to do about images that the tables name and the folder lacks: "error", or
        "drop" them and say how many.
    parts: "training" alone, to be split, or all three "official" parts, which the split
        "official" takes from the column split.
    """

    downloads: ClassVar[Downloads] = ISIC2018
    display_licence: ClassVar[str] = "CC BY-NC 4.0"

    root: Path
    missing: Literal["error", "drop"] = "error"
    parts: Literal["training", "official"] = "training"

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, in the official order."""
        return CLASSES

    def table(self) -> DataTable:
        """Return a row per image that is there."""
        import pandas as pd

        table = self._training()
        notes: list[str] = []
        if self.parts == "official":
            parts, alone = [table.assign(split="train")], 0
            for part in ("val", "test"):
                rows = self._labels(part)
                if "label" in rows:
                    parts.append(rows)
                    alone += len(rows)
                else:
                    notes.append(unlabelled_note(len(rows), PARTS[part]))
            table = pd.concat(parts, ignore_index=True).fillna("")
            refuse_shared(table, self.root)
            if alone:
                notes.append(
                    f"the {alone:,} images of validation and test have no lesion id; each counts "
                    "as its own lesion"
                )
        data = present_rows(table, table["path"] == "", self.missing, str(self.root))
        return replace(data, notes=(*data.notes, *notes))

    def unlabelled(self) -> DataTable:
        """Return the images of official parts whose labels are secret; without the column label."""
        import pandas as pd

        parts = [self._labels(part) for part in ("val", "test") if self.parts == "official"]
        secret = [rows for rows in parts if "label" not in rows]
        if not secret:
            return no_unlabelled()
        table = pd.concat(secret, ignore_index=True)
        return present_rows(table, table["path"] == "", self.missing, str(self.root))

    def mask(self, path: str) -> npt.NDArray[np.bool_] | None:
        """Return where the lesion is in an image, bool [H, W]; None where there is no mask of it.

        path: as in the table.
        """
        file = self.mask_file(path)
        return read_mask(file) if file else None

    def mask_file(self, path: str) -> Path | None:
        """Return the file that the mask of an image is read from; None where there is none.

        path: as in the table.
        """
        name = f"{Path(path).stem}_segmentation.png"
        files = (self.root / folder / name for folder in MASKS)
        return next((file for file in files if file.is_file()), None)

    def _training(self) -> pd.DataFrame:
        """Return the training images with their lesions and what else is known."""
        labels = self._labels("train")
        known = self._lesions(labels)
        unknown = ~labels["id"].isin(known["id"])
        if unknown.any():
            raise SkinfwError(
                f"{int(unknown.sum()):,} of {len(labels):,} images have no lesion id",
                str(self.root),
                f"the first is {labels.loc[unknown, 'id'].iloc[0]}; without lesion ids a split "
                "cannot keep lesions whole",
                f"download {LESIONS}.csv again",
            )
        return labels.merge(known, on="id", how="left")

    def _labels(self, part: str) -> pd.DataFrame:
        """Return id, path and label of one official part, of val and test lesion and split, too.

        During the challenge the labels were secret: a ground truth may hold ids alone, and there is
        no column label then.
        """
        name = f"ISIC2018_Task3_{PARTS[part]}"
        file = find_csv(self.root, f"{name}_GroundTruth")
        if part != "train" and list(read_csv(file, ["image"]).columns) == ["image"]:
            table = read_official(file, {"image": IMAGE}, "image")
        else:
            table = read_labels(file, "image", CLASSES)
        table = table.rename(columns={"image": "id"})
        files = find_images(self.root, f"{name}_Input")
        refuse_unknown_images(files, table["id"], file)
        table.insert(1, "path", [str(files.get(image, "")) for image in table["id"]])
        return table if part == "train" else table.assign(lesion=table["id"], split=part)

    def _lesions(self, labels: pd.DataFrame) -> pd.DataFrame:
        """Return id, lesion and what else is known, from the table that is there.

        labels: of the images, with which it must agree.
        """
        truth = find_csv(self.root, "ISIC2018_Task3_Training_GroundTruth")
        if has_csv(self.root, METADATA):
            file = find_csv(self.root, METADATA)
            table = read_official(file, HAM10000, "image_id", {"dataset": "[a-z0-9_]*"})
            table = table.rename(columns={"image_id": "id", "lesion_id": "lesion", **COLUMNS})
            true = table["id"].map(labels.set_index("id")["label"])
            wrong = true.notna() & (true != table["dx"].str.upper())
            refuse_rows(file, wrong, table["id"], f"the diagnosis is not that of {truth.name}")
            kept = ["id", "lesion", *COLUMNS.values()]
        else:
            file = find_csv(self.root, LESIONS)
            table = read_official(file, GROUPINGS, "image")
            table, kept = (
                table.rename(columns={"image": "id", "lesion_id": "lesion"}),
                ["id", "lesion"],
            )
        refuse_unlabelled(table["id"], labels["id"], file, truth)
        return table[kept]
