"""ISIC 2019: 25,331 training images of eight classes, and 8,238 test images of nine."""

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
    no_unlabelled,
    read_labels,
    read_official,
    refuse_shared,
    refuse_undescribed,
    refuse_unknown_images,
    refuse_unlabelled,
    unlabelled_note,
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
TEST_COLUMNS = {name: pattern for name, pattern in COLUMNS.items() if name != "lesion_id"}
LESIONS_UNKNOWN = (
    f"lesions unknown, for there is no {METADATA_FILE}.csv: images of one lesion may be in several "
    "parts, so the test numbers may be too good"
)


@dataclass(frozen=True, kw_only=True)
class Isic2019:
    """Read ISIC 2019 as it is downloaded.

    The root holds ISIC_2019_Training_GroundTruth.csv, ISIC_2019_Training_Metadata.csv and the
    folder ISIC_2019_Training_Input; each may also lie in a folder of its own name. Without the
    metadata each image counts as its own lesion, and the run is marked "lesions unknown".
    The official parts, train and test, need ground truth and folder of Test as well; its metadata
    are read where they are there. Test images may show none of the classes, which is UNK, and have
    no lesion ids: each counts as its own lesion. Where the ground truth says how much images count
    in the challenge's score, the columns score_weight and validation_weight have it.
    Codella et al. 2019 (arXiv 1902.03368), Tschandl et al. 2018, Combalia et al. 2019;
    licence CC BY-NC 4.0.

    root: the folder of the unpacked archives.
    missing: what to do about images that the tables name and the folder lacks: "error", or
        "drop" them and say how many.
    unknown: what to do about images labelled UNK: "drop" them, or make it a "class".
    parts: "training" alone, to be split, or both "official" parts, which the split "official"
        takes from the column split; its val draws a validation part, for there is none.
    unscored: what to do about test images of score_weight 0: "keep" or "drop" them.
    """

    downloads: ClassVar[Downloads] = ISIC2019
    display_licence: ClassVar[str] = "CC BY-NC 4.0"

    root: Path
    missing: Literal["error", "drop"] = "error"
    unknown: Literal["drop", "class"] = "drop"
    parts: Literal["training", "official"] = "training"
    unscored: Literal["keep", "drop"] = "keep"

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, in the official order."""
        return (*CLASSES, UNKNOWN) if self.unknown == "class" else CLASSES

    def table(self) -> DataTable:
        """Return a row per image that is there."""
        table = self._training()
        notes: list[str] = []
        if self.parts == "official":
            table, test = table.assign(split="train"), self._test()
            if "label" in test:
                table = _both(table, self._scored(test, notes))
                refuse_shared(table, self.root)
            else:
                notes.append(unlabelled_note(len(test), "Test"))
        unlabelled = int((table["label"] == UNKNOWN).sum())
        if self.unknown == "drop" and unlabelled:
            table = table[table["label"] != UNKNOWN]
            notes.append(f"{unlabelled:,} images labelled UNK are left out")
        data = present_rows(table, table["path"] == "", self.missing, str(self.root))
        notes += data.notes
        alone = int((data.rows["lesion"] == bare_id(data.rows["id"])).sum())
        if alone:
            notes.append(f"{alone:,} images have no lesion id; each counts as its own lesion")
        marks = () if has_csv(self.root, METADATA_FILE) else (LESIONS_UNKNOWN,)
        return replace(data, notes=tuple(notes), marks=marks)

    def unlabelled(self) -> DataTable:
        """Return the test images where their labels are secret; they have no column label."""
        test = self._test() if self.parts == "official" else None
        if test is None or "label" in test:
            return no_unlabelled()
        return present_rows(test, test["path"] == "", self.missing, str(self.root))

    def _training(self) -> pd.DataFrame:
        """Return the training images with their lesions and what else is known."""
        truth = find_csv(self.root, "ISIC_2019_Training_GroundTruth")
        labels = read_labels(truth, "image", (*CLASSES, UNKNOWN))
        table = labels.merge(self._metadata(labels, truth), on="image", how="left").fillna("")
        return self._with_files(table, "Training", truth)

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

    def _test(self) -> pd.DataFrame:
        """Return the test images; without the column label where only their metadata are there."""
        import pandas as pd

        truth, about = "ISIC_2019_Test_GroundTruth", "ISIC_2019_Test_Metadata"
        labelled, described = has_csv(self.root, truth), has_csv(self.root, about)
        file = find_csv(self.root, about if described and not labelled else truth)
        metadata = pd.DataFrame(columns=list(TEST_COLUMNS), dtype=object)
        if described:
            metadata = read_official(find_csv(self.root, about), TEST_COLUMNS, "image")
        table = read_labels(file, "image", (*CLASSES, UNKNOWN)) if labelled else metadata[["image"]]
        if labelled and described:
            known = find_csv(self.root, about)
            refuse_unlabelled(metadata["image"], table["image"], known, file)
            refuse_undescribed(metadata["image"], table["image"], known)
        table = table.merge(metadata, on="image", how="left").fillna("")
        return self._with_files(table.assign(lesion_id=""), "Test", file).assign(split="test")

    def _with_files(self, table: pd.DataFrame, part: str, file: Path) -> pd.DataFrame:
        """Return the table of a part with the columns id, path and lesion, others behind them.

        part: its official name.
        file: which names its images.
        """
        table = table.rename(columns={"image": "id", "lesion_id": "lesion"})
        bare = bare_id(table["id"])
        files = find_images(self.root, f"ISIC_2019_{part}_Input")
        refuse_unknown_images(files, table["id"], file)
        paths = [
            str(files.get(name) or files.get(short) or "")
            for name, short in zip(table["id"], bare, strict=True)
        ]
        table = table.assign(path=paths, lesion=table["lesion"].where(table["lesion"] != "", bare))
        first = ["id", "path", "label", "lesion", *METADATA]
        return table[[name for name in first if name in table]].join(
            table.drop(columns=first, errors="ignore")
        )

    def _scored(self, test: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
        """Return the test images that shall be there, and tell of those that are not scored."""
        if "score_weight" not in test:
            return test
        scored = test["score_weight"].astype(float) > 0
        if count := int((~scored).sum()):
            left = " and are left out" if self.unscored == "drop" else ""
            notes.append(f"{count:,} test images do not count in the challenge's score{left}")
        return test[scored] if self.unscored == "drop" else test


def _both(train: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
    """Return one table of both parts; what one of them does not tell is blank."""
    import pandas as pd

    return pd.concat([train, test], ignore_index=True).fillna("")
