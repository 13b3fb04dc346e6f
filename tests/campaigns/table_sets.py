"""Tiny tables of every kind that skinfw reads, and what a person reads in them, line by line.

`read_by_eye` and `meanings` are the oracle of the campaign `tables`: they have no code of skinfw.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

Grid = list[list[str]]
Meaning = dict[str, tuple[str, ...]]
"""Label, lesion, part and the image file's name of each id."""

SEVEN = ["MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC"]
NINE = ["MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC", "UNK"]
CRITERIA = [
    "pigment_network", "streaks", "pigmentation", "regression_structures", "dots_and_globules",
    "blue_whitish_veil", "vascular_structures",
]  # fmt: skip
DIAGNOSES = {
    "clark nevus": "NV", "melanoma (in situ)": "MEL", "basal cell carcinoma": "BCC",
    "lentigo": "MISC", "seborrheic keratosis": "SK", "blue nevus": "NV", "melanoma": "MEL",
}  # fmt: skip


def _one_hot(key: str, names: list[str], labels: Mapping[str, str]) -> Grid:
    rows = [[name, *("1.0" if label == one else "0.0" for one in names)]
            for name, label in labels.items()]  # fmt: skip
    return [[key, *names], *rows]


def _label(cells: list[str], names: list[str]) -> str:
    values = [{"0": 0, "0.0": 0, "1": 1, "1.0": 1}[cell] for cell in cells]
    (place,) = [place for place, value in enumerate(values) if value]
    return names[place]


def _columns(grid: Grid, *names: str) -> list[list[str]]:
    """Return some columns of each row by the names in the header, each of which is there once."""
    header, *rows = grid
    assert all(header.count(name) == 1 for name in names)
    return [[row[header.index(name)] for name in names] for row in rows]


def _by_id(pairs: list[list[str]]) -> dict[str, list[str]]:
    known = {name: rest for name, *rest in pairs}
    assert len(known) == len(pairs)
    return known


@dataclass(frozen=True)
class TableSet:
    """Hold a data set of tiny tables.

    use: its component.
    tables: by file.
    images: files that are there.
    meaning: of the grids, by file; raises where they have none.
    options: of the component, `{}` stands for the folder.
    official: whether each row has an image, so that none can be lost unseen.
    """

    use: str
    tables: dict[str, Grid]
    images: list[str]
    meaning: Callable[[dict[str, Grid]], Meaning]
    options: dict[str, object]
    official: bool = True

    def original(self) -> Meaning:
        """Return what the whole tables say."""
        return self.meaning(self.tables)


IDS = [f"ISIC_{number:07d}" for number in range(24300, 24312)]
LABELS_2019 = {name: NINE[place % 8] for place, name in enumerate(IDS)}
LABELS_2018 = {name: SEVEN[place % 7] for place, name in enumerate(IDS)}
PARTS_2017 = {"Training": IDS[:6], "Validation": IDS[6:9], "Test_v2": IDS[9:]}


def _isic2019() -> TableSet:
    truth, metadata = "ISIC_2019_Training_GroundTruth.csv", "ISIC_2019_Training_Metadata.csv"

    def meaning(grids: dict[str, Grid]) -> Meaning:
        lesions = _by_id(_columns(grids[metadata], "image", "lesion_id"))
        labels = _by_id(_columns(grids[truth], "image", *NINE))
        assert set(lesions) == set(labels)
        return {
            name: (_label(cells, NINE), lesions[name][0] or name, "", f"{name}.jpg")
            for name, cells in labels.items()
        }

    rows = [[name, str(40 + place), "anterior torso", "" if place % 3 else f"HAM_{place:07d}",
             ("female", "male")[place % 2]] for place, name in enumerate(IDS)]  # fmt: skip
    header = ["image", "age_approx", "anatom_site_general", "lesion_id", "sex"]
    tables = {truth: _one_hot("image", NINE, LABELS_2019), metadata: [header, *rows]}
    images = [f"ISIC_2019_Training_Input/{name}.jpg" for name in IDS]
    return TableSet("isic2019", tables, images, meaning, {"root": "{}"})


def _isic2018(groupings: bool) -> TableSet:
    truth = "ISIC2018_Task3_Training_GroundTruth.csv"
    if groupings:
        file, key = "ISIC2018_Task3_Training_LesionGroupings.csv", "image"
        rows = [[name, f"HAM_{place // 2:07d}", "histopathology"]
                for place, name in enumerate(IDS)]  # fmt: skip
        known = [["image", "lesion_id", "diagnosis_confirm_type"], *rows]
    else:
        file, key = "HAM10000_metadata.csv", "image_id"
        rows = [[f"HAM_{place // 2:07d}", name, label.lower(), "histo", "45.0", "male", "back"]
                for place, (name, label) in enumerate(LABELS_2018.items())]  # fmt: skip
        header = ["lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization"]
        known = [header, *rows]

    def meaning(grids: dict[str, Grid]) -> Meaning:
        lesions = _by_id(_columns(grids[file], key, "lesion_id"))
        labels = _by_id(_columns(grids[truth], "image", *SEVEN))
        assert set(lesions) == set(labels)
        return {
            name: (_label(cells, SEVEN), lesions[name][0], "", f"{name}.jpg")
            for name, cells in labels.items()
        }

    tables = {truth: _one_hot("image", SEVEN, LABELS_2018), file: known}
    images = [f"ISIC2018_Task3_Training_Input/{name}.jpg" for name in IDS]
    return TableSet("isic2018", tables, images, meaning, {"root": "{}"})


