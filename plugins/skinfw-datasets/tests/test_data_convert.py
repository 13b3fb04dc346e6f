"""A data set that is written as JSON and read again is the same."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from support import ROOT

from skinfw.cli import main
from skinfw_datasets.annotations import Annotations
from skinfw_datasets.own import Folder


def images(folder: Path) -> Path:
    for label in ("A", "B"):
        for number in range(6):
            file = folder / "images" / label / f"{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 6), (40 * number, 9, 9)).save(file)
    return folder / "images"


def recipe(folder: Path) -> Path:
    file = folder / "own.toml"
    file.write_text(
        f'[dataset]\nuse = "folder"\nroot = "{images(folder)}"\n'
        '[backbone]\nuse = "lite/efficientnet-lite0"\n[split]\nuse = "lesion-stratified"\n'
        "val = 0.2\n"
    )
    return file


def test_what_is_written_is_read_again(skinfw, tmp_path: Path) -> None:
    done = skinfw("data", "convert", str(recipe(tmp_path)), "--out", "json")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "json"
    content = json.loads((folder / "train.json").read_text())
    assert content["num_classes"] == 2
    entry = content["annotations"][0]
    assert (entry["derm_height"], entry["derm_width"]) == (6, 8)
    assert not Path(entry["derm_path"]).is_absolute()
    parts = {part: folder / f"{part}.json" for part in ("train", "val", "test")}
    data = Annotations(**parts)
    assert data.classes == ("A", "B"), "the names come from the data set"
    again = data.table().rows
    before = Folder(root=tmp_path / "images").table().rows.set_index("id")
    assert set(again["id"]) == set(before.index)
    assert again.set_index("id")["label"].to_dict() == before["label"].to_dict()
    for name, path in zip(again["id"], again["path"], strict=True):
        assert Path(path).resolve() == Path(before["path"][name]).resolve()


def test_absolute_paths_are_written_when_asked(skinfw, tmp_path: Path) -> None:
    skinfw("data", "convert", str(recipe(tmp_path)), "--out", "json", "--absolute")
    content = json.loads((tmp_path / "json" / "test.json").read_text())
    assert all(Path(entry["derm_path"]).is_absolute() for entry in content["annotations"])


def test_images_that_are_no_files_are_refused(skinfw) -> None:
    done = skinfw("data", "convert", str(ROOT / "recipes" / "quickstart.toml"), "--out", "json")
    assert done.returncode == 1 and "convert a data set of files" in done.stderr


def call(folder: Path, *words: str) -> Result:
    """Run a command in a folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return CliRunner().invoke(main, list(words))


def convert(folder: Path, dataset: str) -> dict[str, Any]:
    """Convert a data set with its official parts; return its files by part."""
    backbone = 'use = "lite/efficientnet-lite0"'
    text = f'[dataset]\n{dataset}\n[split]\nuse = "official"\n[backbone]\n{backbone}\n'
    (folder / "own.toml").write_text(text)
    done = call(folder, "data", "convert", "own.toml", "--out", "json")
    assert done.exit_code == 0, done.output
    return {file.stem: json.loads(file.read_text()) for file in (folder / "json").iterdir()}


def picture(file: Path) -> None:
    """Draw an image that no other one is a copy of."""
    file.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(int.from_bytes(file.name.encode(), "little"))
    Image.fromarray(rng.integers(0, 256, (24, 32, 3), np.uint8)).save(file)


def one_hot(classes: str, labels: list[tuple[str, str]]) -> str:
    rows = [
        ",".join([name, *("1.0" if one == label else "0.0" for one in classes.split(","))])
        for name, label in labels
    ]
    return "\n".join([f"image,{classes}", *rows, ""])


