"""Long work stays small: memory, open files and the time for each piece do not grow.

Case 0 predicts 100,000 images, case 1 trains 300 epochs, each by the command as a user calls it,
watched from outside. The first fifth is warm-up. After it straight lines through memory and open
files may rise by `MEGABYTES` and `FILES` in all, and the fastest part of the last third may take at
most `SLOWER` times the processor time of that of the first.
"""

from __future__ import annotations

import itertools
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from support import ROOT, TINY, TINY_BACKBONE

from campaigns.campaign import Campaign, Figures

MEGABYTES = 24.0
FILES = 2.0
SLOWER = 1.25
IMAGES, DIFFERENT, EPOCHS = 100_000, 500, 300
_WARM_UP = 0.2
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Sample:
    """Hold what a process uses once it has done so much."""

    done: float
    megabytes: float
    files: int
    seconds: float


def case(number: int, dice: random.Random, folder: Path, figures: Figures) -> None:
    (folder / "tiny.py").write_text(TINY_BACKBONE)
    (folder / "tiny.toml").write_text(TINY)
    if number == 0:
        done = _skinfw(folder, "run", "tiny.toml", "--set", "train.epochs=1").wait()
        assert done == 0, (folder / "output").read_text()[-1000:]
        run = next((folder / "runs").iterdir())
        _write_images(folder / "images", dice)
        command = ["predict", str(run), "images", "--out", "out.csv", "--raw"]
        samples = _watch(folder, command, lambda: _size(folder / "out.partial"))
        rows = len((folder / "out.csv").read_text().splitlines()) - 1
        if rows != IMAGES:
            figures.fail("predict", f"{rows:,} of {IMAGES:,} images have a row")
        _judge("predict", samples, figures)
    else:
        command = ["run", "tiny.toml", "--set", f"train.epochs={EPOCHS}"]
        samples = _watch(folder, command, lambda: _epoch(folder / "output"))
        _judge("train", samples, figures)


def _skinfw(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start the command line on one core, with its output in a file."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "SKINFW_CACHE": str(folder / "cache")}
    environment["PYTHONPATH"] = str(ROOT)
    with (folder / "output").open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "skinfw", *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )


def _watch(folder: Path, command: Sequence[str], progress: Callable[[], float]) -> list[Sample]:
    """Run a command to its end, and sample it a few times a second while it makes progress."""
    process, samples = _skinfw(folder, *command), []
    while process.poll() is None:
        try:
            if (done := progress()) > (samples[-1].done if samples else 0):
                samples.append(_sample(process.pid, done))
        except OSError:  # it ends at this moment
            break
        time.sleep(0.2)
    assert process.wait() == 0, (folder / "output").read_text()[-1000:]
    return samples


def _sample(pid: int, done: float) -> Sample:
    place = Path("/proc") / str(pid)
    pages = int((place / "statm").read_text().split()[1])
    fields = (place / "stat").read_text().rpartition(")")[2].split()
    seconds = (int(fields[11]) + int(fields[12])) / _TICK
    return Sample(done, pages * _PAGE / 1e6, len(list((place / "fd").iterdir())), seconds)


def _judge(name: str, samples: Sequence[Sample], figures: Figures) -> None:
    """Compare what came after the warm-up with the tolerances."""
    end = samples[-1].done
    rest = [one for one in samples if one.done > _WARM_UP * end]
    assert len(rest) > 20, f"{len(samples)} samples are too few"
    megabytes = _rise(rest, [one.megabytes for one in rest])
    files = _rise(rest, [one.files for one in rest])
    third = len(rest) // 3
    first, last = _seconds(rest[:third]), _seconds(rest[-third:])
    figures.largest(f"MB more ({name})", megabytes)
    figures.largest(f"times as slow ({name})", last / first)
    figures.largest(f"open files ({name})", max(one.files for one in samples))
    figures.count(name)
    if megabytes > MEGABYTES:
        figures.fail(name, f"its memory grew by {megabytes:.0f} MB after the warm-up")
    if files > FILES:
        figures.fail(name, f"{files:.0f} more files are open at the end than after the warm-up")
    if last > SLOWER * first:
        figures.fail(name, f"the last third took {last / first:.2f} times as long as the first")


def _rise(samples: Sequence[Sample], values: Sequence[float]) -> float:
    """Return how far a straight line through values rises from the first sample to the last."""
    done = np.array([one.done for one in samples])
    return float(np.polyfit(done, values, 1)[0] * (done[-1] - done[0]))


def _seconds(samples: Sequence[Sample]) -> float:
    """Return the processor time for each piece, in the fastest fifth: others use the cores, too."""
    ends = np.linspace(0, len(samples) - 1, 6).astype(int).tolist()
    fifths = [(samples[a], samples[b]) for a, b in itertools.pairwise(ends)]
    return min((b.seconds - a.seconds) / (b.done - a.done) for a, b in fifths)


def _write_images(folder: Path, dice: random.Random) -> None:
    """Write a few small JPEG files, each under many names."""
    noise = np.random.default_rng(dice.getrandbits(32))
    for number in range(DIFFERENT):
        place = folder / f"{number:03}"
        place.mkdir(parents=True)
        small = noise.integers(0, 256, (8, 8, 3), np.uint8)
        own = place / "0.jpg"
        Image.fromarray(small).resize((64, 64)).save(own, quality=85)
        for copy in range(1, IMAGES // DIFFERENT):
            (place / f"{copy}.jpg").hardlink_to(own)


def _size(file: Path) -> float:
    """Return the bytes of a table of predictions; its rows are about equally long."""
    return file.stat().st_size if file.is_file() else 0


def _epoch(output: Path) -> float:
    """Return the last epoch that a run has printed."""
    with output.open("rb") as lines:
        lines.seek(max(0, output.stat().st_size - 4000))
        epochs = re.findall(rb"epoch (\d+)/", lines.read())
    return float(epochs[-1]) if epochs else 0


CAMPAIGNS = (Campaign("soak", 2, 0, case, slow=True),)