def _isic2017() -> TableSet:
    tables: dict[str, Grid] = {}
    images = []
    for part, names in PARTS_2017.items():
        labels = [["image_id", "melanoma", "seborrheic_keratosis"]]
        labels += [[name, ("0.0", "1.0", "0.0")[place % 3], ("0.0", "0.0", "1.0")[place % 3]]
                   for place, name in enumerate(names)]  # fmt: skip
        tables[f"ISIC-2017_{part}_Part3_GroundTruth.csv"] = labels
        images += [f"ISIC-2017_{part}_Data/{name}.jpg" for name in names]
    metadata = "ISIC-2017_Training_Data/ISIC-2017_Training_Data_metadata.csv"
    tables[metadata] = [["image_id", "age_approximate", "sex"],
                        *([name, "55", "female"] for name in PARTS_2017["Training"])]  # fmt: skip

    def meaning(grids: dict[str, Grid]) -> Meaning:
        result: Meaning = {}
        for part, split in zip(PARTS_2017, ("train", "val", "test"), strict=True):
            grid = grids[f"ISIC-2017_{part}_Part3_GroundTruth.csv"]
            labels = _by_id(_columns(grid, "image_id", "melanoma", "seborrheic_keratosis"))
            for name, cells in labels.items():
                assert name not in result
                both = tuple({"0": 0, "0.0": 0, "1": 1, "1.0": 1}[cell] for cell in cells)
                label = {(0, 0): "NV", (1, 0): "MEL", (0, 1): "SK"}[both]
                result[name] = (label, name, split, f"{name}.jpg")
        return result

    return TableSet("isic2017", tables, images, meaning, {"root": "{}"})


def _derm7pt() -> TableSet:
    rest = ["level_of_diagnostic_difficulty", "elevation", "location", "sex", "management"]
    header = ["case_num", "diagnosis", "seven_point_score", *CRITERIA, *rest, "clinic", "derm",
              "case_id", "notes"]  # fmt: skip
    rows = [
        [str(place + 1), name, str(place), *["absent"] * 7, "low", "flat", "back", "female",
         "excision", f"N/n{place}.jpg", f"N/d{place}.jpg", "", "a note"]
        for place, name in enumerate(DIAGNOSES)
    ]  # fmt: skip
    tables = {"meta/meta.csv": [header, *rows]}
    for part, numbers in (("train", "012"), ("valid", "34"), ("test", "56")):
        tables[f"meta/{part}_indexes.csv"] = [["indexes"], *([number] for number in numbers)]
    images = [f"images/{row[place]}" for row in rows for place in (-3, -4)]

    def meaning(grids: dict[str, Grid]) -> Meaning:
        cases = _columns(grids["meta/meta.csv"], "case_num", "diagnosis", "derm")
        parts: dict[int, str] = {}
        for part, split in (("train", "train"), ("valid", "val"), ("test", "test")):
            for (number,) in _columns(grids[f"meta/{part}_indexes.csv"], "indexes"):
                assert int(number) not in parts
                parts[int(number)] = split
        assert set(parts) == set(range(len(cases)))
        _by_id(cases)
        return {
            f"case-{case}": (DIAGNOSES[diagnosis.lower()], f"case-{case}", parts[row],
                             derm.rpartition("/")[2].lower())
            for row, (case, diagnosis, derm) in enumerate(cases)
        }  # fmt: skip

    return TableSet("derm7pt", tables, images, meaning, {"root": "{}"})


def _own() -> TableSet:
    header = ["id", "path", "label", "lesion", "split", "age", "notes"]
    rows = [[f"case{place}", f"pictures/p{place}.jpg", ("melanoma", "nevus", "other")[place % 3],
             f"L{place // 2}", ("train", "val", "test")[place % 3], "50", "none"]
            for place in range(12)]  # fmt: skip

    def meaning(grids: dict[str, Grid]) -> Meaning:
        names = ["id", "path", "label", "split"]
        known = _columns(grids["list.csv"], *names)
        has_lesion = "lesion" in grids["list.csv"][0]
        lesions = _columns(grids["list.csv"], "lesion") if has_lesion else [[""]] * len(known)
        _by_id(known)
        return {
            name: (label, lesion or name, split.lower(), path.rpartition("/")[2])
            for (name, path, label, split), (lesion,) in zip(known, lesions, strict=True)
        }

    images = [f"pictures/p{place}.jpg" for place in range(12)]
    options = {"file": "{}/list.csv"}
    return TableSet("csv", {"list.csv": [header, *rows]}, images, meaning, options, official=False)


OUTSIDE_QUOTES = re.compile(r',(?=(?:[^"]*"[^"]*")*[^"]*$)')
SETS = (_isic2017(), _isic2018(True), _isic2018(False), _isic2019(), _derm7pt(), _own())


def as_text(grid: Grid) -> str:
    """Return a grid as CSV."""
    return "".join(",".join(row) + "\n" for row in grid)


def read_by_eye(content: bytes) -> Grid | None:
    """Return the cells that a person sees in a file, or nothing where what is seen is no table."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    lines = text.replace("\r\n", "\n").split("\n")
    while lines and not lines[-1].strip(" ,"):
        lines.pop()
    grid: Grid = []
    for line in lines:
        if len(line) > 10_000:
            return None
        cells = [cell.strip() for cell in OUTSIDE_QUOTES.split(line)]
        for place, cell in enumerate(cells):
            if '"' in cell:
                inside = cell[1:-1]
                if cell[0] + cell[-1] != '""' or '"' in inside.replace('""', ""):
                    return None
                cells[place] = inside.replace('""', '"').strip()
        width = len(grid[0]) if grid else len(cells)
        if len(cells) < width or any(cells[width:]):
            return None
        grid.append(cells[:width])
    return grid


def write(tables: TableSet, contents: Mapping[str, bytes], folder: Path) -> None:
    """Write the tables, and an empty file for each image."""
    for file in tables.images:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()
    for file, content in contents.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(content)
