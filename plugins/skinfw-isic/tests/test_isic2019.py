import os
from pathlib import Path

import pytest
from PIL import Image

from skinfw import SkinfwError
from skinfw_isic.isic2019 import CLASSES, Isic2019

HEADER = "image,MEL,NV,BCC,AK,BKL,DF,VASC,SCC,UNK"
TRUTH = "ISIC_2019_Training_GroundTruth"
METADATA = "ISIC_2019_Training_Metadata"
IMAGES = "ISIC_2019_Training_Input"


def row(name: str, label: int) -> str:
    return ",".join([name, *("1.0" if column == label else "0.0" for column in range(9))])


def archive(root: Path, labels: dict[str, int], lesions: dict[str, str] | None = None) -> Path:
    """Write an archive as it is downloaded."""
    root.mkdir(exist_ok=True)
    lines = [HEADER, *(row(name, label) for name, label in labels.items())]
    (root / f"{TRUTH}.csv").write_text("\n".join(lines) + "\n")
    blank = dict.fromkeys(labels, "")
    rows = [f"{n},55,anterior torso,{le},female" for n, le in {**blank, **(lesions or {})}.items()]
    header = "image,age_approx,anatom_site_general,lesion_id,sex"
    (root / f"{METADATA}.csv").write_text("\n".join([header, *rows]) + "\n")
    (root / IMAGES).mkdir(exist_ok=True)
    for name in labels:
        Image.new("RGB", (8, 6), (200, 150, 140)).save(root / IMAGES / f"{name}.jpg")
    return root


LABELS = {"ISIC_0000000": 1, "ISIC_0000001_downsampled": 0, "ISIC_0000002": 7}


def test_the_root_alone_is_enough(tmp_path: Path) -> None:
    root = archive(tmp_path / "a", LABELS, {"ISIC_0000000": "HAM_1", "ISIC_0000002": "HAM_1"})
    data = Isic2019(root=root)
    assert data.classes == CLASSES
    drawn = data.table()
    table = drawn.rows
    assert table["id"].tolist() == list(LABELS)
    assert table["label"].tolist() == ["NV", "MEL", "SCC"]
    assert table["lesion"].tolist() == ["HAM_1", "ISIC_0000001", "HAM_1"]
    assert table["sex"].tolist() == ["female"] * 3
    assert all(Path(path).is_file() for path in table["path"])
    (note,) = drawn.notes
    assert note == "1 images have no lesion id; each counts as its own lesion"


def test_csvs_and_images_may_lie_in_folders_of_their_own_name(tmp_path: Path) -> None:
    root = archive(tmp_path / "a", LABELS)
    for name in (TRUTH, METADATA):
        (root / name).mkdir()
        (root / f"{name}.csv").rename(root / name / f"{name}.csv")
    (root / IMAGES).rename(root / "inner")
    (root / IMAGES).mkdir()
    (root / "inner").rename(root / IMAGES / IMAGES)
    assert len(Isic2019(root=root).table().rows) == 3


def test_a_downsampled_name_finds_either_file(tmp_path: Path) -> None:
    root = archive(tmp_path / "a", LABELS)
    short = root / IMAGES / "ISIC_0000001.jpg"
    (root / IMAGES / "ISIC_0000001_downsampled.jpg").rename(short)
    assert Isic2019(root=root).table().rows["path"].tolist()[1] == str(short)


def test_superpixel_maps_and_odd_endings_are_no_trap(tmp_path: Path) -> None:
    root = archive(tmp_path / "a", LABELS)
    (root / IMAGES / "ISIC_0000000_superpixels.png").write_bytes(b"")
    (root / IMAGES / "LICENSE.txt").write_text("")
    old = root / IMAGES / "ISIC_0000002.jpg"
    old.rename(old.with_suffix(".JPG"))
    assert Isic2019(root=root).table().rows["path"].tolist()[2].endswith(".JPG")


def test_absent_images_are_an_error_or_dropped_and_counted(tmp_path: Path) -> None:
    root = archive(tmp_path / "a", LABELS)
    (root / IMAGES / "ISIC_0000002.jpg").unlink()
    with pytest.raises(SkinfwError) as error:
        Isic2019(root=root).table()
    assert "1 of 3 images are absent" in error.value.what
    assert "ISIC_0000002" in error.value.why and 'missing = "drop"' in error.value.cure
    data = Isic2019(root=root, missing="drop").table()
    table = data.rows
    assert len(table) == 2
    assert data.notes[0] == "1 of 3 images are absent and left out"


