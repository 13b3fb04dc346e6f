"""Runs that end in a second, in processes that can be hurt, and the run that nobody hurt."""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
from forking import Forker
from safetensors.numpy import load_file

RECIPE = """
[dataset]
use = "./parts.py:Noise"

[split]
use = "lesion-stratified"
val = 0.25
test = 0.25

[backbone]
use = "./parts.py:tiny"

[image]
size = 32

[train]
epochs = 4
batch_size = 4
ema = 0.9
accumulate = 2

[evaluate]
replicates = 20

[[augment]]
use = "flip"

[[report]]
use = "history"

[engine]
precision = "fp32"
workers = 0
save_minutes = 0.0001
"""

PARTS = '''
import os
import time
import zlib
from pathlib import Path

import numpy as np
from torch import nn

from skinfw_synthetic.dataset import Synthetic

if "FAULT" in os.environ:
    import faults
    faults.arm(*os.environ["FAULT"].split())


class Noise(Synthetic):
    """Images of noise, which cost nothing."""

    def __init__(self):
        super().__init__(images=64, size=64)

    def image(self, path: str):
        rng = np.random.default_rng(zlib.crc32(path.encode()))
        return rng.integers(0, 256, (32, 32, 3), np.uint8)


class Slow(nn.Module):
    """Stand still once, where a file says so, as if a batch took half a minute."""

    def forward(self, values):
        if self.training and (file := Path("slow")).exists():
            step = int(file.read_text()) - 1
            file.write_text(str(step))
            if step == 0:
                file.unlink()
                time.sleep(30)
        return values


def tiny(classes) -> nn.Module:
    """Build a network of two layers."""
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(inplace=True), Slow(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(8, len(classes)),
    )
    model.cam_layer = "1"
    return model
'''
FILES = (
    "predictions.csv", "predictions_val.csv", "metrics.json", "intervals.json", "splits.csv",
)  # fmt: skip
MODULES = (
    "skinfw.workflows.run", "skinfw.cli.run", "pydantic.main", "pydantic.json_schema",
    "skinfw_synthetic.world", "skinfw_metrics.classification", "skinfw_metrics.probability",
    "skinfw_reports.tables", "skinfw_optimize.optimizers", "skinfw_splits.lesions",
)  # fmt: skip
HERE = Path(__file__).parent


@cache
def forker(rank: int = 0) -> Forker:
    """Return the process that forks runs, one for each rank."""
    made = Forker(MODULES, {**os.environ, "OMP_NUM_THREADS": "1"})
    atexit.register(made.stop)
    return made


def place(folder: Path) -> None:
    """Write the recipe and its parts."""
    (folder / "tiny.toml").write_text(RECIPE)
    (folder / "parts.py").write_text(PARTS)
    (folder / "faults.py").write_text((HERE / "faults.py").read_text())


def start(
    folder: Path,
    *arguments: str,
    meanwhile: Callable[[int], None] = lambda _: None,
    rank: int = 0,
    **variables: str,
) -> subprocess.CompletedProcess[str]:
    """Run skinfw in a folder.

    meanwhile: is called with the number of the process, and may hurt it.
    """
    environment = {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1",
                   "SKINFW_CACHE": str(folder / "cache"), **variables}  # fmt: skip
    return forker(rank).run(("run", *arguments), folder, environment, meanwhile)


def run_folder(folder: Path) -> Path | None:
    """Return the folder of the run that was begun, if it has a record."""
    records = list(folder.glob("runs/*/run.json"))
    return records[0].parent if records else None


def status(run: Path) -> str:
    """Return what run.json says."""
    return str(json.loads((run / "run.json").read_text())["status"])


@cache
def unhurt() -> dict[str, Any]:
    """Return what a run leaves that nobody hurts, and its seconds."""
    with TemporaryDirectory() as folder:
        place(Path(folder))
        start(Path(folder), "tiny.toml")  # the first one imports what is imported late
        begins: list[float] = []

        def note(process: int) -> None:
            wait_for(Path(folder), "second/*/run.json", process)
            begins.append(time.perf_counter())

        done = start(Path(folder), "tiny.toml", "--out", "second", meanwhile=note)
        seconds = time.perf_counter() - begins[0]
        assert done.returncode == 0, done.stderr
        (run,) = (Path(folder) / "second").iterdir()
        return {"seconds": seconds, **results(run)}


def results(run: Path) -> dict[str, Any]:
    """Return all that must not depend on what happened to a run."""
    history = pd.read_csv(run / "history.csv")
    weights = load_file(run / "best.safetensors")
    return {
        **{name: (run / name).read_bytes() for name in FILES},
        "history": history.drop(columns=["seconds", "images_per_second"]).to_csv(),
        "weights": {name: values.tobytes() for name, values in sorted(weights.items())},
        "results": json.loads((run / "run.json").read_text())["results"],
    }


def problems(run: Path, expected: dict[str, Any]) -> list[str]:
    """Return what differs from the run that nobody hurt, and what was left behind."""
    own = results(run)
    said = [f"{name} differs" for name in own if own[name] != expected[name]]
    said += [f"{file.relative_to(run)} was left" for file in run.rglob("*.partial")]
    if (run / "run.lock").exists():
        said.append("run.lock was left")
    if status(run) != "done":
        said.append(f"the run is {status(run)}")
    return said


def wait_for(folder: Path, pattern: str, process: int) -> None:
    """Wait for a file, as long as a process lives."""
    while lives(process) and not list(folder.glob(pattern)):
        time.sleep(0.002)


def kill_after(folder: Path, seconds: float) -> Callable[[int], None]:
    """Return what kills a run a time after it has begun."""

    def hurt(process: int) -> None:
        wait_for(folder, "runs/*/run.json", process)
        time.sleep(seconds)
        os.kill(process, signal.SIGKILL)  # its number is nobody else's until it is waited for

    return hurt


def kill_in_write(folder: Path, writes: int) -> Callable[[int], None]:
    """Return what kills a run while a file is half written.

    writes: how many files are let go before.
    """

    def hurt(process: int) -> None:
        before: set[str] = set()
        left = writes
        while left >= 0 and lives(process):
            now = {str(file) for file in folder.glob("runs/**/*.partial")}
            left -= len(now - before)
            before = now
        os.kill(process, signal.SIGKILL)

    return hurt


def lives(process: int) -> bool:
    """Tell whether a process has not ended yet."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
