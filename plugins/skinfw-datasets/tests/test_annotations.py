import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from skinfw import SkinfwError
from skinfw_datasets.annotations import Annotations


def write(folder: Path, path: str = "images/a.jpg", **changes: Any) -> Path:
    (folder / "images").mkdir(exist_ok=True)
    Image.new("RGB", (8, 6)).save(folder / "images" / "a.jpg")
    entry = {"image_id": "a", "category_id": 1, "derm_path": path, "derm_height": 6} | changes
    content = {"annotations": [{k: v for k, v in entry.items() if v is not None}], "num_classes": 2}
    file = folder / "train.json"
    file.write_text(json.dumps(content))
    return file


def test_parts_come_from_their_files(tmp_path: Path) -> None:
    file = write(tmp_path, lesion_id="L7")
    other = tmp_path / "test.json"
    other.write_text(file.read_text().replace('"a"', '"b"').replace("L7", ""))
    table = Annotations(train=file, test=other, names=("NV", "MEL")).table().rows
    assert table["split"].tolist() == ["train", "test"]
    assert table["label"].tolist() == ["MEL", "MEL"]
    assert table["lesion"].tolist() == ["L7", "b"]
    assert all(Path(path).is_file() for path in table["path"])


def test_paths_of_another_machine_are_found_by_name(tmp_path: Path) -> None:
    file = write(tmp_path, "/home/someone/data/a.jpg")
    with pytest.raises(SkinfwError) as error:
        Annotations(train=file, names=("NV", "MEL")).table()
    assert "of another machine" in error.value.why and "dataset.images" in error.value.cure
    table = Annotations(train=file, names=("NV", "MEL"), images=tmp_path / "images").table().rows
    assert Path(table["path"][0]) == tmp_path / "images" / "a.jpg"


@pytest.mark.parametrize(
    "changes", [{"category_id": None}, {"category_id": 2}, {"derm_path": None}]
)
def test_entries_that_lack_something_are_named(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(SkinfwError, match="a has no usable category_id or derm_path"):
        Annotations(train=write(tmp_path, **changes), names=("NV", "MEL")).table()


def test_another_number_of_classes_or_no_json_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path)
    with pytest.raises(SkinfwError, match="has 2 classes, the recipe names 3"):
        Annotations(train=file, names=("A", "B", "C")).table()
    file.write_text("[]")
    with pytest.raises(SkinfwError, match="no annotation JSON"):
        Annotations(train=file, names=("A", "B")).table()
    with pytest.raises(SkinfwError, match="does not exist"):
        Annotations(train=tmp_path / "gone.json", names=("A", "B")).table()


def test_classes_come_from_the_file_or_the_recipe(tmp_path: Path) -> None:
    file = write(tmp_path)
    with pytest.raises(SkinfwError, match="the file names no classes") as error:
        Annotations(train=file).table()
    assert error.value.where == str(file) and "dataset.names" in error.value.cure
    content = json.loads(file.read_text())
    for bad in ("NV", [1, 2], []):
        file.write_text(json.dumps(content | {"class_names": bad}))
        with pytest.raises(SkinfwError, match="names no classes"):
            Annotations(train=file).table()
    file.write_text(json.dumps(content | {"class_names": ["NV", "MEL"]}))
    data = Annotations(train=file)
    assert data.classes == ("NV", "MEL") and data.table().rows["label"].tolist() == ["MEL"]
    assert Annotations(train=file, names=("A", "B")).table().rows["label"].tolist() == ["B"]


def test_a_test_part_without_category_ids_is_told_and_kept_apart(tmp_path: Path) -> None:
    file = write(tmp_path)
    other = tmp_path / "test.json"
    other.write_text(file.read_text().replace('"a"', '"b"').replace('"category_id": 1, ', ""))
    data = Annotations(train=file, test=other, names=("NV", "MEL"))
    assert data.table().rows["id"].tolist() == ["a"]
    assert data.table().notes == (f"the 1 images of {other} have no labels and are left out",)
    apart = data.unlabelled().rows
    assert apart["id"].tolist() == ["b"] and apart["split"].tolist() == ["test"]
    half = json.loads(other.read_text())
    half["annotations"].append({"image_id": "c", "category_id": 0, "derm_path": "images/a.jpg"})
    other.write_text(json.dumps(half))
    with pytest.raises(SkinfwError, match="b has no usable category_id"):
        Annotations(train=file, test=other, names=("NV", "MEL")).table()


def test_clinical_pictures_are_taken_alone_or_beside(tmp_path: Path) -> None:
    Image.new("RGB", (9, 6)).save(tmp_path / "clinic.jpg")
    file = write(tmp_path, clinic_path="clinic.jpg")
    names = ("NV", "MEL")
    (alone,) = Annotations(train=file, names=names, image="clinic").table().rows["path"]
    pair = Annotations(train=file, names=names, image="pair").table().rows
    assert Path(alone).name == Path(pair["clinic"][0]).name == "clinic.jpg"
    assert Path(pair["path"][0]).name == "a.jpg"
    assert "clinic" not in Annotations(train=file, names=names).table().rows
    with pytest.raises(SkinfwError, match="a has no usable category_id or path"):
        Annotations(train=write(tmp_path), names=names, image="pair").table()