def test_the_unknown_class_is_dropped_or_kept(tmp_path: Path) -> None:
    root = archive(tmp_path / "a", {**LABELS, "ISIC_0000003": 8})
    data = Isic2019(root=root).table()
    dropped = data.rows
    assert "UNK" not in set(dropped["label"])
    assert data.notes[0] == "1 images labelled UNK are left out"
    kept = Isic2019(root=root, unknown="class")
    assert kept.classes[-1] == "UNK" and "UNK" in set(kept.table().rows["label"])


def test_input_and_ground_truth_are_enough_and_lesions_are_marked_as_unknown(
    tmp_path: Path,
) -> None:
    root = archive(tmp_path / "a", LABELS)
    known = Isic2019(root=root).table()
    (root / f"{METADATA}.csv").unlink()
    data = Isic2019(root=root).table()
    assert list(data.rows.columns) == list(known.rows.columns)
    assert data.rows[["id", "path", "label"]].equals(known.rows[["id", "path", "label"]])
    assert data.rows["lesion"].tolist() == ["ISIC_0000000", "ISIC_0000001", "ISIC_0000002"]
    assert (data.rows[["age_approx", "sex"]] == "").all(axis=None)
    assert not known.marks and data.marks[0].startswith("lesions unknown")


def drop_last_line(file: Path) -> None:
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:-1]))


def change(file: Path, old: str, new: str) -> None:
    file.write_text(file.read_text().replace(old, new, 1))


def replace_truth(text: str):
    return lambda root: (root / f"{TRUTH}.csv").write_text(text)


