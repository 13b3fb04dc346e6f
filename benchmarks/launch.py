"""Trials of a linear probe by two workers of the launcher `local`, beside one worker."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from functools import partial
from itertools import count

from benchmarks import ours, pictures
from benchmarks.dataset import HELD_OUT
from benchmarks.harness import Bench, Peer, Row, Work, clocked, race

IMAGES = 1000
SIZE = 160
TRIALS = 8
RECIPE = """
    [train]
    epochs = 5
    freeze = ["trunk"]
"""


def launch(bench: Bench) -> list[Row]:
    """Train the same seeds by two workers and by one; features are remembered by all."""
    images, size = bench.amount(IMAGES, 32), bench.amount(SIZE, 64)
    trials = bench.amount(TRIALS, 2)
    files = pictures.linked(bench, images + len(HELD_OUT))
    text = ours.recipe(ours.files(files), size, RECIPE)
    (bench.scratch / "probe.toml").write_text(textwrap.dedent(text), encoding="utf-8")
    by = partial(_trials, bench, trials)
    peers = [
        Peer("one worker on all cores", by("workers=1"), 1.7),
        Peer("one worker on one core", by("workers=1", "threads=1"), 1.7),
    ]
    work = f"{trials} trials of a linear probe, {images:,} images, two workers on two cores"
    return race(bench, work, by("workers=2", "threads=1"), peers)


def _trials(bench: Bench, trials: int, *sets: str) -> Work:
    """Return the work of some trials by a launcher with these keys, without reports and maps."""
    own = [word for text in sets for word in ("--launcher-set", text)]
    command = [
        *(sys.executable, "-m", "skinfw", "run", "probe.toml", "--seeds", str(trials), "-q"),
        *("--set", "report=[]", "--set", "explainer=[]", "--launcher", "local", *own),
    ]
    environment = {**os.environ, "SKINFW_CACHE": str(bench.scratch / "cache")}
    numbers = count()

    def run() -> None:
        out = f"runs-{'-'.join(sets)}-{next(numbers)}"
        subprocess.run(
            [*command, "--out", out], check=True, cwd=bench.scratch, env=environment,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip

    return clocked(run)
