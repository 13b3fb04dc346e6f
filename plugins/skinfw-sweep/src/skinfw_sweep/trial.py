"""One trial: a run like any other, which is watched, and stopped where it is hopeless."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from skinfw import hookimpl
from skinfw.toolkit import (
    STATES,
    Detail,
    HeldLockError,
    RunFolder,
    choose_hardware,
    load_plan,
    load_state,
    run_with_progress,
)
from skinfw_sweep.pruning import is_hopeless
from skinfw_sweep.study import Study, Trial, signed

if TYPE_CHECKING:
    from skinfw import Result

LOCK_SECONDS = 120
"""How long a trial waits for a run that is ending in its folder, after its worker was killed."""


class Watcher:
    """Note in run.json what a trial comes to, and end it where the sweep prunes it."""

    def __init__(self, study: Study, number: int, folder: RunFolder, epochs: int) -> None:
        """Read what the trial is compared with.

        folder: of its run.
        epochs: of its recipe.
        """
        self._study, self._folder, self._epochs = study, folder, epochs
        self._select = study.plan.train.select
        self._smaller = self._select in study.smaller
        settings = study.definition.settings
        self._share, self._warmup = settings.prune, settings.warmup
        trials = map(study.trial, study.definition.known(number) if self._share else ())
        self._known = [own.epochs for own in trials if own and own.state == "done"]
        self._values: list[float] = []

    def ends(self, record: Mapping[str, float]) -> bool:
        """Note an epoch, and tell whether the trial ends with it."""
        self._values.append(signed(record[self._select], self._smaller))
        if len(self._values) >= self._epochs:
            return False
        if is_hopeless(self._values, self._known, self._share, self._warmup):
            self._note(epochs=self._values, pruned=True)
            return True
        return False

    @hookimpl
    def epoch_end(self, record: Mapping[str, float]) -> None:
        """Stop the run, whose state is saved, as Ctrl-C does."""
        if self.ends(record):
            raise KeyboardInterrupt

    @hookimpl
    def run_end(self, result: Result) -> None:
        """Note the numbers of the validation part."""
        part = self._study.plan.train.validation
        names = self._study.definition.settings.objectives
        best = next(own for own in result.history if own["epoch"] == result.best_epoch)
        numbers = {"val_loss": best["val_loss"], **result.metrics[part]}
        bounds = result.intervals.get(part, {})
        self._note(
            epochs=[signed(own[self._select], self._smaller) for own in result.history],
            objectives={name: numbers.get(name) for name in names},
            intervals={name: [*bounds[name]] for name in names if name in bounds},
        )

    def _note(self, **entries: Any) -> None:
        """Keep entries, which are written with the status of the run, in one step."""
        self._folder.record["trial"] = {**self._folder.record["trial"], **entries}


def run_trial(study: Study, number: int, detail: Detail | None = None) -> Trial:
    """Carry out a trial, or go on with it, in this process.

    Returns it; it is still open where a signal came.
    """
    path = study.folder / study.name(number)
    _wait_for(RunFolder.open(path))
    trial = study.trial(number)
    assert trial
    if trial.state in ("done", "pruned"):
        return trial
    folder = RunFolder.open(path)
    plan = load_plan(path, trust=study.trusted or None)
    watcher = Watcher(study, number, folder, plan.train.epochs)
    state = load_state(path / STATES, choose_hardware(plan.engine)).state
    for record in state["progress"]["history"] if state else ():
        if watcher.ends(record):  # it was killed before it could say so
            with folder.hold():
                folder.finish("stopped")
            break
    else:
        run_with_progress(plan, folder, True, detail, listeners=[watcher])
    return study.trial(number) or trial


def _wait_for(folder: RunFolder) -> None:
    """Wait until nobody is at work in a run folder."""
    end = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            with folder.hold():
                return
        except HeldLockError:
            if time.monotonic() > end:
                raise
        time.sleep(0.5)
