"""Bad images are found before a run trains, once, and are left out where the recipe wants it."""

import json
from pathlib import Path

import pandas as pd
import pytest
from campaigns.hostile_images import good
from support import ONE_EPOCH, Run

from skinfw.data import image_check
from skinfw.data.image_check import find_bad_images
from skinfw.data.structure.bounds import Limits

RECIPE = f"""
[dataset]
use = "csv"
file = "moles.csv"
{ONE_EPOCH}"""


def test_each_file_is_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [str(tmp_path / name) for name in ("a.png", "a.webp", "a.gif", "cut.jpg", "absent.jpg")]
    for path in paths[:3]:
        Path(path).write_bytes(good()[Path(path).name])
    Path(paths[3]).write_bytes(good()["base.jpg"][:900])
    said: list[str] = []
    decoded: list[str] = []
    read = image_check.read_image

    def counted(path, *values):
        decoded.append(Path(path).name)
        return read(path, *values)

    monkeypatch.setattr(image_check, "read_image", counted)
    bad = find_bad_images(paths, Limits(), tmp_path / "cache", said.append)
    assert list(bad) == paths[2:] and len(decoded) == 5
    assert "gif" in bad[paths[2]] and "does not exist" in bad[paths[4]]
    assert said == ["5 images are decoded once, to find bad ones"]
    decoded.clear()
    assert find_bad_images(paths, Limits(), tmp_path / "cache", said.append) == bad
    assert decoded == ["absent.jpg"]  # it may come
    Path(paths[3]).write_bytes(good()["base.jpg"])
    assert list(find_bad_images(paths, Limits(), tmp_path / "cache", said.append)) == [
        paths[2], paths[4]
    ]  # fmt: skip
    decoded.clear()
    wider = Limits(formats=(*Limits().formats, "gif"))
    assert list(find_bad_images(paths, wider, tmp_path / "cache", said.append)) == [paths[4]]
    assert len(decoded) == 5


def test_a_folder_that_cannot_be_written_costs_the_memory_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said: list[str] = []
    bad = find_bad_images([str(tmp_path / "x.jpg")], Limits(), tmp_path / "file", said.append)
    assert len(bad) == 1 and "not remembered" in said[0]


@pytest.fixture
def moles(tmp_path: Path, tiny: Path) -> Path:
    """48 images of two classes, of which two files are damaged."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    rows = []
    for number in range(48):
        noise = rng.integers(0, 256, (40, 50, 3), np.uint8)
        Image.fromarray(noise).save(tmp_path / f"{number}.jpg")
        rows.append((f"{number}.jpg", "ab"[number % 2]))
    (tmp_path / "7.jpg").write_bytes((tmp_path / "7.jpg").read_bytes()[:500])
    (tmp_path / "9.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n")
    pd.DataFrame(rows, columns=["path", "label"]).to_csv(tmp_path / "moles.csv", index=False)
    (tmp_path / "moles.toml").write_text(RECIPE)
    return tmp_path


def _folder(moles: Path) -> Path:
    return max((moles / "runs").iterdir())


@pytest.mark.parametrize("check", [pytest.param("images", marks=pytest.mark.slow), "ids"])
def test_a_run_stops_before_it_trains_and_lists_them(moles: Path, skinfw: Run, check: str) -> None:
    done = skinfw("run", "moles.toml", "--set", f"split.check={check}")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "2 of 48 images cannot be decoded" in done.stderr and "moles.toml:3" in done.stderr
    assert "7.jpg" in done.stderr and 'dataset.bad = "drop"' in done.stderr
    bad = pd.read_csv(_folder(moles) / "bad_images.csv")
    assert [Path(path).name for path in bad["path"]] == ["7.jpg", "9.jpg"]
    assert "no image format" in bad["reason"][1]


def test_they_are_left_out_and_the_run_says_so(moles: Path, skinfw: Run) -> None:
    done = skinfw("run", "moles.toml", "--set", "dataset.bad=drop")
    assert done.returncode == 0, done.stderr
    said = "2 of 48 images cannot be decoded and are left out"
    record = json.loads((_folder(moles) / "run.json").read_text())
    assert said in done.stdout and said in record["notes"]
    assert record["bad_images"] == {"images": 2, "bad": "drop"}
    assert len(pd.read_csv(_folder(moles) / "splits.csv")) == 46
    assert (_folder(moles) / "bad_images.csv").is_file()


def test_a_report_goes_on_until_one_is_read(moles: Path, skinfw: Run) -> None:
    done = skinfw("run", "moles.toml", "--set", "dataset.bad=report")
    assert done.returncode == 1 and "an image cannot be decoded" in done.stderr
    assert "the run fails if it reads one" in done.stdout
    assert len(pd.read_csv(_folder(moles) / "splits.csv")) == 48


def test_eps_can_never_be_added(moles: Path, skinfw: Run) -> None:
    done = skinfw("check", "moles.toml", "--set", 'image.formats=["jpeg", "eps"]')
    assert done.returncode == 2 and "image.formats" in done.stderr and "gif" in done.stderr