def test_secret_parts_of_isic2018_are_written_without_category_ids(tmp_path: Path) -> None:
    classes, start = "MEL,NV,BCC,AKIEC,BKL,DF,VASC", "ISIC2018_Task3_"
    parts = {"Training": ["ISIC_0024306", "ISIC_0024307"], "Validation": ["ISIC_0034310"],
             "Test": ["ISIC_0034524"]}  # fmt: skip
    for part, names in parts.items():
        for name in names:
            picture(tmp_path / "root" / f"{start}{part}_Input" / f"{name}.png")
        labels = list(zip(names, ["NV", "DF"], strict=False))
        text = one_hot(classes, labels) if part != "Test" else "\n".join(["image", *names, ""])
        (tmp_path / "root" / f"{start}{part}_GroundTruth.csv").write_text(text)
    lesions = "image,lesion_id,diagnosis_confirm_type\nISIC_0024306,HAM_1,\nISIC_0024307,HAM_2,\n"
    (tmp_path / "root" / f"{start}Training_LesionGroupings.csv").write_text(lesions)
    files = convert(tmp_path, 'use = "isic2018"\nroot = "root"\nparts = "official"')
    ids = {
        part: [(one["image_id"], one.get("category_id")) for one in file["annotations"]]
        for part, file in files.items()
    }
    assert ids == {
        "train": [("ISIC_0024306", 1), ("ISIC_0024307", 5)],
        "val": [("ISIC_0034310", 1)],
        "test": [("ISIC_0034524", None)],
    }
    assert {file["num_classes"] for file in files.values()} == {7}


def test_both_parts_of_isic2019_are_written_with_unk(tmp_path: Path) -> None:
    classes, root = "MEL,NV,BCC,AK,BKL,DF,VASC,SCC,UNK", tmp_path / "root"
    for part, name, label, more in (
        ("Training", "ISIC_0000000", "SCC", "lesion_id,"), ("Test", "ISIC_0034321", "UNK", "")
    ):  # fmt: skip
        picture(root / f"ISIC_2019_{part}_Input" / f"{name}.png")
        (root / f"ISIC_2019_{part}_GroundTruth.csv").write_text(one_hot(classes, [(name, label)]))
        header = f"image,age_approx,anatom_site_general,{more}sex"
        cells = ",".join([name, *[""] * (header.count(","))])
        (root / f"ISIC_2019_{part}_Metadata.csv").write_text(f"{header}\n{cells}\n")
    dataset = 'use = "isic2019"\nroot = "root"\nparts = "official"\nunknown = "class"'
    files = convert(tmp_path, dataset)
    assert {part: file["annotations"][0]["category_id"] for part, file in files.items()} == {
        "train": 7,
        "test": 8,
    }
    assert files["test"]["class_names"][8] == "UNK"


def test_clinical_pictures_of_derm7pt_are_written(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "meta").mkdir(parents=True)
    header = (
        "case_num,diagnosis,seven_point_score,pigment_network,streaks,pigmentation,"
        "regression_structures,dots_and_globules,blue_whitish_veil,vascular_structures,"
        "level_of_diagnostic_difficulty,elevation,location,sex,management,clinic,derm"
    )
    values = f"0,{'absent,' * 7}low,flat,back,male,no"
    rows = [f"{n},melanoma,{values},c/{n}.png,d/{n}.png" for n in (1, 2, 3)]
    (root / "meta" / "meta.csv").write_text("\n".join([header, *rows, ""]))
    for place, part in enumerate(("train", "valid", "test")):
        (root / "meta" / f"{part}_indexes.csv").write_text(f"indexes\n{place}\n")
        for kind in "cd":
            picture(root / "images" / kind / f"{place + 1}.png")
    files = convert(tmp_path, 'use = "derm7pt"\nroot = "root"\nimage = "pair"')
    (entry,) = files["val"]["annotations"]
    assert entry["clinic_path"].endswith("c/2.png") and entry["derm_path"].endswith("d/2.png")
    assert (entry["clinic_height"], entry["clinic_width"]) == (24, 32)
    again = Annotations(train=tmp_path / "json" / "train.json", image="pair").table().rows
    assert Path(again["clinic"][0]).resolve() == root / "images" / "c" / "1.png"


def test_train_and_validation_are_enough_where_the_split_draws_a_test_part(tmp_path: Path) -> None:
    call(tmp_path, "data", "convert", str(recipe(tmp_path)), "--out", "json")
    dataset = 'use = "annotations"\ntrain = "json/train.json"\nval = "json/val.json"'
    (tmp_path / "again.toml").write_text(
        f'[dataset]\n{dataset}\n[split]\nuse = "official"\n'
        '[backbone]\nuse = "lite/efficientnet-lite0"\n'
    )
    done = call(tmp_path, "check", "again.toml", "--data")
    assert done.exit_code == 1 and "the test part is empty\n  again.toml:" in done.output
    assert "set split.test = 0.15" in done.output
    done = call(tmp_path, "check", "again.toml", "--data", "--set", "split.test=0.3")
    assert done.exit_code == 0, done.output