A, B = "ISIC_0000000", "ISIC_0000001"
FAULTS = {
    "lost row": (
        lambda root: drop_last_line(root / f"{TRUTH}.csv"),
        "1 images of ISIC_2019_Training_Metadata.csv have no row in the ground truth",
        "Metadata.csv:4",
    ),
    "lost rows": (
        lambda root: [drop_last_line(root / f"{name}.csv") for name in (TRUTH, METADATA)],
        "1 images have no row in the ground truth",
        "GroundTruth.csv",
    ),
    "lesion": (
        lambda root: change(root / f"{METADATA}.csv", "torso,,", "torso,x y,"),
        "lesion_id holds what the official file never has",
        "Metadata.csv:2",
    ),
    "no root": (lambda root: root.rename(root.parent / "elsewhere"), "root is no folder", ""),
    "no truth": (lambda root: (root / f"{TRUTH}.csv").unlink(), f"{TRUTH}.csv is missing", ""),
    "no images": (lambda root: (root / IMAGES).rename(root / "x"), "image folder", ""),
    "metadata row": (
        lambda root: (root / f"{METADATA}.csv").write_text(
            "image,age_approx,anatom_site_general,lesion_id,sex\nISIC_0000000,,,,\n"
        ),
        "2 of 3 images have no row in the metadata",
        "",
    ),
    "empty": (replace_truth(""), "the file is empty", ":1"),
    "no rows": (replace_truth(HEADER + "\n"), "a header and no row", ":2"),
    "header": (replace_truth("id,MEL\nISIC_1,1\n"), "the header lacks image", ":1"),
    "class": (replace_truth(HEADER + ",XYZ\n" + row(A, 0) + ",0\n"), "official file", ":1"),
    "order": (replace_truth(HEADER.replace("MEL,NV", "NV,MEL") + "\n" + row(A, 0)), "offi", ":1"),
    "id": (replace_truth(HEADER + "\n" + row("ISIC_1", 0)), "image holds what", ":2"),
    "same": (
        replace_truth("\n".join([HEADER, row(A, 0), row(A + "_downsampled", 1)])),
        "occurs twice",
        ":3",
    ),
    "twice": (
        replace_truth("\n".join([HEADER, row(A, 0), row(B, 1), row(A, 1)])),
        "occurs twice",
        ":4",
    ),
    "two labels": (
        replace_truth(HEADER + "\n" + row(A, 0) + f"\n{B},1,1,0,0,0,0,0,0,0\n"),
        "two labels",
        ":3",
    ),
    "no label": (replace_truth(HEADER + f"\n{A},0,0,0,0,0,0,0,0,0\n"), "has no label", ":2"),
    "half": (replace_truth(HEADER + f"\n{A},0.5,0.5,0,0,0,0,0,0,0\n"), "MEL holds what", ":2"),
    "text": (replace_truth(HEADER + f"\n{A},yes,0,0,0,0,0,0,0,0\n"), "MEL holds what", ":2"),
    "path": (replace_truth(HEADER + "\n" + row("../../etc/passwd", 0)), "image holds what", ":2"),
    "blank": (replace_truth(HEADER + "\n" + row(" ", 0)), "image holds what", ":2"),
    "binary": (lambda root: (root / f"{TRUTH}.csv").write_bytes(b"\xff\xfe\x00\x80"), "CSV", ""),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_files_is_said_with_its_line(tmp_path: Path, fault: str) -> None:
    spoil, what, line = FAULTS[fault]
    root = archive(tmp_path / "a", LABELS)
    spoil(root)
    with pytest.raises(SkinfwError) as error:
        Isic2019(root=root).table()
    assert what in error.value.what
    assert error.value.where.endswith(line) and error.value.cure
    assert len(str(error.value).splitlines()) <= 4


@pytest.mark.parametrize(
    "cell",
    [
        "1,0",
        '"1,0"',
        "\u0661",
        "1e0",
        "nan",
        "inf",
        "0x1",
        "True",
        "+1",
        "-0",
        "01",
        "1.",
        "1_0",
        "",
    ],
)
def test_a_label_is_0_or_1_and_nothing_that_could_be_read_so(tmp_path: Path, cell: str) -> None:
    root = archive(tmp_path / "a", LABELS)
    change(root / f"{TRUTH}.csv", "1.0", cell)
    with pytest.raises(SkinfwError) as error:
        Isic2019(root=root).table()
    assert error.value.where.endswith("GroundTruth.csv:2")


REAL = Path(
    os.environ.get(
        "SKINFW_ISIC2019", Path(__file__).parents[3].parent / "shared" / "data" / "ISIC_2019"
    )
)


@pytest.mark.skipif(
    not REAL.is_dir(), reason="no ISIC 2019 images here (SKINFW_ISIC2019 names them)"
)
def test_the_real_archive_is_read() -> None:
    data = Isic2019(root=REAL, missing="drop").table()
    table = data.rows
    assert set(table["label"]) <= set(CLASSES) and table["id"].is_unique
    absent = [note for note in data.notes if "of 25,331 images are absent" in note]
    assert len(absent) == (len(table) < 25_331)
    assert (table["lesion"] != "").all()
    # HAM10000 has up to six images of a lesion: real lesion ids were found.
    assert table["lesion"].value_counts().iloc[0] > 1
    assert not table["lesion"].str.endswith("_downsampled").any()


@pytest.mark.skipif(not REAL.is_dir(), reason="SKINFW_ISIC2019 names no folder of real images")
def test_the_row_split_is_that_of_e2e_densenetskin() -> None:
    """Counts of the published split, computed from the official table with scikit-learn."""
    import numpy as np

    from skinfw_isic.official import find_csv, read_labels
    from skinfw_splits.rows import Rows

    table = read_labels(find_csv(REAL, TRUTH), "image", (*CLASSES, "UNK"))
    parts = np.array(Rows(test=0.3, seed=42).assign(table, np.random.default_rng(0)))
    expected = {
        "train": [3165, 9012, 2326, 607, 1837, 167, 177, 440],
        "test": [1357, 3863, 997, 260, 787, 72, 76, 188],
    }
    for part, counts in expected.items():
        result = table.loc[parts == part, "label"].value_counts()
        assert [int(result[name]) for name in CLASSES] == counts


TEST = {"ISIC_0034321": 8, "ISIC_0034322": 1, "ISIC_0034323_downsampled": 7}
NUMBERS = ("0 1", "0.0 1.0")


def official(root: Path, numbers: str = "0.0 1.0", weights: bool = False) -> Path:
    """Write an archive with its test part, in one of the shapes in which ground truths came."""
    archive(root, LABELS)
    zero, one = numbers.split()
    header, lines = [HEADER, *(["score_weight", "validation_weight"] if weights else [])], []
    for place, (name, label) in enumerate(TEST.items()):
        cells = [name, *(one if column == label else zero for column in range(9))]
        scored = [zero, one] if place == 1 else [one, zero]
        lines.append(",".join([*cells, *(scored if weights else [])]))
    (root / "ISIC_2019_Test_GroundTruth.csv").write_text("\n".join([",".join(header), *lines, ""]))
    rows = [f"{name},70,lower extremity,male" for name in TEST]
    about = "\n".join(["image,age_approx,anatom_site_general,sex", *rows, ""])
    (root / "ISIC_2019_Test_Metadata.csv").write_text(about)
    (root / "ISIC_2019_Test_Input").mkdir()
    for name in TEST:
        Image.new("RGB", (8, 6)).save(root / "ISIC_2019_Test_Input" / f"{name}.jpg")
    return root


@pytest.mark.parametrize("numbers", NUMBERS)
@pytest.mark.parametrize("weights", [False, True])
def test_both_official_parts_are_read(tmp_path: Path, numbers: str, weights: bool) -> None:
    root = official(tmp_path / "a", numbers, weights)
    data = Isic2019(root=root, parts="official", unknown="class")
    table = data.table().rows
    assert table["id"].tolist() == [*LABELS, *TEST] and data.unlabelled().rows.empty
    assert table["label"].tolist() == ["NV", "MEL", "SCC", "UNK", "NV", "SCC"]
    assert table["split"].tolist() == ["train"] * 3 + ["test"] * 3
    assert table["lesion"].tolist()[3:] == ["ISIC_0034321", "ISIC_0034322", "ISIC_0034323"]
    assert table["sex"].tolist() == ["female"] * 3 + ["male"] * 3
    assert all(Path(path).is_file() for path in table["path"])
    assert ("score_weight" in table) == weights
    without = Isic2019(root=root, parts="official").table()
    assert "UNK" not in set(without.rows["label"]) and len(without.rows) == 5
    assert "1 images labelled UNK are left out" in without.notes


def test_images_that_the_challenge_does_not_score_are_told_or_dropped(tmp_path: Path) -> None:
    root = official(tmp_path / "a", weights=True)
    kept = Isic2019(root=root, parts="official").table()
    assert "1 test images do not count in the challenge's score" in kept.notes
    left = Isic2019(root=root, parts="official", unscored="drop").table()
    assert {*kept.rows["id"]} - {*left.rows["id"]} == {"ISIC_0034322"}


def test_a_test_part_whose_labels_are_secret_is_kept_apart(tmp_path: Path) -> None:
    root = official(tmp_path / "a")
    (root / "ISIC_2019_Test_GroundTruth.csv").unlink()
    data = Isic2019(root=root, parts="official")
    assert data.table().rows["id"].tolist() == list(LABELS)
    assert "the 3 images of Test have no labels and are left out" in data.table().notes
    apart = data.unlabelled().rows
    assert apart["id"].tolist() == list(TEST) and "label" not in apart
    assert set(apart["split"]) == {"test"} and apart["lesion"].iloc[2] == "ISIC_0034323"


def test_metadata_of_the_test_part_need_not_be_there(tmp_path: Path) -> None:
    root = official(tmp_path / "a")
    (root / "ISIC_2019_Test_Metadata.csv").unlink()
    table = Isic2019(root=root, parts="official").table().rows
    assert table["sex"].tolist()[3:] == ["", ""]


@pytest.mark.parametrize(
    ("file", "line", "what"),
    [
        ("GroundTruth.csv", 2, "1 images of ISIC_2019_Test_Metadata.csv have no row"),
        ("Metadata.csv", 2, "1 of 3 images have no row in the metadata"),
    ],
)
def test_rows_that_were_lost_are_told(tmp_path: Path, file: str, line: int, what: str) -> None:
    root = official(tmp_path / "a")
    lines = (root / f"ISIC_2019_Test_{file}").read_text().splitlines()
    (root / f"ISIC_2019_Test_{file}").write_text("\n".join(lines[:1] + lines[line:]) + "\n")
    with pytest.raises(SkinfwError, match=what) as error:
        Isic2019(root=root, parts="official").table()
    assert error.value.cure


def test_an_image_of_both_parts_is_refused(tmp_path: Path) -> None:
    root = official(tmp_path / "a")
    for name in ("GroundTruth.csv", "Metadata.csv"):
        change(root / f"ISIC_2019_Test_{name}", "ISIC_0034322", "ISIC_0000002")
    (root / "ISIC_2019_Test_Input" / "ISIC_0034322.jpg").unlink()
    with pytest.raises(SkinfwError, match="1 images are in two parts"):
        Isic2019(root=root, parts="official", missing="drop").table()


def test_a_weight_is_a_number_up_to_one(tmp_path: Path) -> None:
    root = official(tmp_path / "a", weights=True)
    change(root / "ISIC_2019_Test_GroundTruth.csv", "1.0,1.0,0.0", "1.0,2.0,0.0")
    with pytest.raises(SkinfwError, match="score_weight holds what") as error:
        Isic2019(root=root, parts="official").table()
    assert error.value.where.endswith("Test_GroundTruth.csv:2")
