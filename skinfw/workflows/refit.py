"""A second training once everything is chosen: the network that people will use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from skinfw.data.metadata import modalities_record
from skinfw.data.table import class_counts, counts_line, split_data, split_hash
from skinfw.errors import SkinfwError
from skinfw.files.atomic import write_json
from skinfw.files.paths import display_path
from skinfw.guards.process import watch_network
from skinfw.guards.tensors import NetworkState
from skinfw.interfaces.hooks import run_hooks
from skinfw.recipe.loading import LOCK, REFIT_WEIGHTS
from skinfw.recipe.plan import Plan
from skinfw.recipe.settings import REFIT_PARTS
from skinfw.runtime.device import broadcast
from skinfw.runtime.signals import StopSignals
from skinfw.training.checkpoint import FILES, STATES, SavedState, load_state, read_weights
from skinfw.training.components import TrainingComponents
from skinfw.training.sampling import draw_hash
from skinfw.training.trainer import Trainer
from skinfw.workflows.lock import read_lock
from skinfw.workflows.run_folder import RunFolder

REFIT_STATES = f"{STATES}/refit"
"""The folder of the states of a refit, in a run folder."""


def refit_rows(plan: Plan, rows: pd.DataFrame) -> pd.DataFrame:
    """Return a divided table whose training part is what a refit learns.

    plan: with the word of `train.refit`.
    Raises SkinfwError where that is nothing but the training part.
    """
    on = plan.train.refit
    learned = rows["part"].isin(REFIT_PARTS[on])
    if not (learned & (rows["part"] != "train")).any():
        raise SkinfwError(
            f'a refit on "{on}" would learn nothing new',
            plan.recipe.origin("train", "refit").text,
            f"{plan.components.split.entry.label} put no image into the val part",
            'set train.refit = "all" or "none", or choose another split',
        )
    return rows.assign(part=rows["part"].mask(learned, "train"))


@dataclass(frozen=True)
class Refit:
    """Train a network from the beginning on more images, for a number of epochs that is known.

    It is made like the first one of the run: the same seed, precision and batch size, and a
    schedule that ends with the last epoch, whose weights are kept.

    first: the components of the first training, with its table and its settled plan.
    folder: of the run.
    epochs: as many as were best.
    """

    first: TrainingComponents
    folder: RunFolder
    epochs: int

    def train(
        self, stop: StopSignals, resumes: bool, say: Any, listeners: Sequence[object] = ()
    ) -> bool:
        """Train to the end, or until a signal asks to stop; run.json tells what it learns.

        resumes: whether to go on from the last state, where there is one.
        say: told what a user must hear.
        listeners: objects with run hooks; reports and trackers hear of the first training alone.
        Returns whether it is complete.
        """
        first, path = self.first, self.folder.path
        rows = refit_rows(first.plan, first.table)
        own = TrainingComponents.build(self._plan(), rows, first.hardware, first.decoded, say)
        images = counts_line(own.rows, first.plan.classes)
        say(f"refit on {first.plan.train.refit} until epoch {self.epochs}: {images}")
        about = self._record(own)
        self.folder.update(refit=about)
        states, weights = self._places()
        saved = load_state(states, first.hardware) if resumes else SavedState(None)
        if saved.note:
            say(f"note: {saved.note}")
        at = saved.state["progress"] if saved.state else {}
        if at and at["epoch"] > self.epochs:
            read_weights(weights)  # before reports tell of them
        elif at:
            say(f"resuming in epoch {at['epoch']} after {at['batch']} batches")
        heard = own.listeners if first.hardware.main else ()
        hooks = run_hooks([*((None, listener) for listener in listeners), *heard])
        start = {"folder": path, "recipe": first.plan.resolved()}
        hooks.run_start(**{**self.folder.start(), **start})
        with watch_network(partial(NetworkState, own.model)):
            trainer: Trainer = own.trainer(states, weights, hooks, validates=False)
            complete = trainer.fit(stop, saved.state)
        if complete:
            self.folder.update(refit={**about, "weights": REFIT_WEIGHTS})
        return complete

    def _plan(self) -> Plan:
        """Return the plan of the refit: nothing is chosen in it, and nobody watches."""
        plan, hardware = self.first.plan, self.first.hardware
        # What "auto" came to in the first training.
        settled: dict[str, Any] = {
            "precision": hardware.precision,
            "compile": "on" if hardware.compiled else "off",
        }
        return replace(
            plan,
            train=replace(plan.train, epochs=self.epochs, early_stopping=0),
            engine=replace(plan.engine, **settled),
            components=replace(plan.components, explainer=(), report=(), track=()),
        )

    def _places(self) -> tuple[Path, Path]:
        """Return the folder of the states and the file of the weights, alike in all processes."""
        path = Path(broadcast(str(self.folder.path), self.first.hardware))
        return path / REFIT_STATES, path / REFIT_WEIGHTS

    def _record(self, own: TrainingComponents) -> dict[str, Any]:
        """Return what run.json tells of the refit before it is complete."""
        plan = self.first.plan
        return {
            "on": plan.train.refit,
            "epochs": self.epochs,
            "images": len(own.rows),
            "lesions": int(own.rows["lesion"].nunique()),
            "class_counts": class_counts(own.rows, plan.classes),
            "modalities": modalities_record(own.modalities),
            "draw_hash": draw_hash(own.epoch_sampler.draw(1)),
        }


def open_refit(path: Path, plan: Plan) -> RunFolder:
    """Open the folder of a finished run so that it goes on with a refit.

    path: the folder.
    plan: of the run, with another `train.refit`.
    Raises SkinfwError where the run is not done, has this network already, or cannot go on; it
    stays as it is then.
    """
    folder, on = RunFolder.open(path), plan.train.refit
    place, record = display_path(folder.path), folder.record
    if record.get("status") != "done":
        raise SkinfwError(
            f"the run is {record.get('status')}: what it is to learn again is not chosen yet",
            place,
            cure=f"skinfw run {place} --resume",
        )
    if record.get("refit", {}).get("on") == on:
        raise SkinfwError(
            f'the run has a network that was trained on "{on}" already',
            str(folder.path / REFIT_WEIGHTS),
            cure="use it: skinfw predict, export and evaluate --dataset do",
        )
    if not any((folder.path / STATES / name).is_file() for name in FILES):
        raise SkinfwError(
            "the run cannot go on: its last state is not there",
            str(folder.path / STATES / FILES[0]),
            "it knows the epochs of the first training",
            f"restore it, or train both: skinfw run {place} --set train.refit={on}",
        )
    rows = split_data(plan).rows
    if split_hash(rows) != record.get("split_hash"):
        raise SkinfwError(
            "the data of the run are divided otherwise today",
            plan.components.dataset.origin.text,
            "images, lesions or the split have changed since",
            "restore them, or start a new run",
        )
    refit_rows(plan, rows)
    for name in FILES:
        (folder.path / REFIT_STATES / name).unlink(missing_ok=True)
    (folder.path / REFIT_WEIGHTS).unlink(missing_ok=True)
    record.pop("refit", None)
    record["recipe"]["train"]["refit"] = on
    folder.save()
    if (folder.path / LOCK).is_file():
        lock = read_lock(folder.path)
        lock["recipe"]["train"]["refit"] = on
        write_json(folder.path / LOCK, lock)
    return folder
