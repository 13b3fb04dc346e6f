"""A data set that is written as JSON and read again is the same."""

import json
from pathlib import Path

from PIL import Image
from support import ROOT

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
    again = (
        Annotations(
            train=folder / "train.json",
            val=folder / "val.json",
            test=folder / "test.json",
            names=("A", "B"),
        )
        .table()
        .rows
    )
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
