"""The command that predicts, with ONNX Runtime beside torch."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

from benchmarks import ours, pictures
from benchmarks.harness import Bench, Peer, Row, Work, clocked, need, race

IMAGES = 1000
SIZE = 224
QUICK = """
    [train]
    epochs = 1
    limit_batches = 1
"""


def predict(bench: Bench) -> list[Row]:
    """Predict JPEG files from the command line, from start to end."""
    need("onnx", "onnx")
    need("onnxruntime", "onnxruntime")
    count, size = bench.amount(IMAGES, 4), bench.amount(SIZE, 64)
    folder = pictures.linked(bench, count)
    run = _trained(bench, size)
    # Any such variable leaves the C library's memory as it is; this one has its usual value.
    usual = {"MALLOC_TOP_PAD_": "131072"}
    peers = [
        Peer("eager torch, the same loader", _predict(bench, run, folder, "torch", **usual), 1.5),
        Peer("--runtime torch", _predict(bench, run, folder, "torch")),
    ]
    work = f"skinfw predict --runtime onnx, {count:,} JPEG files"
    return race(bench, work, _predict(bench, run, folder, "onnx"), peers)


def _trained(bench: Bench, size: int) -> Path:
    """Return the folder of a run; what its network has learnt does not matter here."""
    ours.plan_of(ours.recipe(ours.noise(64, size), size, QUICK), bench.scratch)
    runs = bench.scratch / "runs"
    _skinfw(bench, "run", str(bench.scratch / "recipe.toml"), "--out", str(runs))
    return next(runs.iterdir())


def _predict(bench: Bench, run: Path, folder: Path, runtime: str, **variables: str) -> Work:
    out = str(bench.scratch / f"{runtime}.csv")
    words = ("predict", str(run), str(folder), "--runtime", runtime, "--out", out)
    return clocked(partial(_skinfw, bench, *words, **variables))


def _skinfw(bench: Bench, *words: str, **variables: str) -> None:
    environment = {**os.environ, **variables, "SKINFW_CACHE": str(bench.scratch / "cache")}
    command = [sys.executable, "-m", "skinfw", *words]
    subprocess.run(command, check=True, capture_output=True, env=environment)
