"""Sweeps whose workers are killed: every trial once, and the study of an undisturbed sweep."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
from safetensors.numpy import load_file

from campaigns.campaign import Campaign, Figures
from campaigns.tiny_runs import place

SWEEP = """
extends = "tiny.toml"

[sweep]
method = "tpe"
trials = {trials}
parallel = 4
prune = 0.4

[sweep.space]
"optimizer.lr" = {{ low = 1e-4, high = 1e-1, log = true }}
"loss.label_smoothing" = {{ low = 0.0, high = 0.3 }}
"train.ema" = [0.0, 0.9]
"""
FEWEST_TRIALS = 4
WORKERS = ("--launcher", "local", "--launcher-set", "workers=2", "--quiet")


class Coordinator:
    """A command `skinfw sweep` at work, and the trials that it has started."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.log = folder / f"coordinator-{time.monotonic_ns()}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "skinfw", "sweep", *arguments, *WORKERS],
                cwd=folder, stdout=log, stderr=log, env=environment(folder),
            )  # fmt: skip

    def processes(self) -> list[int]:
        """Return itself and its trials, as far as they live."""
        return [self.process.pid, *children(self.process.pid)]


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1",
            "SKINFW_CACHE": str(folder / "cache")}  # fmt: skip


def children(parent: int) -> Iterator[int]:
    """Yield the processes that a process has started."""
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            own, _, rest = file.read_text().rpartition(")")
            if int(rest.split()[1]) == parent:
                yield int(re.findall(r"^\d+", own)[0])


def sweep_folder(folder: Path) -> Path | None:
    return next((file.parent for file in folder.glob("runs/*/sweep.json")), None)


def results(study: Path) -> dict[str, Any]:
    """Return all of a study that must not depend on what happened to its workers."""
    found: dict[str, Any] = {}
    for run in sorted(study.glob("trial-*")):
        record = json.loads((run / "run.json").read_text())
        history = pd.read_csv(run / "history.csv")
        own = {
            "trial": record["trial"],
            "status": record["status"],
            "lineage": {**record["lineage"], "study": ""},
            "history": history.drop(columns=["seconds", "images_per_second"]).to_csv(),
        }
        if record["status"] == "done":
            weights = load_file(run / "best.safetensors")
            own["weights"] = {name: one.tobytes() for name, one in sorted(weights.items())}
            own["metrics"] = (run / "metrics.json").read_bytes()
        found[run.name] = own
    return {**found, "sweep.csv": (study / "sweep.csv").read_bytes()}


def kill_workers(number: int, dice: random.Random, folder: Path, figures: Figures) -> None:
    """SIGKILL for trials and for who gives them, while two commands work on one sweep."""
    trials, kills = FEWEST_TRIALS + number, max(2, number)
    expected = results(_undisturbed(folder / "quiet", trials))
    place(folder)
    (folder / "sweep.toml").write_text(SWEEP.format(trials=trials))
    at_work = [Coordinator(folder, "sweep.toml")]
    while sweep_folder(folder) is None:
        assert at_work[0].process.poll() is None, at_work[0].log.read_text()
        time.sleep(0.1)
    study = sweep_folder(folder)
    assert study
    done = 0
    while done < kills:
        at_work = [own for own in at_work if own.process.poll() is None]
        while len(at_work) < 2:  # the second one adds workers; either takes the place of a dead one
            at_work.append(Coordinator(folder, str(study), "--resume", "--trust"))
        time.sleep(dice.uniform(0.5, 4))
        victims = [process for own in at_work for process in own.processes()]
        with suppress(ProcessLookupError):
            os.kill(dice.choice(victims), signal.SIGKILL)
            done += 1
        if (study / "sweep.csv").exists():
            break
    figures.count(f"sweep of {trials} trials with {done} kills")
    for own in at_work:
        own.process.wait()
    last = Coordinator(folder, str(study), "--resume", "--trust")
    if code := last.process.wait():
        figures.fail(f"case {number}", f"ended with {code}: {last.log.read_text()[-500:]}")
        return
    if done < kills:
        figures.fail(f"case {number}", f"ended after {done} kills, too soon for {kills}")
    own_results = results(study)
    differ = [name for name in {**expected, **own_results}
              if own_results.get(name) != expected.get(name)]  # fmt: skip
    if differ:
        figures.fail(f"case {number}", f"{', '.join(differ)} differ")


def _undisturbed(folder: Path, trials: int) -> Path:
    """Return the folder of a sweep that nobody disturbs."""
    folder.mkdir()
    place(folder)
    (folder / "sweep.toml").write_text(SWEEP.format(trials=trials))
    quiet = Coordinator(folder, "sweep.toml")
    assert quiet.process.wait() == 0, quiet.log.read_text()
    study = sweep_folder(folder)
    assert study
    return study


CAMPAIGNS = (Campaign("sweep", 21, 0, kill_workers, slow=True),)
