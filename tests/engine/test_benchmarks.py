"""The benchmarks run, and say aloud what they leave out; their figures are no concern here."""

import importlib.util
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import ROOT

PEERS = {
    "albumentations": ["albumentations"],
    "epoch-lightning": ["lightning"],
    "grad-cam": ["pytorch_grad_cam"],
    "predict-onnx": ["onnx", "onnxruntime"],
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
    said, found = benchmarks(tmp_path, "--write", str(document))
    assert list(found) == names
    for name in names:
        absent = [peer for peer in PEERS.get(name, []) if not importlib.util.find_spec(peer)]
        if name == "memory":
            assert "--isic2019" in found[name]["skipped"]
        elif absent:
            assert "cannot be imported" in found[name]["skipped"] and absent[0] in said
        else:
            assert found[name]["rows"]
            for row in found[name]["rows"]:
                assert min(*row["ours"], *row["theirs"], row["ratio"]) > 0
    text = document.read_text()
    assert "| startup | skinfw --help |" in text
    for marker, side in (("<!-- figures: begin -->", 0), ("<!-- figures: end -->", 2)):
        assert text.partition(marker)[side] == before.partition(marker)[side] != ""


def test_a_ratio_is_the_median_of_pairs(tmp_path: Path) -> None:
    _, found = benchmarks(tmp_path, "--only", "startup", "--rounds", "3")
    row = found["startup"]["rows"][0]
    pairs = [ours / theirs for ours, theirs in zip(row["ours"], row["theirs"], strict=True)]
    assert len(pairs) == 3
    assert row["ratio"] == pytest.approx(statistics.median(pairs))


def test_an_absent_peer_or_picture_skips_its_comparison_alone(tmp_path: Path) -> None:
    (tmp_path / "albumentations.py").write_text("raise ImportError('absent for this test')")
    empty = tmp_path / "empty"
    empty.mkdir()
    only = [word for name in ("jpeg-to-tensor", "albumentations", "startup")
            for word in ("--only", name)]  # fmt: skip
    said, found = benchmarks(tmp_path, "--images", str(empty), *only, PYTHONPATH=str(tmp_path))
    assert "absent for this test" in found["albumentations"]["skipped"]
    assert "no JPEG file" in found["jpeg-to-tensor"]["skipped"]
    assert said.count("skipped: ") >= 2
    assert found["startup"]["rows"]
