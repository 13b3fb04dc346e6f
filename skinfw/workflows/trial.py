"""Try a recipe on images that mean nothing: one batch, every component, in seconds."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from skinfw.errors import raise_all
from skinfw.interfaces.values import PARTS, DataTable
from skinfw.recipe.plan import Components, Plan
from skinfw.recipe.settings import ModalitySettings, TeacherSettings
from skinfw.workflows.run import execute_run
from skinfw.workflows.run_folder import RunFolder

_LESIONS = 20  # of each class, so that any split gives each part some of them
_BATCH = 4
_SIDES = (90, 120)


@dataclass(frozen=True)
class NoiseImages:
    """Stand for a data set: its classes, its columns, and noise for images.

    classes: of the data set.
    modalities: the columns that the recipe uses beside.
    """

    classes: Sequence[str]
    modalities: ModalitySettings

    def table(self) -> DataTable:
        """Return as many lesions of each class, with an image each."""
        count = _LESIONS * len(self.classes)
        ids = [f"noise {number}" for number in range(count)]
        rows = {
            "id": ids,
            "path": ids,
            "label": [self.classes[number % len(self.classes)] for number in range(count)],
            "lesion": ids,
            "split": [PARTS[number // len(self.classes) % 3] for number in range(count)],
        }
        rows |= {name: ids for name in self.modalities.pictures}
        rows |= {name: [str(n) for n in range(count)] for name in self.modalities.numbers}
        for name in (*self.modalities.categories, *self.modalities.auxiliary):
            rows[name] = ["absent" if number % 3 else "present" for number in range(count)]
        return DataTable(pd.DataFrame(rows))

    def image(self, path: str) -> npt.NDArray[np.uint8]:
        """Return noise, uint8 [H, W, 3], the same for each path."""
        rng = np.random.default_rng(zlib.crc32(path.encode()))
        return rng.integers(0, 256, (*_SIDES, 3), np.uint8)


def try_plan(plan: Plan) -> dict[str, float]:
    """Run a recipe from end to end on noise, in a folder that is deleted.

    plan: the checked recipe; its data set is not read.
    Returns the seconds of each stage. Raises SkinfwError as the run would.
    """
    with TemporaryDirectory() as place:
        return dict(run_on_noise(plan, Path(place)).record["timings"])


def run_on_noise(plan: Plan, place: Path) -> RunFolder:
    """Run a recipe from end to end on noise.

    plan: the checked recipe; its data set is not read.
    place: where the run folder is made.
    Raises SkinfwError where anything fails, a report, too.
    """
    dataset: Any = NoiseImages(plan.classes, plan.modalities)
    batch_size = plan.train.batch_size
    train = replace(
        plan.train,
        epochs=1,
        batch_size=_BATCH if batch_size == "auto" else min(_BATCH, batch_size),
        limit_batches=1,
        limit_eval_batches=1,
        early_stopping=0,
        unfreeze=0,
    )
    evaluate = replace(plan.evaluate, replicates=min(20, plan.evaluate.replicates))
    # No autotuning, which would take longer than the trial.
    engine = replace(
        plan.engine, cache=False, precision="fp32", compile="off", eval_batch_size=_BATCH
    )
    trial = replace(
        plan,
        dataset=dataset,
        components=_without_weights(plan.components),
        train=train,
        teacher=TeacherSettings(),
        image=replace(plan.image, keep="all"),  # noise has no masks
        evaluate=evaluate,
        engine=engine,
    )
    folder = RunFolder.create(place, trial)
    folder.update(rehearsal=True)
    result = execute_run(trial, folder, lambda _: None)
    raise_all([own.error for own in result.failures] if result else [])
    return folder


def _without_weights(components: Components) -> Components:
    """Return the components with a backbone that starts at random, so that nothing is fetched."""
    backbone = components.backbone
    if "pretrained" not in backbone.arguments:
        return components
    arguments = {**backbone.arguments, "pretrained": False}
    return replace(components, backbone=replace(backbone, arguments=arguments))
