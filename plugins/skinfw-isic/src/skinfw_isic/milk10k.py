"""MILK10k: 5,240 lesions, each with a clinical close-up and a dermoscopic image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from skinfw import DataTable, SkinfwError, present_rows, read_csv, refuse_rows
from skinfw_isic.official import (
    AGE,
    LESION,
    ONE_HOT,
    SEX,
    find_csv,
    is_one,
    refuse_unlabelled,
    refuse_values,
)

if TYPE_CHECKING:
    import pandas as pd

CLASSES = (
    "AKIEC", "BCC", "BEN_OTH", "BKL", "DF", "INF", "MAL_OTH", "MEL", "NV", "SCCKA", "VASC",
)  # fmt: skip
CLINIC, DERM = "clinical: close-up", "dermoscopic"
CONCEPTS = (
    "MONET_ulceration_crust", "MONET_hair", "MONET_vasculature_vessels", "MONET_erythema",
    "MONET_pigmented", "MONET_gel_water_drop_fluid_dermoscopy_liquid",
    "MONET_skin_markings_pen_ink_purple_pen",
)  # fmt: skip
PATTERNS = {
    "lesion_id": LESION, "isic_id": r"(?:ISIC|SYN)_[0-9]{7}", "image_type": f"{CLINIC}|{DERM}",
    "age_approx": AGE, "sex": SEX, "skin_tone_class": r"(?:[0-5](?:\.0)?)?", "site": "[a-z_/ ]*",
    **dict.fromkeys(CONCEPTS, r"(?:[01]|[01]?\.[0-9]+(?:[eE]-[0-9]+)?)?"),
}  # fmt: skip
KEPT = ("age_approx", "sex", "skin_tone_class", "anatom_site_general", *CONCEPTS)


@dataclass(frozen=True, kw_only=True)
class Milk10k:
    """Read the training part of MILK10k as it is downloaded.

    The root holds MILK10k_Training_GroundTruth.csv, MILK10k_Training_Metadata.csv and the folder
    MILK10k_Training_Input with a folder for each lesion. The id of an image is that of the ISIC
    archive. Known are age, sex, skin tone from 0, very dark, to 5, site, and how probable seven
    concepts are by MONET. Of its eleven classes AKIEC, BCC, MAL_OTH, MEL and SCCKA are malignant;
    the metric malignancy and reports know so where `malignant` lists them. Tschandl et al. 2025,
    MILK10k; licence CC BY-NC 4.0.

    root: the folder of the unpacked archives.
    image: the dermoscopic image of each lesion ("derm"), the clinical one ("clinic"), "both" as two
        rows of one lesion, or one row whose column clinic has the clinical one ("pair"), for
        modalities.pictures.
    missing: what to do about images that the tables name and the folder lacks: "error", or
        "drop" them and say how many.
    """

    display_licence: ClassVar[str] = "CC BY-NC 4.0"

    root: Path
    image: Literal["derm", "clinic", "both", "pair"] = "derm"
    missing: Literal["error", "drop"] = "error"

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, in the official order."""
        return CLASSES

    def table(self) -> DataTable:
        """Return a row per image, or per lesion, that is there."""
        truth_file = find_csv(self.root, "MILK10k_Training_GroundTruth")
        labels = self._labels(truth_file)
        images = self._images(truth_file, labels.index.to_series())
        table = images.merge(labels, left_on="lesion", right_index=True, how="left")
        files = self._files()
        table["path"] = [files.get(name, "") for name in table["id"]]
        derm, clinic = (table[table["image"] == kind] for kind in ("derm", "clinic"))
        absent: Any = None
        if self.image == "pair":
            paths = clinic.set_index("lesion")["path"]
            table = derm.assign(clinic=derm["lesion"].map(paths).fillna(""))
            absent = (table["path"] == "") | (table["clinic"] == "")
        elif self.image != "both":
            table = derm if self.image == "derm" else clinic
        table = table.reset_index(drop=True)
        absent = table["path"] == "" if absent is None else absent.reset_index(drop=True)
        return present_rows(table, absent, self.missing, str(self.root))

    def _labels(self, file: Path) -> pd.Series[str]:
        """Return the class of each lesion."""
        import numpy as np
        import pandas as pd

        truth = read_csv(file, ["lesion_id", *CLASSES], filled=True)
        refuse_values(file, truth, {"lesion_id": LESION, **dict.fromkeys(CLASSES, ONE_HOT)})
        refuse_rows(
            file, truth["lesion_id"].duplicated(), truth["lesion_id"], "the lesion occurs twice"
        )
        ones = is_one(truth[list(CLASSES)])
        what = "the lesion has not one label"
        refuse_rows(file, pd.Series(ones.sum(1) != 1), truth["lesion_id"], what)
        classes = np.array(CLASSES, object)[ones.argmax(1)]
        return pd.Series(classes, truth["lesion_id"], name="label")

    def _images(self, truth: Path, known: pd.Series[str]) -> pd.DataFrame:
        """Return what is known of each image, in the order of the metadata.

        truth: the ground truth.
        known: its lesions, which are those of the metadata.
        """
        file = find_csv(self.root, "MILK10k_Training_Metadata")
        table = read_csv(file, list(PATTERNS), filled=True)
        refuse_values(file, table, PATTERNS)
        ids, lesions = table["isic_id"], table["lesion_id"]
        refuse_rows(file, ids.duplicated(), ids, "the image id occurs twice")
        kinds = table[["lesion_id", "image_type"]]
        refuse_rows(file, kinds.duplicated(), lesions, "the lesion has two images of one kind")
        refuse_unlabelled(lesions, known, file, truth)
        if lost := sorted({*known} - {*lesions[table["image_type"] == DERM]}):
            raise SkinfwError(
                f"{len(lost):,} of {len(known):,} lesions have no dermoscopic image",
                str(file),
                f"the first is {lost[0]}",
                "download the official files again",
            )
        table = table.rename(columns={"isic_id": "id", "lesion_id": "lesion",
                                      "site": "anatom_site_general"})  # fmt: skip
        table["image"] = table["image_type"].map({DERM: "derm", CLINIC: "clinic"})
        return table[["id", "lesion", "image", *KEPT]].replace("unknown", "")

    def _files(self) -> dict[str, str]:
        """Return the image files by id."""
        name = "MILK10k_Training_Input"
        places = (self.root / name / name, self.root / name)
        place = next((place for place in places if place.is_dir()), None)
        if place is None:
            raise SkinfwError(
                f"the image folder {name} is missing",
                str(self.root),
                cure="unpack the official archive into the root",
            )
        return {file.stem: str(file) for file in place.rglob("*") if file.suffix.lower() == ".jpg"}
