"""What tests share: plugins as real dist-info folders on a path, and a recipe that trains fast."""

from __future__ import annotations

import json
import os
import subprocess
import textwrap
from collections.abc import Callable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]


class Site:
    """A folder on sys.path where tests install plugins without pip."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(
        self,
        name: str,
        code: str | None,
        distribution: str | None = None,
        version: str = "0.1.0",
        **modules: str,
    ) -> None:
        """Write a plugin module, further modules, and the metadata that pip would write."""
        distribution = distribution or f"skinfw-{name}"
        module = f"{distribution.replace('-', '_')}_plugin"
        if code is not None:
            (self.folder / f"{module}.py").write_text(textwrap.dedent(code))
        for other, text in modules.items():
            (self.folder / f"{other}.py").write_text(textwrap.dedent(text))
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        )
        (info / "entry_points.txt").write_text(f"[skinfw]\n{name} = {module}\n")

    def environment(self, **variables: str) -> dict[str, str]:
        inherited = {key: value for key, value in os.environ.items() if key != "SKINFW_BLOCK"}
        path = os.pathsep.join(filter(None, (str(self.folder), inherited.get("PYTHONPATH"))))
        return {**inherited, "PYTHONPATH": path, "COLUMNS": "200", **variables}


def remembered_runs(recipe: Path) -> Callable[..., Path]:
    """Return what trains a recipe with some `--set` keys, each combination once, in its folder."""
    from skinfw.recipe.plan import load_plan
    from skinfw.workflows.run import execute_run
    from skinfw.workflows.run_folder import RunFolder

    @cache
    def run(*sets: str) -> Path:
        plan = load_plan(recipe, sets)
        folder = RunFolder.create(recipe.parent / "runs", plan)
        execute_run(plan, folder, lambda _: None)
        return folder.path

    return run


Run = Callable[..., "subprocess.CompletedProcess[str]"]

PLUGIN = """
    from skinfw import Component, hookimpl
    SKINFW_API = 1

    @hookimpl
    def skinfw_components():
        yield Component("sampler", "every-other", "acme_sampler:EveryOther", "Every other image.")
"""

SAMPLER = '''
    from dataclasses import dataclass

    import numpy as np
    from skinfw import Draw

    @dataclass(frozen=True, kw_only=True)
    class EveryOther:
        """Show every other image.

        start: the first image.
        """

        start: int = 0

        def draw(self, labels, context):
            return Draw(context.rng.permutation(np.arange(self.start, len(labels), 2)))
'''

ONE_EPOCH = """
[backbone]
use = "./tiny.py:tiny"
[image]
size = 32
[train]
epochs = 1
batch_size = 8
[evaluate]
replicates = 20
[[report]]
use = "history"
"""
"""What follows [dataset] in a recipe of one short epoch."""

TINY = """
[dataset]
use = "synthetic"
images = 80
size = 64

[split]
use = "lesion-stratified"
val = 0.25
test = 0.25

[backbone]
use = "./tiny.py:tiny"

[image]
size = 32

[train]
epochs = 2
batch_size = 8

[evaluate]
replicates = 20

[[augment]]
use = "random-resized-crop"

[[augment]]
use = "flip"

[[explainer]]
use = "grad-cam"
images = 4

[[report]]
use = "history"
"""


def add_refit(run: Path, on: str) -> None:
    """Give a finished run a refit that answers otherwise, as if it had been trained.

    on: what it has learned, "train+val" or "all".
    """
    from safetensors.torch import load_file, save_file

    weights = load_file(run / "best.safetensors")
    last = list(weights)[-1]
    save_file(
        {name: own + 1.5 * own.abs() if name == last else own for name, own in weights.items()},
        run / "refit.safetensors",
    )
    record = json.loads((run / "run.json").read_text())
    record["refit"] = {
        "on": on, "epochs": 1, "images": 60, "lesions": 40, "modalities": {"pictures": 1},
        "class_counts": record["class_counts"], "weights": "refit.safetensors",
    }  # fmt: skip
    (run / "run.json").write_text(json.dumps(record))


TINY_BACKBONE = '''
from torch import nn


def tiny(classes, *, width: int = 8, dropout: float = 0.2) -> nn.Module:
    """Build a network of two layers, for tests.

    width: channels.
    dropout: before the head.
    """
    model = nn.Sequential(
        nn.Conv2d(3, width, 3, stride=2), nn.BatchNorm2d(width), nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout), nn.Linear(width, len(classes)),
    )
    model.cam_layer = "1"
    return model
'''

FORKS = '''
import os
import sys
from contextlib import redirect_stderr, redirect_stdout

from skinfw import TaskEnd
from skinfw.cli import main
from skinfw.guards import writes


class Forks:
    """Carry out tasks in forks of this process, one after the other."""

    def launch(self, tasks, say):
        """Carry them out."""
        print("launch", file=sys.stderr)
        for task in tasks:
            print(task.name, task.device, file=sys.stderr)
            child = os.fork()
            if not child:
                writes.end()  # here, it is not the launcher that writes
                with open(task.log, "a") as log, redirect_stdout(log), redirect_stderr(log):
                    try:
                        main(task.words)
                    except SystemExit as end:
                        code = end.code or 0
                os._exit(code)
            yield TaskEnd(task, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
'''
"""A launcher that costs no start of Python."""
