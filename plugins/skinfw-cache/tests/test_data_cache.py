from pathlib import Path

import pytest
from support import Run

from skinfw_synthetic.dataset import Synthetic
from skinfw_synthetic.export import write


@pytest.fixture
def files(tmp_path: Path) -> str:
    list(write(Synthetic(images=60, size=64), tmp_path / "archive"))
    return "dataset={use='isic2019', root='archive'}"


def test_the_cache_is_built_listed_and_pruned(
    skinfw: Run, tiny: Path, tmp_path: Path, files: str
) -> None:
    own = {"SKINFW_CACHE": str(tmp_path / "cache")}
    built = skinfw("data", "cache", "build", str(tiny), "--set", files, **own)
    assert built.returncode == 0, built.stderr
    assert "60 images are decoded once" in built.stdout
    assert "60 of 60 images are in the cache" in built.stdout
    again = skinfw("data", "cache", "build", str(tiny), "--set", files, **own)
    assert "decoded once" not in again.stdout and "60 of 60" in again.stdout
    listed = skinfw("data", "cache", "list", **own)
    assert "60 images" in listed.stdout and str(tmp_path / "cache") in listed.stdout
    assert "MB freed" in skinfw("data", "cache", "prune", **own).stdout
    assert "60 images" not in skinfw("data", "cache", "list", **own).stdout


def test_images_that_are_no_files_have_nothing_to_decode(skinfw: Run, tiny: Path) -> None:
    done = skinfw("data", "cache", "build", str(tiny))
    assert done.returncode == 2
    assert "are no files" in done.stderr and "tiny.toml" in done.stderr


def test_an_image_that_cannot_be_decoded_is_missing_at_the_end(
    skinfw: Run, tiny: Path, tmp_path: Path, files: str
) -> None:
    image = next((tmp_path / "archive" / "ISIC_2019_Training_Input").glob("*.jpg"))
    image.write_bytes(b"")
    own = {"SKINFW_CACHE": str(tmp_path / "cache")}
    done = skinfw("data", "cache", "build", str(tiny), "--set", files, **own)
    assert done.returncode == 1 and "59 of 60 images are in the cache" in done.stdout


def test_what_is_known_of_images_is_listed_and_pruned(
    skinfw: Run, tmp_path: Path, files: str
) -> None:
    own = {"SKINFW_CACHE": str(tmp_path / "cache")}
    assert skinfw("data", "audit", f"isic2019={tmp_path / 'archive'}", **own).returncode == 0
    assert "fingerprints" in skinfw("data", "cache", "list", **own).stdout
    skinfw("data", "cache", "prune", **own)
    assert not list((tmp_path / "cache").glob("fingerprints*"))
