import os
from pathlib import Path

import pytest
from PIL import Image

from skinfw import SkinfwError
from skinfw_isic.isic2017 import Isic2017

REAL = Path(
    os.environ.get(
        "SKINFW_ISIC2017", Path(__file__).parents[3].parent / "shared" / "data" / "ISIC_2017"
    )
)
LABELS = {
    "Training": {"ISIC_0000000": "NV", "ISIC_0000002": "MEL", "ISIC_0000003": "SK"},
    "Validation": {"ISIC_0001769": "NV"},
    "Test_v2": {"ISIC_0012086": "SK"},
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for part, labels in LABELS.items():
        rows = [f"{n},{float(v == 'MEL')},{float(v == 'SK')}" for n, v in labels.items()]
        text = "\n".join(["image_id,melanoma,seborrheic_keratosis", *rows]) + "\n"
        (tmp_path / f"ISIC-2017_{part}_Part3_GroundTruth.csv").write_text(text)
        folder = tmp_path / f"ISIC-2017_{part}_Data"
        folder.mkdir()
        for name in labels:
            Image.new("RGB", (8, 6)).save(folder / f"{name}.jpg")
            Image.new("RGB", (8, 6)).save(folder / f"{name}_superpixels.png")
    metadata = (
        "image_id,age_approximate,sex\n"
        "ISIC_0000002,55,female\nISIC_0000000,unknown,male\nISIC_0000003,unknown,unknown\n"
    )
    folder = "ISIC-2017_Training_Data"
    (tmp_path / folder / f"{folder}_metadata.csv").write_text(metadata)
    return tmp_path


def test_two_columns_make_three_classes_and_parts_are_official(root: Path) -> None:
    table = Isic2017(root=root).table().rows
    wanted = {name: label for labels in LABELS.values() for name, label in labels.items()}
    assert dict(zip(table["id"], table["label"], strict=True)) == wanted
    assert table["split"].tolist() == ["train", "train", "train", "val", "test"]
    assert table["lesion"].tolist() == table["id"].tolist()
    assert all(Path(path).is_file() and "superpixels" not in path for path in table["path"])


def test_unknown_metadata_are_blank(root: Path) -> None:
    table = Isic2017(root=root).table().rows.set_index("id")
    assert table["age_approx"].tolist() == ["", "55", "", "", ""]
    assert table["sex"].tolist() == ["male", "female", "", "", ""]


def test_metadata_are_found_beside_images_that_lie_one_folder_deeper(root: Path) -> None:
    folder = root / "ISIC-2017_Training_Data"
    folder.rename(root / "inner")
    folder.mkdir()
    (root / "inner").rename(folder / folder.name)
    assert Isic2017(root=root).table().rows["sex"].tolist() == ["male", "female", "", "", ""]


def test_an_image_with_both_diagnoses_is_refused(root: Path) -> None:
    file = root / "ISIC-2017_Training_Part3_GroundTruth.csv"
    file.write_text(file.read_text().replace("ISIC_0000002,1.0,0.0", "ISIC_0000002,1.0,1.0"))
    with pytest.raises(SkinfwError) as error:
        Isic2017(root=root).table()
    assert error.value.where.endswith("GroundTruth.csv:3") and "ISIC_0000002" in error.value.why


def test_an_image_in_two_parts_is_refused(root: Path) -> None:
    file = root / "ISIC-2017_Test_v2_Part3_GroundTruth.csv"
    file.write_text(file.read_text().replace("ISIC_0012086", "ISIC_0000003"))
    (root / "ISIC-2017_Test_v2_Data" / "ISIC_0012086.jpg").unlink()
    with pytest.raises(SkinfwError, match="1 images are in two parts"):
        Isic2017(root=root, missing="drop").table()


@pytest.mark.parametrize(
    ("file", "what"),
    [
        ("ISIC-2017_Training_Data/ISIC-2017_Training_Data_metadata.csv", "no row in the metadata"),
        ("ISIC-2017_Training_Part3_GroundTruth.csv", "no row in the ground truth"),
        ("ISIC-2017_Test_v2_Part3_GroundTruth.csv", "no row"),
    ],
)
def test_a_table_that_lost_its_last_row_is_refused(root: Path, file: str, what: str) -> None:
    lines = (root / file).read_text().splitlines(keepends=True)
    (root / file).write_text("".join(lines[:-1]))
    with pytest.raises(SkinfwError, match=what):
        Isic2017(root=root).table()


def test_a_part_that_is_absent_is_named(root: Path) -> None:
    (root / "ISIC-2017_Test_v2_Part3_GroundTruth.csv").unlink()
    with pytest.raises(SkinfwError, match="ISIC-2017_Test_v2_Part3_GroundTruth"):
        Isic2017(root=root).table()


@pytest.mark.skipif(not REAL.is_dir(), reason="SKINFW_ISIC2017 names no folder of real images")
def test_the_real_archive_has_the_published_counts() -> None:
    data = Isic2017(root=REAL, missing="drop").table()
    table = data.rows
    counts = table.groupby("split")["label"].value_counts()
    assert counts["val"].to_dict() == {"NV": 78, "SK": 42, "MEL": 30}
    assert counts["test"].to_dict() == {"NV": 393, "MEL": 117, "SK": 90}
    assert data.notes == ("5 of 2,750 images are absent and left out",)
    known = table.loc[table["split"] == "train", "age_approx"]
    assert known.str.fullmatch(r"\d*").all() and (known != "").mean() > 0.8
