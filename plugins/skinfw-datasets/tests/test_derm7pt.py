from pathlib import Path

import pytest
from PIL import Image

from skinfw import SkinfwError
from skinfw_datasets.derm7pt import CLASSES, CRITERIA, GROUPS, Derm7pt

HEADER = (
    "case_num,diagnosis,seven_point_score,pigment_network,streaks,pigmentation,"
    "regression_structures,dots_and_globules,blue_whitish_veil,vascular_structures,"
    "level_of_diagnostic_difficulty,elevation,location,sex,management,clinic,derm,case_id,notes"
)
DIAGNOSES = ["clark nevus", "melanoma (in situ)", "basal cell carcinoma", "lentigo",
             "seborrheic keratosis", "blue nevus", "melanoma"]  # fmt: skip
PARTS = {"train": [0, 1, 2], "valid": [3, 4], "test": [5, 6]}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A release in the official layout, with names whose case does not agree."""
    (tmp_path / "meta").mkdir()
    rows = []
    for number, diagnosis in enumerate(DIAGNOSES, 1):
        values = (
            f"{number},{diagnosis},{number % 4},absent,absent,absent,absent,regular,absent,absent,"
        )
        values += f"low,flat,back,female,no,NEL/Nel{number:03}.JPG,NEL/NDL{number:03}.jpg,,"
        rows.append(values)
        for name in (f"nel{number:03}.jpg", f"Ndl{number:03}.JPG"):
            place = tmp_path / "images" / "Nel" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 6)).save(place, "JPEG")
    (tmp_path / "meta" / "meta.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    for part, indices in PARTS.items():
        text = "\n".join(["indexes", *map(str, indices)]) + "\n"
        (tmp_path / "meta" / f"{part}_indexes.csv").write_text(text)
    return tmp_path


def test_diagnoses_are_grouped_and_parts_are_official(root: Path) -> None:
    data = Derm7pt(root=root).table()
    table = data.rows
    assert table["label"].tolist() == ["NV", "MEL", "BCC", "MISC", "SK", "NV", "MEL"]
    assert table["split"].tolist() == ["train"] * 3 + ["val"] * 2 + ["test"] * 2
    assert set(CRITERIA) | {"seven_point_score"} <= set(table.columns)
    assert table["seven_point_score"].tolist() == ["1", "2", "3", "0", "1", "2", "3"]
    assert all(Path(path).name.lower().startswith("ndl") for path in table["path"])
    assert data.notes == ()


def test_the_groups_are_the_five_classes() -> None:
    assert set(GROUPS.values()) == set(CLASSES) == set(Derm7pt(root=Path()).classes)
    assert sum(group == "NV" for group in GROUPS.values()) == 7


def test_both_images_of_a_case_are_one_lesion(root: Path) -> None:
    table = Derm7pt(root=root, image="both").table().rows
    assert len(table) == 14 and table["id"].is_unique
    assert table.groupby("lesion")["image"].nunique().eq(2).all()
    assert table.groupby("lesion")["split"].nunique().eq(1).all()
    clinic = Derm7pt(root=root, image="clinic").table().rows
    assert all(Path(path).name.lower().startswith("nel") for path in clinic["path"])


def test_a_pair_is_one_row_with_the_path_of_the_clinical_image(root: Path) -> None:
    table = Derm7pt(root=root, image="pair").table().rows
    assert len(table) == 7 and table["lesion"].is_unique
    assert all(Path(path).name.lower().startswith("ndl") for path in table["path"])
    assert all(Path(path).name.lower().startswith("nel") for path in table["clinic"])
    (root / "images" / "Nel" / "nel003.jpg").unlink()
    data = Derm7pt(root=root, image="pair", missing="drop").table()
    result = data.rows
    assert len(result) == 6 and "1 of 7 images are absent" in data.notes[0]


def test_criteria_are_grouped_unless_the_original_values_are_asked_for(root: Path) -> None:
    meta = root / "meta" / "meta.csv"
    old = "absent,absent,absent,absent,regular,absent,absent"
    new = "Atypical,irregular,localized irregular,blue areas,regular,,linear irregular"
    meta.write_text(meta.read_text().replace(old, new, 1))
    grouped = Derm7pt(root=root).table().rows.loc[0, list(CRITERIA)]
    assert grouped.tolist() == [
        "atypical", "irregular", "irregular", "present", "regular", "", "irregular"
    ]  # fmt: skip
    original = Derm7pt(root=root, criteria="original").table().rows.loc[0, list(CRITERIA)]
    assert original.tolist()[2] == "localized irregular"


def test_an_unknown_value_of_a_criterion_is_told_with_its_line(root: Path) -> None:
    meta = root / "meta" / "meta.csv"
    meta.write_text(
        meta.read_text().replace("regular,absent,absent,low", "dotted,absent,absent,low", 1)
    )
    with pytest.raises(SkinfwError) as error:
        Derm7pt(root=root).table()
    assert "dots_and_globules" in error.value.what and error.value.where.endswith("meta.csv:2")


@pytest.mark.parametrize(
    ("index", "what"),
    [("7", "outside meta.csv's 7 rows"), ("x", "no number"), ("0", "in two parts")],
)
def test_wrong_indices_are_told_with_their_line(root: Path, index: str, what: str) -> None:
    (root / "meta" / "test_indexes.csv").write_text(f"indexes\n5\n{index}\n")
    with pytest.raises(SkinfwError) as error:
        Derm7pt(root=root).table()
    assert what in error.value.what and error.value.where.endswith("test_indexes.csv:3")


def test_a_row_that_no_part_names_is_told_with_its_line(root: Path) -> None:
    (root / "meta" / "test_indexes.csv").write_text("indexes\n6\n")
    with pytest.raises(SkinfwError, match="1 rows are in no part") as error:
        Derm7pt(root=root).table()
    assert error.value.where.endswith("meta.csv:7")


def test_an_unknown_diagnosis_is_told_with_its_line(root: Path) -> None:
    meta = root / "meta" / "meta.csv"
    meta.write_text(meta.read_text().replace("lentigo", "lentigoo"))
    with pytest.raises(SkinfwError) as error:
        Derm7pt(root=root).table()
    assert error.value.where.endswith("meta.csv:5") and "lentigoo" in error.value.why


def test_absent_images_are_an_error_or_dropped(root: Path) -> None:
    (root / "images" / "Nel" / "Ndl003.JPG").unlink()
    with pytest.raises(SkinfwError, match="1 of 7 images are absent"):
        Derm7pt(root=root).table()
    data = Derm7pt(root=root, missing="drop").table()
    table = data.rows
    assert len(table) == 6 and data.notes == ("1 of 7 images are absent and left out",)
