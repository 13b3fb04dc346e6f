"""Damaged archives through the whole command: one clear error, nothing lost."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import ONE_EPOCH, Run

CLASSES = ["MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC", "UNK"]
RECIPE = f"""
[dataset]
use = "isic2019"
root = "archive"
{ONE_EPOCH}"""


@pytest.fixture
def archive(tmp_path: Path, tiny: Path) -> Path:
    """A small archive in the official layout: of each class three lesions with two images."""
    root = tmp_path / "archive"
    images = root / "ISIC_2019_Training_Input"
    images.mkdir(parents=True)
    truth = ["image," + ",".join(CLASSES)]
    metadata = ["image,age_approx,anatom_site_general,lesion_id,sex"]
    rng = np.random.default_rng(0)
    for number in range(48):
        name = f"ISIC_{number:07d}"
        label = number % 8
        truth.append(",".join([name, *("1.0" if i == label else "0.0" for i in range(9))]))
        metadata.append(f"{name},,,HAM_{number // 16 * 8 + label},")
        noise = rng.integers(0, 256, (40, 50, 3), np.uint8)
        Image.fromarray(noise).save(images / f"{name}.jpg")
    (root / "ISIC_2019_Training_GroundTruth.csv").write_text("\n".join(truth))
    (root / "ISIC_2019_Training_Metadata.csv").write_text("\n".join(metadata))
    (tmp_path / "isic.toml").write_text(RECIPE)
    return images


def test_a_whole_archive_trains(archive: Path, skinfw: Run) -> None:
    done = skinfw("run", "isic.toml")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "the file is empty"),
        (b"<html>404</html>", "no image format"),
        ("half", "truncated"),
    ],
    ids=["empty", "no image", "truncated"],
)
def test_a_damaged_image_fails_the_run_and_is_named(
    archive: Path, skinfw: Run, tmp_path: Path, content: bytes | str, why: str
) -> None:
    file = archive / "ISIC_0000031.jpg"
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2] if content == "half" else content)
    done = skinfw("run", "isic.toml")
    assert done.returncode == 1
    assert "1 of 48 images cannot be decoded" in done.stderr and why in done.stderr
    assert "ISIC_0000031.jpg" in done.stderr and "Traceback" not in done.stderr
    (folder,) = (tmp_path / "runs").iterdir()
    assert json.loads((folder / "run.json").read_text())["status"] == "failed"


def test_absent_images_stop_the_run_or_are_counted(archive: Path, skinfw: Run) -> None:
    (archive / "ISIC_0000007.jpg").unlink()
    done = skinfw("run", "isic.toml")
    assert done.returncode == 1
    assert "1 of 48 images are absent" in done.stderr and "isic.toml" not in done.stdout
    dropped = skinfw("run", "isic.toml", "--set", "dataset.missing=drop")
    assert dropped.returncode == 0, dropped.stderr
    assert "1 of 48 images are absent and left out" in dropped.stdout


def test_csv_faults_reach_the_user_with_their_line(archive: Path, skinfw: Run) -> None:
    truth = archive.parent / "ISIC_2019_Training_GroundTruth.csv"
    lines = truth.read_text().splitlines()
    lines[5] = lines[5].replace("0.0", "1.0")
    truth.write_text("\n".join(lines))
    done = skinfw("check", "isic.toml", "--data")
    assert done.returncode == 1
    assert "the image has two labels" in done.stderr and "GroundTruth.csv:6" in done.stderr


def test_more_folds_than_lesions_name_the_class(archive: Path, skinfw: Run) -> None:
    done = skinfw("run", "isic.toml", "--set", "split.use=kfold", "--set", "split.folds=40")
    assert done.returncode == 1
    assert "fewer lesions than the 40 folds" in done.stderr and "MEL (" in done.stderr
