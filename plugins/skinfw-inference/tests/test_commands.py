"""`skinfw predict` and `skinfw export` as a user and as a script see them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from support import TINY, TINY_BACKBONE, Run, Site, add_refit

from skinfw.recipe.plan import load_plan
from skinfw.workflows.run import execute_run
from skinfw.workflows.run_folder import RunFolder

WITHOUT = "import sys; sys.modules.update(dict.fromkeys({names!r})); "
MAIN = "from skinfw.cli import main; main(sys.argv[1:])"
SLOW_VIEW = """
    import time
    from skinfw import Warp
    import numpy as np

    class Slow:
        def __init__(self, size):
            self.size = size

        def plan(self, size):
            time.sleep(0.05)
            return [[Warp(np.eye(3), (self.size, self.size))]]
"""
needs_onnx = pytest.mark.skipif(
    not (find_spec("onnx") and find_spec("onnxruntime")), reason="needs the extra onnx"
)
Trained = Callable[..., Path]


@pytest.fixture(scope="module")
def train(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Train the tiny recipe for a batch; returns the run folder, the same for the same settings."""
    place = tmp_path_factory.mktemp("runs")
    (place / "tiny.py").write_text(TINY_BACKBONE)
    (place / "slow.py").write_text(textwrap.dedent(SLOW_VIEW))
    (place / "tiny.toml").write_text(TINY)
    known: dict[tuple[str, ...], Path] = {}

    def run(*sets: str) -> Path:
        if sets not in known:
            few = ("train.limit_batches=1", "train.epochs=1", "explainer=[]")
            plan = load_plan(place / "tiny.toml", (*few, *sets))
            folder = RunFolder.create(place, plan)
            execute_run(plan, folder, lambda _: None)
            known[sets] = folder.path
        return known[sets]

    return run


@pytest.fixture
def run(train: Trained, tmp_path: Path) -> str:
    """A folder of images, and beside it a run of the test's own."""
    rng = np.random.default_rng(0)
    for name in ("one.jpg", "two.png", "deep/three.jpg"):
        file = tmp_path / "images" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (50, 70, 3), np.uint8)).save(file)
    shutil.copytree(train(), tmp_path / "run")
    return "run"


def test_predictions_are_a_table(skinfw: Run, run: str, tmp_path: Path) -> None:
    done = skinfw("predict", run, "images")
    assert done.returncode == 0, done.stderr
    assert "note: a quick look: 1 training batches per epoch" in done.stdout
    assert "note: synthetic images, not patients" in done.stdout
    assert "3 images" in done.stdout and "predictions.csv" in done.stdout
    table = pd.read_csv(tmp_path / "predictions.csv")
    classes = json.loads((tmp_path / run / "run.json").read_text())["classes"]
    assert list(table.columns) == ["id", "predicted", *classes]
    assert table["id"].tolist() == ["three", "one", "two"]
    chances = table[classes].to_numpy()
    assert np.abs(chances.sum(1) - 1).max() < 1e-6
    assert (np.array(classes)[chances.argmax(1)] == table["predicted"]).all()
    text = (tmp_path / "predictions.csv").read_bytes()
    again = skinfw("predict", run, "images", "--out", "again.csv")
    assert again.returncode == 0 and (tmp_path / "again.csv").read_bytes() == text
    assert not list(tmp_path.glob("*.partial")) and not list(tmp_path.glob("*.failed.csv"))


def test_a_refit_answers_and_says_so(skinfw: Run, run: str, tmp_path: Path) -> None:
    assert skinfw("predict", run, "images", "--out", "before.csv").returncode == 0
    add_refit(tmp_path / run, "all")
    done = skinfw("predict", run, "images", "--out", "refit.csv")
    assert "note: the refit answers, trained on 60 images (all)" in done.stdout
    assert skinfw("predict", run, "images", "--network", "best", "--out", "best.csv").stdout
    before, refit, best = ((tmp_path / f"{name}.csv").read_bytes()
                           for name in ("before", "refit", "best"))  # fmt: skip
    assert best == before != refit


