"""Several data sets of a recipe are one: classes by diagnosis, names apart, copies together."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import cv2
import pandas as pd
import pytest
from support import ONE_EPOCH, Run

from skinfw import RecipeError, SkinfwError, write_csv
from skinfw.testing import examples
from skinfw.toolkit import (
    checked_data,
    data_record,
    load_data,
    load_data_plan,
    mask_file_function,
    mask_function,
    recorded_data,
    split_data,
)

Row = tuple[str, str, str]
TWO = """
[[dataset]]
use = "synthetic"
images = 80
size = 64

[[dataset]]
use = "synthetic"
source = "other"
size = 64
images = 64
seed = 1
labels = { SCC = "AK", VASC = "" }

[split]
use = "lesion-stratified"
val = 0.25
test = 0.25
"""


def images_of(folder: Path, name: str, rows: Sequence[Row]) -> dict[str, Any]:
    """Write a CSV of images with id, label and lesion; return its table of a recipe."""
    for image, *_ in rows:
        seed = crc32(f"{name}{image}".encode())
        picture = folder / name / f"{image}.png"
        picture.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(picture), examples.image(60, 80, seed))
    table = [(image, f"{image}.png", label, lesion) for image, label, lesion in rows]
    write_csv(folder / name / "list.csv", ["id", "path", "label", "lesion"], table)
    return {"use": "csv", "source": name, "file": str(folder / name / "list.csv")}


def rows_of(*sets: dict[str, Any]) -> pd.DataFrame:
    return load_data(load_data_plan({"dataset": list(sets)})).rows.set_index("id")


def classes_of(folder: Path, *labels: Sequence[str], **keys: Any) -> tuple[str, ...]:
    """Return the classes of data sets with such labels; keys are those of the last one."""
    sets = [
        images_of(folder, f"set{number}", [(f"i{at}", one, f"l{at}") for at, one in enumerate(own)])
        for number, own in enumerate(labels)
    ]
    for table, own in zip(sets, labels, strict=True):
        table["names"] = list(own)
    sets[-1] |= keys
    return load_data_plan({"dataset": sets}).classes


ISIC_2018 = ("MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC")


def test_labels_are_the_class_that_holds_their_diagnoses(tmp_path: Path) -> None:
    assert classes_of(tmp_path, ISIC_2018, ("melanoma", "naevus", "SK", "AK")) == ISIC_2018
    rows = rows_of(
        images_of(tmp_path, "one", [("a", "MEL", "1"), ("b", "BKL", "2")]),
        images_of(tmp_path, "two", [("a", "SK", "1"), ("b", "malignant melanoma", "2")]),
    )
    assert rows["label"].to_dict() == {
        "one/a": "MEL", "one/b": "BKL", "two/a": "BKL", "two/b": "MEL",
    }  # fmt: skip
    assert rows["diagnosis"].tolist() == ["", "", "SK", "malignant melanoma"]
    assert rows["source"].tolist() == ["one", "one", "two", "two"]


def test_a_diagnosis_that_the_others_lack_is_a_class(tmp_path: Path) -> None:
    assert classes_of(tmp_path, ("MEL", "NV"), ("NV", "dermatofibroma")) == (
        "MEL", "NV", "dermatofibroma",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ((ISIC_2018, ("NV", "SCC")), "SCC shares diagnoses with AKIEC, but not all"),
        ((("MEL", "SK"), ("MEL", "BKL")), "BKL shares diagnoses with SK, but not all"),
        ((ISIC_2018, ("benign", "MEL")), "benign shares diagnoses with NV, BKL, DF, VASC"),
        ((ISIC_2018, ("NV", "blob")), "the table of diagnoses does not know blob"),
    ],
)
def test_a_label_of_which_nobody_knows_the_class_is_refused(
    tmp_path: Path, labels: tuple[Sequence[str], ...], told: str
) -> None:
    with pytest.raises(SkinfwError, match=told) as caught:
        classes_of(tmp_path, *labels)
    assert "labels = {" in str(caught.value)


def test_the_recipe_says_what_a_label_is(tmp_path: Path) -> None:
    own = ("NV", "SCC", "blob")
    said = {"SCC": "SCC", "blob": ""}
    assert classes_of(tmp_path, ISIC_2018, own, labels=said) == (*ISIC_2018, "SCC")
    two = images_of(tmp_path, "two", [("a", "SCC", "1"), ("b", "blob", "2"), ("c", "NV", "3")])
    one = images_of(tmp_path, "one", [("a", "NV", "1"), ("b", "MEL", "2")])
    plan = load_data_plan({"dataset": [one, {**two, "labels": {"SCC": "MEL", "blob": ""}}]})
    data = load_data(plan)
    assert data.rows["label"].tolist() == ["NV", "MEL", "MEL", "NV"]
    assert "two: 1 images of blob are left out" in data.notes
    assert "two: 1 images of SCC count as MEL" in data.notes
    with pytest.raises(SkinfwError, match="BCC is no label of two"):
        rows_of(one, {**two, "labels": {"BCC": "MEL", "SCC": "", "blob": ""}})


def test_lesions_of_one_name_are_two_unless_the_archive_gave_it(tmp_path: Path) -> None:
    rows = rows_of(
        images_of(tmp_path, "one", [("a", "NV", "1"), ("ISIC_0000001", "MEL", "HAM_0000001")]),
        images_of(tmp_path, "two", [("a", "NV", "1"), ("ISIC_0000002", "MEL", "HAM_0000001")]),
    )
    assert rows["lesion"].tolist() == ["one/1", "HAM_0000001", "two/1", "HAM_0000001"]


def test_an_image_is_told_by_the_line_of_its_own_data_set(tmp_path: Path) -> None:
    sets = [images_of(tmp_path, name, [("1", "NV", "a"), ("2", "MEL", "b")]) for name in "ab"]
    merged = load_data_plan({"dataset": sets}).dataset
    assert merged.place("b/2").endswith("b/list.csv:3")  # type: ignore[attr-defined]
    drawn = load_data_plan({"dataset": [{"use": "synthetic", "images": 80}, {
        "use": "synthetic", "source": "other", "images": 80}]}).dataset  # fmt: skip
    assert drawn.place("other/x") == "image other/x"  # type: ignore[attr-defined]


def test_copies_in_two_data_sets_are_on_one_side(tmp_path: Path) -> None:
    """One photograph under two private names, one image of the archive in two sizes."""
    kinds = ("MEL", "NV")
    one, two = (
        images_of(tmp_path, name, [(f"{name}{n}", kinds[n % 2], f"{n}") for n in range(12)]
                  + [("ISIC_0000001", "MEL", "9999")])
        for name in ("one", "two")
    )  # fmt: skip
    (tmp_path / "two" / "two5.png").write_bytes((tmp_path / "one" / "one5.png").read_bytes())
    plan = load_data_plan({"dataset": [one, two], "split": {"use": "lesion-stratified"}})
    rows = split_data(plan).rows.set_index("id")
    for first, second in (("one/one5", "two/two5"), ("one/ISIC_0000001", "two/ISIC_0000001")):
        assert rows.loc[first, "component"] == rows.loc[second, "component"]
        assert rows.loc[first, "part"] == rows.loc[second, "part"]
    assert rows["component"].nunique() == 24


def test_a_data_set_of_several_that_lies_elsewhere_has_the_same_files(tmp_path: Path) -> None:
    records = []
    for place in ("here", "there"):
        sets = []
        for name in ("one", "two"):
            for label in ("MEL", "NV"):
                file = tmp_path / place / name / label / "a.png"
                file.parent.mkdir(parents=True)
                cv2.imwrite(str(file), examples.image(60, 80, 0))
            sets.append({"use": "folder", "source": name, "root": str(tmp_path / place / name)})
        plan = load_data_plan({"dataset": sets})
        rows = load_data(plan).rows.assign(part="train", component="1")
        records.append(data_record(plan, rows))
    assert records[0]["files"] == records[1]["files"]
    assert list(records[0]["files"]) == [
        "one/MEL/a.png", "one/NV/a.png", "two/MEL/a.png", "two/NV/a.png",
    ]  # fmt: skip
    assert records[0]["table"] == records[1]["table"]


def test_a_photograph_with_two_classes_is_told(tmp_path: Path) -> None:
    one = images_of(tmp_path, "one", [("ISIC_0000001", "MEL", "1"), ("b", "NV", "2")])
    two = images_of(tmp_path, "two", [("ISIC_0000001", "NV", "1"), ("b", "MEL", "2")])
    notes = load_data(load_data_plan({"dataset": [one, two]})).notes
    assert notes[-1] == (
        "1 photographs have another class in another data set, such as ISIC_0000001: MEL, NV"
    )


def test_official_parts_are_needed_of_all(tmp_path: Path) -> None:
    for part in ("train", "val", "test"):
        for label in ("MEL", "NV"):
            file = tmp_path / "divided" / part / label / "a.png"
            file.parent.mkdir(parents=True)
            cv2.imwrite(str(file), examples.image(60, 80, crc32(f"{part}{label}".encode())))
    divided = {"use": "folder", "root": str(tmp_path / "divided")}
    other = images_of(tmp_path, "other", [("a", "MEL", "1"), ("b", "NV", "2")])
    split = {"use": "official", "check": "ids"}
    plan = load_data_plan({"dataset": [divided, other], "split": split})
    with pytest.raises(SkinfwError, match="2 of 8 images have no official part") as caught:
        split_data(plan)
    assert "the first is other/a" in caught.value.why


def test_each_image_has_the_mask_of_its_own_data_set(tmp_path: Path) -> None:
    one = images_of(tmp_path, "one", [("a", "MEL", "1"), ("b", "NV", "2")])
    two = images_of(tmp_path, "two", [("a", "MEL", "1"), ("b", "NV", "2")])
    light = examples.image(60, 80, 0)
    light[:], light[:, :10] = 0, 255
    cv2.imwrite(str(tmp_path / "two" / "mask.png"), light)
    write_csv(
        tmp_path / "two" / "list.csv",
        ["id", "path", "label", "mask"],
        [("a", "a.png", "MEL", "mask.png"), ("b", "b.png", "NV", "")],
    )
    plan = load_data_plan({"dataset": [one, two]})
    mask, paths = mask_function(plan.dataset), load_data(plan).rows.set_index("id")["path"]
    assert mask is not None
    assert mask(paths["two/a"])[:, :10].all() and not mask(paths["two/a"])[:, 10:].any()
    assert mask(paths["two/b"]) is None and mask(paths["one/a"]) is None
    assert mask("/elsewhere.png") is None, "an image that is of no data set"
    file = mask_file_function(plan.dataset)
    assert file is not None and file(paths["two/a"]) == tmp_path / "two" / "mask.png"
    assert file(paths["two/b"]) is None and file(paths["one/a"]) is None


def test_a_data_set_without_the_pictures_of_the_others_is_refused_by_name(tmp_path: Path) -> None:
    one = images_of(tmp_path, "one", [("a", "MEL", "1"), ("b", "NV", "2")])
    two = images_of(tmp_path, "two", [("a", "MEL", "1"), ("b", "NV", "2")])
    table = pd.read_csv(one["file"]).assign(clinic="a.png")
    table.to_csv(one["file"], index=False)
    recipe = tmp_path / "both.toml"
    sets = "".join(
        f'[[dataset]]\nuse = "csv"\nsource = "{own["source"]}"\nfile = "{own["file"]}"\n'
        for own in (one, two)
    )
    recipe.write_text(sets)
    assert len(load_data(load_data_plan(recipe)).rows) == 4
    recipe.write_text(sets + '[modalities]\npictures = ["clinic"]\n')
    with pytest.raises(RecipeError, match='"two" has no pictures in the column clinic') as caught:
        load_data(load_data_plan(recipe))
    assert "both.toml:6" in caught.value.where


def test_messages_of_several_data_sets_name_keys_that_exist(tmp_path: Path) -> None:
    sets = [images_of(tmp_path, name, [("a", "MEL", "1"), ("b", "NV", "2")]) for name in "ab"]
    plan = load_data_plan({"dataset": sets})
    rows = load_data(plan).rows.assign(component="1", part="train")
    rows.assign(lesion="other").to_csv(tmp_path / "splits.csv", index=False)
    with pytest.raises(SkinfwError, match="4 images of the run are not in its data set") as caught:
        recorded_data(plan, tmp_path)
    assert "--set dataset.0.file=... or --set dataset.1.file=..." in caught.value.cure
    (tmp_path / "a" / "a.png").write_bytes(b"no image")
    with pytest.raises(SkinfwError, match="1 of 4 images cannot be decoded") as caught:
        checked_data(plan, lambda _: None)
    assert 'set bad = "drop" in every [[dataset]]' in caught.value.cure


DRAWN = '[[dataset]]\nuse = "synthetic"\n'
FILES = '[[dataset]]\nuse = "csv"\nfile = "mine/list.csv"\n'


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        (DRAWN + DRAWN, 4, 'two data sets are called "synthetic"'),
        (DRAWN + 'source = "a/b"\n', 2, 'dataset.0.source cannot be "a/b"'),
        (FILES + DRAWN + 'bad = "drop"\n', 5, 'dataset.1.bad is "drop"'),
        (FILES + DRAWN, 1, "data sets of files cannot be merged"),
        ('[dataset]\nuse = "merged"\n', 2, "there is none"),
        ("dataset = []\n", 1, "the list of dataset is empty"),
    ],
)
def test_data_sets_that_cannot_be_one_are_refused_at_their_line(
    tmp_path: Path, text: str, line: int, told: str
) -> None:
    images_of(tmp_path, "mine", [("a", "MEL", "1"), ("b", "NV", "2")])
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(RecipeError, match=told) as caught:
        load_data_plan(tmp_path / "x.toml")
    assert caught.value.where.split()[0].endswith(f"x.toml:{line}")


def test_a_run_tells_of_each_of_its_data_sets(tiny: Path, train: Callable[..., Any]) -> None:
    tiny.write_text(TWO + ONE_EPOCH)
    folder = train()[1]
    record, run = folder.record, folder.path
    assert [own["source"] for own in record["recipe"]["dataset"]] == ["synthetic", "other"]
    assert [own["use"] for own in record["components"][:3]] == [
        "synthetic + other", "synthetic", "synthetic",
    ]  # fmt: skip
    splits = pd.read_csv(run / "splits.csv")
    assert set(splits["id"].str.partition("/")[0]) == {"synthetic", "other"}
    assert "VASC" not in set(splits["label"][splits["id"].str.startswith("other/")])


@pytest.mark.slow
def test_a_run_of_two_data_sets_is_a_run_like_any_other(
    tiny: Path, tmp_path: Path, skinfw: Run
) -> None:
    (tmp_path / "two.toml").write_text(TWO + ONE_EPOCH)
    done = skinfw("run", "two.toml")
    assert done.returncode == 0, done.stderr
    assert "\nsynthetic + other · tiny.py:tiny · " in done.stdout
    run = next((tmp_path / "runs").iterdir())
    images_of(tmp_path, "mine", [("a", "MEL", "1")])
    (tmp_path / "more.toml").write_text(TWO.replace("= 64\nseed", "= 160\nseed"))
    for command in (
        ("verify", str(run)),
        ("predict", str(run), "mine/a.png"),
        ("evaluate", str(run)),
        ("evaluate", str(run), "--dataset", "more.toml", "--set", "dataset.1.seed=2"),
        ("validate", str(run), "--on", "more.toml"),
        ("run", str(run), "--locked", "--out", "again"),
    ):
        done = skinfw(*command)
        assert done.returncode == 0, (command, done.stderr, done.stdout)
    again = next((tmp_path / "again").iterdir())
    assert (again / "metrics.json").read_text() == (run / "metrics.json").read_text()
