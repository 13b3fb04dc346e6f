import os
from pathlib import Path

import pytest
from PIL import Image

from skinfw import SkinfwError
from skinfw_isic.isic2018 import CLASSES, Isic2018

REAL = Path(
    os.environ.get(
        "SKINFW_ISIC2018", Path(__file__).parents[3].parent / "shared" / "data" / "ISIC_2018"
    )
)
TRUTH = "ISIC2018_Task3_Training_GroundTruth"
LESIONS = "ISIC2018_Task3_Training_LesionGroupings"
IMAGES = "ISIC2018_Task3_Training_Input"
LABELS = {"ISIC_0024306": "NV", "ISIC_0024307": "MEL", "ISIC_0024308": "VASC"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An archive with lesion groupings and without metadata."""
    rows = [
        ",".join([name, *("1.0" if known == label else "0.0" for known in CLASSES)])
        for name, label in LABELS.items()
    ]
    header = "image," + ",".join(CLASSES)
    (tmp_path / f"{TRUTH}.csv").write_text("\n".join([header, *rows]) + "\n")
    groups = ["image,lesion_id,diagnosis_confirm_type", "ISIC_0024306,HAM_1,histopathology",
              "ISIC_0024307,HAM_2,histopathology", "ISIC_0024308,HAM_1,consensus"]  # fmt: skip
    (tmp_path / f"{LESIONS}.csv").write_text("\n".join(groups) + "\n")
    (tmp_path / IMAGES).mkdir()
    for name in LABELS:
        Image.new("RGB", (8, 6)).save(tmp_path / IMAGES / f"{name}.jpg")
    return tmp_path


def test_labels_and_lesions_come_from_the_official_files(root: Path) -> None:
    table = Isic2018(root=root).table()
    assert dict(zip(table["id"], table["label"], strict=True)) == LABELS
    assert table["lesion"].tolist() == ["HAM_1", "HAM_2", "HAM_1"]
    assert all(Path(path).is_file() for path in table["path"])
    assert table.attrs["notes"] == []


def test_the_metadata_of_ham10000_adds_age_sex_and_site(root: Path) -> None:
    (root / f"{LESIONS}.csv").unlink()
    rows = ["lesion_id,image_id,dx,dx_type,age,sex,localization",
            "HAM_7,ISIC_0024308,vasc,histo,80.0,male,scalp",
            "HAM_7,ISIC_0024306,nv,histo,,female,back",
            "HAM_8,ISIC_0024307,mel,histo,55.0,male,face"]  # fmt: skip
    (root / "HAM10000_metadata.csv").write_text("\n".join(rows) + "\n")
    table = Isic2018(root=root).table()
    assert table["lesion"].tolist() == ["HAM_7", "HAM_8", "HAM_7"]
    assert table["age_approx"].tolist() == ["", "55.0", "80.0"]
    assert table["anatom_site_general"].tolist() == ["back", "face", "scalp"]


def test_absent_images_are_an_error_or_dropped_and_counted(root: Path) -> None:
    (root / IMAGES / "ISIC_0024307.jpg").unlink()
    with pytest.raises(SkinfwError) as error:
        Isic2018(root=root).table()
    assert "1 of 3 images are absent" in error.value.what
    table = Isic2018(root=root, missing="drop").table()
    assert table.attrs["notes"] == ["1 of 3 images are absent and left out"]
    assert "ISIC_0024307" not in set(table["id"])


def test_an_image_without_a_lesion_id_is_refused(root: Path) -> None:
    lines = (root / f"{LESIONS}.csv").read_text().splitlines()
    (root / f"{LESIONS}.csv").write_text("\n".join(lines[:-1]) + "\n")
    with pytest.raises(SkinfwError) as error:
        Isic2018(root=root).table()
    assert "1 of 3 images have no lesion id" in error.value.what
    assert "ISIC_0024308" in error.value.why


def test_without_any_lesion_table_the_cure_names_it(root: Path) -> None:
    (root / f"{LESIONS}.csv").unlink()
    with pytest.raises(SkinfwError) as error:
        Isic2018(root=root).table()
    assert LESIONS in error.value.what


@pytest.mark.skipif(not REAL.is_dir(), reason="SKINFW_ISIC2018 names no folder of real images")
def test_the_real_archive_is_read() -> None:
    table = Isic2018(root=REAL, missing="drop").table()
    assert set(table["label"]) == set(CLASSES)
    assert table["lesion"].nunique() < len(table) <= 10015
    assert table["lesion"].str.match(r"HAM_\d{7}").all()
    assert table["path"].map(lambda path: Path(path).is_file()).all()