def test_a_bad_image_is_told_and_the_others_are_there(
    skinfw: Run, run: str, tmp_path: Path
) -> None:
    assert skinfw("predict", run, "images", "--out", "good.csv").returncode == 0
    (tmp_path / "images" / "broken.jpg").write_bytes(b"<html>404</html>")
    done = skinfw("predict", run, "images", "absent.jpg", "--out", "all.csv")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "failed: images/broken.jpg: no image format is recognised in it" in done.stderr
    assert "failed: absent.jpg: the file does not exist" in done.stderr
    assert "5 images, 2 of them failed" in done.stdout and "all.failed.csv" in done.stdout
    failed = pd.read_csv(tmp_path / "all.failed.csv")
    assert failed["id"].tolist() == ["broken", "absent"]
    assert failed["path"].tolist() == ["images/broken.jpg", "absent.jpg"]
    good, both = (pd.read_csv(tmp_path / name).set_index("id") for name in ("good.csv", "all.csv"))
    assert good.index.tolist() == both.index.tolist()
    assert np.abs(good.iloc[:, 1:] - both.iloc[:, 1:]).to_numpy().max() < 1e-6
    (tmp_path / "images" / "broken.jpg").unlink()
    assert skinfw("predict", run, "images", "--out", "all.csv").returncode == 0
    assert not (tmp_path / "all.failed.csv").exists()


def test_images_of_one_name_are_told_apart_by_their_paths(
    skinfw: Run, run: str, tmp_path: Path
) -> None:
    (tmp_path / "images" / "deep" / "one.jpg").symlink_to(tmp_path / "images" / "one.jpg")
    done = skinfw("predict", run, "images/**/*.jpg", "images/two.png")
    assert done.returncode == 0, done.stderr
    assert "note: some images share a name: ids are paths" in done.stdout
    table = pd.read_csv(tmp_path / "predictions.csv").set_index("id")
    assert table.index.tolist() == ["deep/one.jpg", "deep/three.jpg", "one.jpg", "two.png"]
    assert (table.loc["deep/one.jpg"] == table.loc["one.jpg"]).all()


@needs_onnx
def test_an_exported_file_needs_no_torch_and_no_run(
    skinfw: Run, site: Site, run: str, tmp_path: Path
) -> None:
    done = skinfw("export", run, "--onnx", "--out", "mine.onnx")
    assert done.returncode == 0, done.stderr
    assert "wrote mine.onnx" in done.stdout and "note: a quick look" in done.stdout
    assert skinfw("predict", run, "images", "--out", "torch.csv").returncode == 0
    (tmp_path / run).rename(tmp_path / "gone")
    blocked = WITHOUT.format(names=["torch", "pandas", "sklearn", "matplotlib", "onnx"])
    words = ["predict", "mine.onnx", "images", "--runtime", "onnx", "--out", "onnx.csv"]
    done = subprocess.run(
        [sys.executable, "-c", blocked + MAIN, *words],
        cwd=tmp_path, env=site.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "note: a quick look" in done.stdout
    one, two = (pd.read_csv(tmp_path / name) for name in ("torch.csv", "onnx.csv"))
    assert one["id"].equals(two["id"]) and one["predicted"].equals(two["predicted"])
    assert np.abs(one.iloc[:, 2:] - two.iloc[:, 2:]).to_numpy().max() < 1e-4


@needs_onnx
def test_a_run_is_exported_on_first_use_and_when_it_has_changed(
    skinfw: Run, run: str, tmp_path: Path
) -> None:
    words = ("predict", run, "images", "--runtime", "onnx")
    first = skinfw(*words)
    assert first.returncode == 0 and "model.onnx" in first.stdout, first.stderr
    second = skinfw(*words)
    assert second.returncode == 0 and "model.onnx" not in second.stdout
    before = pd.read_csv(tmp_path / "predictions.csv")
    from safetensors.numpy import load_file, save_file

    file = tmp_path / run / "best.safetensors"
    save_file({name: -value if name == "6.weight" else value
               for name, value in load_file(file).items()}, file)  # fmt: skip
    third = skinfw(*words)
    assert third.returncode == 0 and "model.onnx" in third.stdout
    after = pd.read_csv(tmp_path / "predictions.csv")
    assert np.abs(before.iloc[:, 2:] - after.iloc[:, 2:]).to_numpy().max() > 1e-3


@needs_onnx
@pytest.mark.parametrize("absent", ["onnx", "onnxruntime"])
def test_the_cure_for_the_absent_extra_is_said(
    site: Site, run: str, tmp_path: Path, absent: str
) -> None:
    for words in (["export", run, "--onnx"], ["predict", run, "images", "--runtime", "onnx"]):
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT.format(names=[absent]) + MAIN, *words],
            cwd=tmp_path, env=site.environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 1
        assert f"{absent} is not installed" in done.stderr
        assert "pip install 'skinfw[onnx]'" in done.stderr
    assert not list((tmp_path / run).glob("model*"))


