"""Derm7PT: 1,011 cases with a dermoscopic and a clinical image and the seven-point checklist."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from skinfw import (
    DataTable,
    SkinfwError,
    line_error,
    present_rows,
    read_csv,
    refuse_ids,
    refuse_rows,
    rows_of,
)
from skinfw_datasets.seven_point import GROUPS as CRITERION_GROUPS

if TYPE_CHECKING:
    import pandas as pd

CLASSES = ("BCC", "NV", "MEL", "MISC", "SK")
GROUPS = {
    "basal cell carcinoma": "BCC",
    "blue nevus": "NV",
    "clark nevus": "NV",
    "combined nevus": "NV",
    "congenital nevus": "NV",
    "dermal nevus": "NV",
    "recurrent nevus": "NV",
    "reed or spitz nevus": "NV",
    "melanoma": "MEL",
    "melanoma (in situ)": "MEL",
    "melanoma (less than 0.76 mm)": "MEL",
    "melanoma (0.76 to 1.5 mm)": "MEL",
    "melanoma (more than 1.5 mm)": "MEL",
    "melanoma metastasis": "MEL",
    "dermatofibroma": "MISC",
    "lentigo": "MISC",
    "melanosis": "MISC",
    "miscellaneous": "MISC",
    "vascular lesion": "MISC",
    "seborrheic keratosis": "SK",
}
CRITERIA = tuple(CRITERION_GROUPS)
KEPT = (
    "seven_point_score", *CRITERIA, "level_of_diagnostic_difficulty", "elevation", "location",
    "sex", "management",
)  # fmt: skip
PARTS = {"train": "train", "val": "valid", "test": "test"}


@dataclass(frozen=True, kw_only=True)
class Derm7pt:
    """Read release_v0 of Derm7PT as it is downloaded.

    The root holds meta/meta.csv, beside it train_indexes.csv, valid_indexes.csv and
    test_indexes.csv, and the folder images; files are found whatever the case of their names. The
    diagnoses are grouped into five classes, and the criteria into two or three values, as Kawahara
    et al. 2019 (IEEE JBHI 23) do; the column split has their parts, and the seven-point score and
    criteria are columns. A case is a lesion. The images may be used for research and not be passed
    on.

    root: the folder release_v0.
    image: the "derm"oscopic images, the "clinic"al ones, "both" with a row for each, or "pair" for
        a row with the dermoscopic image and the column clinic with the path of the other one.
    criteria: the seven criteria "grouped", or the "original" values.
    missing: what to do about images that are absent: "error", or "drop" them and say how many.
    """

    root: Path
    image: Literal["derm", "clinic", "both", "pair"] = "derm"
    criteria: Literal["grouped", "original"] = "grouped"
    missing: Literal["error", "drop"] = "error"

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, in the order of Yao et al."""
        return CLASSES

    def table(self) -> DataTable:
        """Return a row per image that is there."""
        import pandas as pd

        file = self.root / "meta" / "meta.csv"
        meta = read_csv(file, ["case_num", "diagnosis", *KEPT, "clinic", "derm"])
        diagnosis = meta["diagnosis"].str.lower()
        refuse_rows(file, ~diagnosis.isin(list(GROUPS)), diagnosis, "the diagnosis is unknown")
        numbers = meta["case_num"]
        refuse_rows(file, ~numbers.str.fullmatch("[0-9]{1,6}"), numbers, "the case is no number")
        refuse_ids(numbers.tolist(), rows_of(file))
        score = meta["seven_point_score"]
        wrong = ~score.str.fullmatch(r"(?:[0-9]{1,2}(?:\.0)?)?")
        refuse_rows(file, wrong, score, "the seven-point score is no number")
        meta["label"], meta["split"] = diagnosis.map(GROUPS), self._parts(file, len(meta))
        groups = self._groups(file, meta)
        if self.criteria == "grouped":
            meta = meta.assign(**groups)
        kinds = {"both": ("derm", "clinic"), "pair": ("derm",)}.get(self.image, (self.image,))
        files = self._files()
        found = {
            kind: [files.get(name, "") for name in meta[kind].str.replace("\\", "/").str.lower()]
            for kind in ("derm", "clinic")
        }
        parts = []
        for kind in kinds:
            suffix = f"-{kind}" if self.image == "both" else ""
            columns: dict[str, Any] = {"id": "case-" + meta["case_num"] + suffix, "image": kind}
            if self.image == "pair":
                columns["clinic"] = found["clinic"]
            lesion = "case-" + meta["case_num"]
            parts.append(meta.assign(**columns, path=found[kind], lesion=lesion))
        table = pd.concat(parts, ignore_index=True)
        absent = table["path"] == ""
        if self.image == "pair":
            absent |= table["clinic"] == ""
        data = present_rows(table, absent, self.missing, str(self.root / "images"))
        kept = ["id", "path", "label", "lesion", "split", "image", "diagnosis", *KEPT]
        kept += ["clinic"] if self.image == "pair" else []
        return replace(data, rows=data.rows[kept])

    def _groups(self, file: Path, meta: pd.DataFrame) -> dict[str, pd.Series[str]]:
        """Return the group of each criterion's value; a blank one stays unknown."""
        grouped = {}
        for name, groups in CRITERION_GROUPS.items():
            values = meta[name].str.lower().str.strip()
            what = f"the value of {name} is unknown"
            refuse_rows(file, ~values.isin(["", *groups]), values, what)
            grouped[name] = values.map({"": "", **groups})
        return grouped

    def _parts(self, meta: Path, rows: int) -> list[str]:
        """Return the official part of each row of meta.csv; every row is in one."""
        parts = [""] * rows
        for part, name in PARTS.items():
            file = self.root / "meta" / f"{name}_indexes.csv"
            indices = read_csv(file, ["indexes"])["indexes"]
            wrong = ~indices.str.fullmatch("[0-9]{1,6}")
            refuse_rows(file, wrong, indices, "the index is no number")
            numbers = indices.astype(int)
            refuse_rows(
                file, numbers >= rows, indices, f"the index lies outside meta.csv's {rows} rows"
            )
            for line, number in enumerate(numbers, 2):
                if parts[number]:
                    raise line_error(file, line, f"row {number} of meta.csv is in two parts")
                parts[number] = part
        if "" in parts:
            what = f"{parts.count('')} rows are in no part, the first is row {parts.index('')}"
            why = "the three tables of indexes name each row of meta.csv once"
            raise line_error(meta, parts.index("") + 2, what, why)
        return parts

    def _files(self) -> dict[str, str]:
        """Return the image files by their path under images, in small letters."""
        folder = self.root / "images"
        if not folder.is_dir():
            raise SkinfwError(
                "the image folder is missing",
                str(folder),
                cure="set its root to the folder release_v0, which holds images and meta",
            )
        files = (file for file in folder.rglob("*") if file.suffix)
        return {file.relative_to(folder).as_posix().lower(): str(file) for file in files}
