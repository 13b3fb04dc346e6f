import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

from skinfw.cli import main
from skinfw_synthetic.dataset import Synthetic


def call(*words: str) -> Any:
    return CliRunner().invoke(main, ["data", "audit", *words])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of ten images each, all different."""
    root = tmp_path / "mine"
    data = Synthetic(images=64, size=96)
    for number, path in enumerate(data.table().rows.drop_duplicates("lesion")["path"].head(20)):
        label = root / ("MEL" if number % 2 else "NV")
        label.mkdir(parents=True, exist_ok=True)
        Image.fromarray(data.image(path)).save(label / f"{number:02}.png")
    return root


def test_a_sound_data_set_is_described(folder: Path, tmp_path: Path) -> None:
    done = call(f"folder={folder}", "--out", str(tmp_path / "out" / "audit.json"))
    assert done.exit_code == 0, done.output
    for text in ("folder: 20 images", "MEL 10, NV 10", "128x96 20", "20 groups of images"):
        assert text in done.stdout
    record = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert record["sound"] and record["components"] == 20
    assert record["datasets"][0]["per_lesion"] == {"1": 20}
    assert pd.read_csv(tmp_path / "out" / "audit.csv").empty


def test_copies_with_other_labels_and_damage_are_told(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "NV" / "00.png", folder / "NV" / "again.png")
    image = Image.open(folder / "NV" / "02.png").rotate(90, expand=True)
    image.save(folder / "MEL" / "turned.jpg")
    (folder / "NV" / "broken.jpg").write_bytes(b"no image")
    done = call(f"folder={folder}", "--out", str(tmp_path / "audit.json"))
    assert done.exit_code == 1
    assert "2 images are copies of others  (equal files 1, near-duplicates 1)" in done.stdout
    assert "broken.jpg: no image format is recognised in it" in done.stdout
    assert "1 pairs of copies have different labels" in done.stdout
    record = json.loads((tmp_path / "audit.json").read_text())
    (conflict,) = record["conflicts"]
    assert {conflict["label_1"], conflict["label_2"]} == {"NV", "MEL"}
    assert {Path(conflict["path_1"]).name, Path(conflict["path_2"]).name} == {
        "02.png",
        "turned.jpg",
    }
    pairs = pd.read_csv(tmp_path / "audit.csv")
    assert sorted(pairs["evidence"]) == ["bytes", "near-duplicate"]


def test_what_two_data_sets_share_is_told(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    for number, file in enumerate(sorted(other.rglob("*.png"))):
        if number >= 5:
            file.unlink()
    first = next(other.rglob("*.png"))
    Image.open(first).resize((90, 70)).save(first.with_suffix(".jpg"), quality=60)
    first.unlink()
    done = call(f"folder={folder}", f"folder={other}")
    assert done.exit_code == 1
    said = "images of folder (2) are in folder, too  (equal files 4, near-duplicates 1)"
    assert f"5 {said}" in done.stdout
    assert "5 images of folder are in folder (2), too" in done.stdout


def test_official_parts_metadata_and_absent_files_of_a_recipe(folder: Path, tmp_path: Path) -> None:
    lines = ["path,label,split,lesion,age"]
    for number, file in enumerate(sorted(folder.rglob("*.png"))):
        lesion = "L" if number < 2 else ""
        part = "test" if number % 2 else "train"
        lines.append(f"{file},{file.parent.name},{part},{lesion},{40 if number < 5 else ''}")
    lines.append("gone.png,NV,train,,")
    (tmp_path / "table.csv").write_text("\n".join(lines))
    recipe = tmp_path / "mine.toml"
    recipe.write_text('[dataset]\nuse = "csv"\nfile = "table.csv"\n')
    done = call(str(recipe))
    assert done.exit_code == 1
    assert "csv: 20 images" in done.stdout and "age 25%" in done.stdout
    assert "absent    1 images" in done.stdout
    assert "10; 1 lesions are in several" in done.stdout


def test_images_that_are_drawn_are_audited_by_their_names() -> None:
    recipe = Path(__file__).parents[3] / "recipes" / "quickstart.toml"
    done = call(str(recipe), "--set", "dataset.images=80")
    assert done.exit_code == 0, done.output
    assert "synthetic: 80 images" in done.stdout and "sizes" not in done.stdout


@pytest.mark.parametrize(
    ("word", "texts"),
    [
        ("isic2091=somewhere", ['no dataset is called "isic2091"', 'did you mean "isic20']),
        ("isic2019=nowhere", ["the data set's root is no folder", "nowhere"]),
        ("nothing.toml", ["there is no recipe nothing.toml"]),
    ],
)
def test_what_cannot_be_audited_is_said(word: str, texts: list[str]) -> None:
    done = call(word)
    assert done.exit_code in (1, 2)
    for text in texts:
        assert text in done.stderr
    assert len(done.stderr.splitlines()) <= 4


def test_a_recipe_of_one_key_keeps_its_own_defaults(tmp_path: Path) -> None:
    recipe = tmp_path / "drawn.toml"
    recipe.write_text('[dataset]\nuse = "synthetic"\n')
    done = call(str(recipe), "--set", "dataset.images=64")
    assert done.exit_code == 0 and "synthetic: 64 images" in done.stdout


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--out", "audit.csv"), "written as JSON"),
        (("--set", "dataset.missing=drop"), "has no recipe to change"),
    ],
)
def test_options_that_would_be_lost_are_refused(
    folder: Path, words: tuple[str, str], what: str
) -> None:
    done = call(f"folder={folder}", *words)
    assert done.exit_code == 2 and what in done.stderr