def test_an_export_asks_for_the_extra_before_anything_heavy(site: Site, tmp_path: Path) -> None:
    code = WITHOUT.format(names=["onnxruntime", "torch", "numpy"]) + MAIN
    done = subprocess.run(
        [sys.executable, "-c", code, "export", "gone", "--onnx"],
        cwd=tmp_path, env=site.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("error: onnxruntime is not installed"), done.stderr


def test_exit_codes_can_be_trusted(skinfw: Run, run: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert skinfw("predict", "nowhere", "images").returncode == 2
    assert skinfw("predict", run, "empty").returncode == 2
    assert skinfw("predict", run).returncode == 2
    assert skinfw("predict", "model.onnx", "images").returncode == 2
    assert skinfw("export", run).returncode == 2
    assert skinfw("export", "nowhere", "--onnx").returncode == 2
    done = skinfw("predict", run, "images", "--out", "no/such/folder.csv")
    assert done.returncode == 1 and "cannot be written" in done.stderr
    assert not (tmp_path / "predictions.csv").exists()


def test_a_full_disk_keeps_the_old_table(site: Site, run: str, tmp_path: Path) -> None:
    (tmp_path / "predictions.csv").write_text("an older table")
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200)); "
    )
    done = subprocess.run(
        [sys.executable, "-c", code + MAIN, "predict", run, "images"],
        cwd=tmp_path, env=site.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "cannot be written" in done.stderr, done.stderr
    assert (tmp_path / "predictions.csv").read_text() == "an older table"
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.slow
def test_rows_come_as_they_are_made_and_ctrl_c_keeps_them(
    site: Site, run: str, train: Trained, tmp_path: Path
) -> None:
    slow = str(train(f"view.use={train().parent / 'slow.py'}:Slow"))
    for number in range(200):
        (tmp_path / "images" / f"{number}.png").symlink_to(tmp_path / "images" / "two.png")
    (tmp_path / "predictions.csv").write_text("an older table")
    partial = tmp_path / "predictions.partial"
    # A shell that starts tests in the background has them ignore Ctrl-C.
    code = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    command = [sys.executable, "-c", code + MAIN, "predict", slow, "images", "--batch-size", "2"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=site.environment(), stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline and process.poll() is None:
            if partial.exists() and partial.read_text().count("\n") > 3:
                break
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=180)
    assert process.returncode == 130
    assert "the first rows are in predictions.partial" in said
    assert (tmp_path / "predictions.csv").read_text() == "an older table"
    rows = pd.read_csv(partial)
    assert 3 <= len(rows) < 200 and rows.notna().all(axis=None)


@pytest.mark.slow
@needs_onnx
def test_a_changed_view_is_predicted_and_exported(skinfw: Run, run: str, tmp_path: Path) -> None:
    adjusted = ("--set", "view.logit_adjustment=1")
    done = skinfw("predict", run, "images", *adjusted, "--out", "torch.csv")
    assert "answers are not those of the run: view.logit_adjustment=1" in done.stdout
    assert skinfw("predict", run, "images", "--out", "plain.csv").returncode == 0
    assert skinfw("export", run, "--onnx", *adjusted, "--out", "m.onnx").returncode == 0
    options = ("--runtime", "onnx", "--out", "onnx.csv")
    assert skinfw("predict", "m.onnx", "images", *options).returncode == 0
    plain, torch, onnx = (
        pd.read_csv(tmp_path / f"{name}.csv", index_col="id").iloc[:, 1:]
        for name in ("plain", "torch", "onnx")
    )
    assert np.abs(torch - onnx).to_numpy().max() < 1e-4
    assert np.abs(torch - plain).to_numpy().max() > 1e-3
    done = skinfw("predict", "m.onnx", "images", *options, *adjusted)
    assert done.returncode == 2 and "answers as it was exported" in done.stderr
    done = skinfw("export", run, "--onnx", "--set", "image.size=64")
    assert done.returncode == 2 and "keeps all but its view" in done.stderr


def fit(run: Path, **values: object) -> None:
    """Write what reports would have fitted on validation."""
    record = json.loads((run / "run.json").read_text())
    limits = dict.fromkeys(record["classes"], 0.9)
    fitted = {"temperature": 2.0, "limits": limits, "sets": "lac", "coverage": 0.9, "unknown": 0.5}
    record["calibration"] = {**fitted, **values}
    (run / "run.json").write_text(json.dumps(record))


def test_answers_use_what_was_fitted_unless_told_not_to(
    skinfw: Run, run: str, tmp_path: Path
) -> None:
    fit(tmp_path / "run")
    done = skinfw("predict", run, "images")
    assert "temperature 2.00, fitted on validation; --raw" in done.stdout, done.stderr
    warm = pd.read_csv(tmp_path / "predictions.csv")
    skinfw("predict", run, "images", "--raw", "--out", "raw.csv")
    raw = pd.read_csv(tmp_path / "raw.csv")
    assert list(warm.columns) == [*raw.columns, "prediction_set", "may_be_unknown"]
    own = raw[raw.columns[2:]].to_numpy()
    roots = np.sqrt(own)
    assert np.abs(warm[raw.columns[2:]] - roots / roots.sum(1, keepdims=True)).max().max() < 1e-6
    for chances, names, unknown in zip(
        own, warm["prediction_set"], warm["may_be_unknown"], strict=True
    ):
        assert names.split() == [
            name for name, value in zip(raw.columns[2:], chances, strict=True) if value >= 0.1
        ]
        assert unknown == (chances.max() < 0.5)


def test_a_submission_is_what_the_network_says(skinfw: Run, run: str, tmp_path: Path) -> None:
    fit(tmp_path / "run")
    done = skinfw("predict", run, "images", "--submission")
    assert "note: UNK comes from a limit fitted on validation" in done.stdout, done.stderr
    assert "the table is a submission to isic2019: 3 images" in done.stdout
    skinfw("predict", run, "images", "--raw", "--out", "raw.csv")
    raw, sent = pd.read_csv(tmp_path / "raw.csv"), pd.read_csv(tmp_path / "predictions.csv")
    own, lack = raw[raw.columns[2:]], 1 - raw[raw.columns[2:]].max(axis=1)
    assert sent["UNK"].to_numpy() == pytest.approx((lack / (lack + 0.5)).to_numpy(), abs=1e-6)
    assert (sent[own.columns].to_numpy() == own.to_numpy()).all()


def test_another_view_has_no_calibration(skinfw: Run, run: str, tmp_path: Path) -> None:
    fit(tmp_path / "run")
    skinfw("predict", run, "images", "--set", "view.use=dihedral")
    assert "prediction_set" not in pd.read_csv(tmp_path / "predictions.csv")


@needs_onnx
def test_an_exported_file_brings_its_calibration(skinfw: Run, run: str, tmp_path: Path) -> None:
    fit(tmp_path / "run", unknown=None)
    skinfw("predict", run, "images")
    done = skinfw("export", run, "--onnx", "--out", "m.onnx")
    assert done.returncode == 0, done.stderr
    skinfw("predict", "m.onnx", "images", "--runtime", "onnx", "--out", "onnx.csv")
    ours, theirs = pd.read_csv(tmp_path / "predictions.csv"), pd.read_csv(tmp_path / "onnx.csv")
    assert list(ours.columns) == list(theirs.columns) and "may_be_unknown" not in ours
    numbers = ours.columns[2:-1]
    assert np.abs(ours[numbers] - theirs[numbers]).max().max() < 1e-4
    assert (ours["prediction_set"] == theirs["prediction_set"]).all()
