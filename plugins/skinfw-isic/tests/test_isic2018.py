import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skinfw import SkinfwError
from skinfw_isic.isic2018 import CLASSES, Isic2018
from skinfw_splits.official import Official

REAL = Path(
    os.environ.get(
        "SKINFW_ISIC2018", Path(__file__).parents[3].parent / "shared" / "data" / "ISIC_2018"
    )
)
LESIONS = "ISIC2018_Task3_Training_LesionGroupings"
IMAGES = "ISIC2018_Task3_Training_Input"
LABELS = {"ISIC_0024306": "NV", "ISIC_0024307": "MEL", "ISIC_0024308": "VASC"}
OTHERS = {
    "Validation": {"ISIC_0034321": "BKL"},
    "Test": {"ISIC_0034524": "NV", "ISIC_0034525": "AKIEC"},
}


def write(root: Path, part: str, labels: dict[str, str]) -> None:
    """Write ground truth and images of one part."""
    rows = [
        ",".join([name, *("1.0" if known == label else "0.0" for known in CLASSES)])
        for name, label in labels.items()
    ]
    header = "image," + ",".join(CLASSES)
    file = root / f"ISIC2018_Task3_{part}_GroundTruth.csv"
    file.write_text("\n".join([header, *rows]) + "\n")
    folder = root / f"ISIC2018_Task3_{part}_Input"
    folder.mkdir()
    for name in labels:
        Image.new("RGB", (8, 6)).save(folder / f"{name}.jpg")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An archive with lesion groupings and without metadata."""
    write(tmp_path, "Training", LABELS)
    groups = ["image,lesion_id,diagnosis_confirm_type", "ISIC_0024306,HAM_1,histopathology",
              "ISIC_0024307,HAM_2,histopathology", "ISIC_0024308,HAM_1,consensus"]  # fmt: skip
    (tmp_path / f"{LESIONS}.csv").write_text("\n".join(groups) + "\n")
    return tmp_path


@pytest.fixture
def whole(root: Path) -> Path:
    """An archive of all three parts."""
    for part, labels in OTHERS.items():
        write(root, part, labels)
    return root


def test_labels_and_lesions_come_from_the_official_files(root: Path) -> None:
    data = Isic2018(root=root).table()
    table = data.rows
    assert dict(zip(table["id"], table["label"], strict=True)) == LABELS
    assert table["lesion"].tolist() == ["HAM_1", "HAM_2", "HAM_1"]
    assert all(Path(path).is_file() for path in table["path"])
    assert data.notes == ()


def test_the_metadata_of_ham10000_adds_age_sex_and_site(root: Path) -> None:
    (root / f"{LESIONS}.csv").unlink()
    rows = ["lesion_id,image_id,dx,dx_type,age,sex,localization",
            "HAM_7,ISIC_0024308,vasc,histo,80.0,male,scalp",
            "HAM_7,ISIC_0024306,nv,histo,,female,back",
            "HAM_8,ISIC_0024307,mel,histo,55.0,male,face"]  # fmt: skip
    (root / "HAM10000_metadata.csv").write_text("\n".join(rows) + "\n")
    table = Isic2018(root=root).table().rows
    assert table["lesion"].tolist() == ["HAM_7", "HAM_8", "HAM_7"]
    assert table["age_approx"].tolist() == ["", "55.0", "80.0"]
    assert table["anatom_site_general"].tolist() == ["back", "face", "scalp"]


def test_metadata_of_another_diagnosis_are_refused_with_their_line(root: Path) -> None:
    rows = ["lesion_id,image_id,dx,dx_type,age,sex,localization",
            "HAM_7,ISIC_0024308,vasc,histo,80.0,male,scalp",
            "HAM_7,ISIC_0024306,mel,histo,,female,back",
            "HAM_8,ISIC_0024307,mel,histo,55.0,male,face"]  # fmt: skip
    (root / "HAM10000_metadata.csv").write_text("\n".join(rows) + "\n")
    with pytest.raises(SkinfwError, match="the diagnosis is not that of") as error:
        Isic2018(root=root).table()
    assert error.value.where.endswith("HAM10000_metadata.csv:3")


def test_absent_images_are_an_error_or_dropped_and_counted(root: Path) -> None:
    (root / IMAGES / "ISIC_0024307.jpg").unlink()
    with pytest.raises(SkinfwError) as error:
        Isic2018(root=root).table()
    assert "1 of 3 images are absent" in error.value.what
    data = Isic2018(root=root, missing="drop").table()
    table = data.rows
    assert data.notes == ("1 of 3 images are absent and left out",)
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


def test_all_three_parts_are_official(whole: Path) -> None:
    data = Isic2018(root=whole, parts="official").table()
    table = data.rows
    wanted = {name: label for part in (LABELS, *OTHERS.values()) for name, label in part.items()}
    assert dict(zip(table["id"], table["label"], strict=True)) == wanted
    parts = Official().assign(table, np.random.default_rng(0))
    assert parts == ["train", "train", "train", "val", "test", "test"]
    assert table["lesion"].tolist() == ["HAM_1", "HAM_2", "HAM_1", *list(wanted)[3:]]
    assert all(Path(path).is_file() for path in table["path"])
    (note,) = data.notes
    assert note.startswith("the 3 images of validation and test have no lesion id")


def test_the_training_part_alone_is_what_one_gets_without_asking(whole: Path) -> None:
    table = Isic2018(root=whole).table().rows
    assert table["id"].tolist() == list(LABELS) and "split" not in table.columns


def test_metadata_are_blank_where_there_are_none(whole: Path) -> None:
    rows = ["lesion_id,image_id,dx,dx_type,age,sex,localization",
            *(f"HAM_{name[5:]},{name},{label.lower()},histo,45.0,male,back"
              for name, label in LABELS.items())]  # fmt: skip
    (whole / "HAM10000_metadata.csv").write_text("\n".join(rows) + "\n")
    table = Isic2018(root=whole, parts="official").table().rows
    assert table["sex"].tolist() == ["male"] * 3 + [""] * 3


def test_a_part_whose_labels_are_secret_is_told_and_kept_apart(whole: Path) -> None:
    file = whole / "ISIC2018_Task3_Test_GroundTruth.csv"
    file.write_text("image\nISIC_0034524\nISIC_0034525\n")
    dataset = Isic2018(root=whole, parts="official")
    data, apart = dataset.table(), dataset.unlabelled().rows
    assert data.rows["split"].tolist() == ["train"] * 3 + ["val"]
    assert "the 2 images of Test have no labels and are left out" in data.notes
    assert apart["id"].tolist() == ["ISIC_0034524", "ISIC_0034525"] and "label" not in apart
    assert apart["split"].tolist() == ["test"] * 2
    assert all(Path(path).is_file() for path in apart["path"])
    assert Isic2018(root=whole).unlabelled().rows.empty


@pytest.mark.parametrize("numbers", ["0 1", "0.0 1.0"])
def test_weights_of_the_challenge_may_stand_behind_the_classes(whole: Path, numbers: str) -> None:
    file, (zero, one) = whole / "ISIC2018_Task3_Validation_GroundTruth.csv", numbers.split()
    (name,) = (line.split(",")[0] for line in file.read_text().splitlines()[1:])
    header = ",".join(["image", *CLASSES, "score_weight", "validation_weight"])
    file.write_text(f"{header}\n{name},{one}{f',{zero}' * 6},{zero},{one}\n")
    table = Isic2018(root=whole, parts="official").table().rows.set_index("id")
    assert table.at[name, "label"] == "MEL" and float(table.at[name, "score_weight"]) == 0


@pytest.mark.parametrize("part", ["Validation", "Test"])
@pytest.mark.parametrize("what", ["GroundTruth.csv", "Input"])
def test_a_part_that_is_absent_is_named(whole: Path, part: str, what: str) -> None:
    name = f"ISIC2018_Task3_{part}_{what}"
    (whole / name).rename(whole / "elsewhere")
    with pytest.raises(SkinfwError, match=f"{name}.* is missing") as error:
        Isic2018(root=whole, parts="official").table()
    assert "skinfw data fetch" in error.value.cure


def test_an_image_in_two_parts_is_refused(whole: Path) -> None:
    file = whole / "ISIC2018_Task3_Test_GroundTruth.csv"
    file.write_text(file.read_text().replace("ISIC_0034524", "ISIC_0024306"))
    (whole / "ISIC2018_Task3_Test_Input" / "ISIC_0034524.jpg").unlink()
    with pytest.raises(SkinfwError, match="1 images are in two parts"):
        Isic2018(root=whole, parts="official", missing="drop").table()


@pytest.mark.skipif(not REAL.is_dir(), reason="SKINFW_ISIC2018 names no folder of real images")
def test_the_real_archive_is_read() -> None:
    table = Isic2018(root=REAL, missing="drop").table().rows
    assert set(table["label"]) == set(CLASSES)
    assert table["lesion"].nunique() < len(table) <= 10015
    assert table["lesion"].str.match(r"HAM_\d{7}").all()
    assert table["path"].map(lambda path: Path(path).is_file()).all()


def test_masks_of_ham10000_are_found_in_the_root(root: Path) -> None:
    data = Isic2018(root=root)
    path = data.table().rows["path"].iloc[1]
    assert data.mask(path) is None
    folder = root / "HAM10000_segmentations_lesion_tschandl"
    folder.mkdir()
    drawn = np.zeros((12, 16), np.uint8)
    drawn[3:9, 4:10] = 255
    Image.fromarray(drawn).save(folder / "ISIC_0024307_segmentation.png")
    mask = data.mask(path)
    assert mask is not None and mask.dtype == bool
    assert (mask == (drawn > 0)).all()
    assert data.mask(data.table().rows["path"].iloc[0]) is None
