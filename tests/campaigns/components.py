"""Components with one defect each: who is blamed, what becomes of the run and of the process.

Each case is a real run of two epochs on data that are made up, in this process. Where a run is
accepted, its predictions are compared with those of the same component without the defect.
"""

from __future__ import annotations

import os
import random
import re
import signal
import sys
import tempfile
import warnings
from contextlib import chdir
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from support import TINY_BACKBONE

from campaigns.campaign import Campaign, Figures
from campaigns.component_defects import DEFECTS, Defect, source
from skinfw.cli.unexpected import unexpected
from skinfw.errors import SkinfwError
from skinfw.recipe.plan import load_plan
from skinfw.workflows.run import execute_run
from skinfw.workflows.run_folder import RunFolder

MANY = ("prepare", "augment", "modify", "metric", "explainer", "report", "track")
RECIPE = """
[dataset]
use = "synthetic"
images = 64
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
replicates = 5

[engine]
precision = "fp32"

[[report]]
use = "history"
"""


@dataclass
class Outcome:
    """Hold how a run ended.

    errors: what was raised, or what failed and cost no run.
    numbers: the probabilities of the test part, where there are any.
    """

    errors: list[SkinfwError]
    numbers: Any = None


def _case(number: int, dice: random.Random, folder: Path, figures: Figures) -> None:
    defect = DEFECTS[number % len(DEFECTS)]
    random.seed(dice.random())  # so that no defect finds the dice as it would leave them
    np.random.seed(dice.getrandbits(32))
    torch.manual_seed(dice.getrandbits(32))
    before = _process()
    outcome = _run(defect, folder)
    # What tests themselves do to output and signals is theirs; the rest must be as it was.
    if changed := [name for name, value in _process().items() if value != before[name]]:
        figures.fail(f"{number} {defect}", f"left {', '.join(changed)} changed")
    text = "\n".join(map(str, outcome.errors))
    if not text:
        same = np.array_equal(outcome.numbers, _numbers_without(defect.kind))
        figures.count("harmless" if same else "accepted though numbers change")
        if not same or not defect.harmless:
            figures.fail(f"{number} {defect}", "was accepted")
    elif "defect of skinfw" in text:
        figures.count("called a defect of skinfw")
        figures.fail(f"{number} {defect}", text)
    elif not _is_named(defect, text):
        figures.count("somebody else blamed")
        figures.fail(f"{number} {defect}", text)
    else:
        figures.count("blamed rightly")
    if any(len(str(error).splitlines()) > 4 for error in outcome.errors):
        figures.fail(f"{number} {defect}", f"more than four lines: {text}")


def _is_named(defect: Defect, text: str) -> bool:
    """Tell whether a message names the component, its plugin, its file and a line of it."""
    lines = [int(line) for line in re.findall(r"mine\.py:(\d+)", text)]
    first, last = defect.lines()
    named = f'{defect.kind} "Mine" (plugin ./mine.py' in text
    return named and any(first <= line <= last for line in lines)


def _run(defect: Defect, folder: Path) -> Outcome:
    """Run a recipe with a component, elsewhere than in the temporary folder."""
    (folder / "mine.py").write_text(defect.code())
    (folder / "tiny.py").write_text(TINY_BACKBONE)
    (folder / "outside").mkdir()
    (folder / "outside" / "kept.txt").write_text("kept")
    (folder / "temporary").mkdir()
    (folder / "r.toml").write_text(RECIPE)
    value = '{ use = "./mine.py:Mine" }'
    if defect.kind == "metric":
        value = f'{{ use = "classification" }}, {value}'
    sets = [f"{defect.kind}={f'[{value}]' if defect.kind in MANY else value}", *defect.sets]
    tempdir, tempfile.tempdir = tempfile.tempdir, str(folder / "temporary")
    try:
        with chdir(folder), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _execute(folder, tuple(sets))
    finally:
        tempfile.tempdir = tempdir


def _execute(folder: Path, sets: tuple[str, ...]) -> Outcome:
    try:
        plan = load_plan(folder / "r.toml", sets)
        run = RunFolder.create(folder / "runs", plan)
        result = execute_run(plan, run, lambda _: None)
    except SkinfwError as error:
        return Outcome(list(error.problems))
    except Exception as error:
        return Outcome([unexpected(error)])
    except BaseException as error:  # nothing of a component may end the process
        return Outcome([SkinfwError(f"defect of skinfw: {type(error).__name__} came through")])
    assert result is not None, "nobody stopped it"
    kept = (folder / "outside" / "kept.txt").read_text() == "kept"
    assert kept and len(list((folder / "outside").iterdir())) == 1, "somebody wrote outside"
    return Outcome([own.error for own in result.failures], result.predictions["test"].probabilities)


@cache
def _numbers_without(kind: str) -> Any:
    """Return the numbers of the same component without a defect."""
    with tempfile.TemporaryDirectory(prefix="campaign-") as folder:
        outcome = _run(Defect(kind, "none", source(kind)), Path(folder))
        assert not outcome.errors, f"the {kind} without a defect: {outcome.errors[0]}"
        return outcome.numbers


def _process() -> dict[str, Any]:
    """Return what a component must not leave changed, as another would read it."""
    return {
        "the working folder": Path.cwd(),
        "the environment": {name: value for name, value in os.environ.items()
                            if "TORCHINDUCTOR" not in name and "PYTEST" not in name},
        "the default dtype": torch.get_default_dtype(),
        "gradients": torch.is_grad_enabled(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "torch's threads": torch.get_num_threads(),
        "matmul precision": torch.get_float32_matmul_precision(),
        "cudnn": (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic),
        "numpy's errors": np.geterr(),
        "output": (sys.stdout, sys.stderr),
        "signals": (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)),
        "sys.path": list(sys.path),
    }  # fmt: skip


CAMPAIGNS = (Campaign("components", len(DEFECTS), 5, _case),)
