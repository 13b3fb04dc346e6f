"""One run, read top to bottom: data, split, fit, evaluate, explain, report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinfw.data.table import (
    class_counts,
    classes_with_few_images,
    fingerprint,
    image_function,
    picture_paths,
    run_marks,
    split_data,
    split_hash,
)
from skinfw.errors import RecipeError, SkinfwError
from skinfw.files.atomic import atomic_write, write_json
from skinfw.interfaces.hooks import run_hooks
from skinfw.interfaces.values import Result
from skinfw.recipe.plan import Plan
from skinfw.statistics.intervals import Interval, intervals_record
from skinfw.statistics.predictions import FILES, write_predictions
from skinfw.workflows.run_folder import RunFolder, differences, run_record

if TYPE_CHECKING:
    import pandas as pd

    from skinfw.data.cache import DecodedImages
    from skinfw.training.components import TrainingComponents

Say = Callable[[str], None]
MANY_REPEATS = 50


def execute_run(
    plan: Plan, folder: RunFolder, say: Say, listeners: Sequence[object] = (), resume: bool = False
) -> Result | None:
    """Carry out a run and write its folder.

    plan: the checked recipe.
    folder: the run folder, new or to be resumed.
    say: told what a user must hear, a line at a time.
    listeners: objects with run hooks beside those of the recipe, such as a progress bar.
    resume: go on from the folder's last state.
    Returns the result, or None where the run was stopped and can be resumed.
    """
    folder.update(status="running", error=None)
    try:
        result = _Run(plan, folder, say, listeners, resume).go()
    except KeyboardInterrupt:
        folder.finish("stopped")
        raise
    except BaseException as error:
        folder.finish("failed", error)
        raise
    folder.finish("done" if result else "stopped")
    return result


class _Run:
    """Hold what the stages of one run hand on."""

    def __init__(
        self,
        plan: Plan,
        folder: RunFolder,
        say: Say,
        listeners: Sequence[object],
        resumes: bool,
    ) -> None:
        from skinfw.runtime.device import broadcast, choose_hardware

        self.plan, self.folder, self.resumes = plan, folder, resumes
        self.hardware = choose_hardware(plan.engine)
        self.folder.path = Path(broadcast(str(folder.path), self.hardware))
        self.say = say if self.hardware.main else lambda _: None
        self.listeners = listeners if self.hardware.main else ()
        if plan.train.batch_size % self.hardware.world:
            raise RecipeError(
                f"train.batch_size {plan.train.batch_size} cannot be shared by "
                f"{self.hardware.world} processes",
                plan.recipe.origin("train", "batch_size").text,
                cure="make it a multiple of the number of processes",
            )
        self.folder.update(hardware=self.hardware.record())

    def go(self) -> Result | None:
        """Run all stages."""
        with self._timed("data"):
            table = self._data()
        with self._timed("cache"):
            decoded = self._decoded(table)
        with self._timed("build"):
            parts, hooks = self._build(table, decoded)
        with self._timed("train"):
            history = self._fit(parts, hooks)
        if history is None:
            return None
        with self._timed("evaluate"):
            result = self._evaluate(parts, history)
        if self.hardware.main:
            with self._timed("explain"):
                result = self._explain(parts, result)
            with self._timed("report"):
                self._report(parts, result)
        hooks.run_end(result=result)
        return result

    def _data(self) -> pd.DataFrame:
        """Read and split the data, and say what they are."""
        from skinfw.runtime.device import broadcast

        if not self.hardware.main:
            broadcast(None, self.hardware)  # until the first process has looked at the images
        table = split_data(self.plan, self.say)
        if self.hardware.main:
            broadcast(None, self.hardware)
        notes = table.attrs["notes"]
        for note in notes:
            self.say(note)
        for part in ("train", "val", "test"):
            counts = class_counts(table[table["part"] == part], self.plan.classes)
            self.say(f"{part:5} {counts}")
        few = classes_with_few_images(table, self.plan.classes)
        if few:
            self.say(
                f"note: fewer than five test images of {', '.join(few)}: their numbers are coarse"
            )
        marks = run_marks(self.plan, table)
        for mark in marks:
            self.say(f"note: {mark}")
        self._keep_hashes(data_fingerprint=fingerprint(table), split_hash=split_hash(table))
        self.folder.update(
            notes=notes,
            marks=marks,
            classes=list(self.plan.classes),
            leakage=table.attrs["leakage"],
        )
        self._keep("splits.csv", table[["id", "lesion", "component", "label", "part"]])
        return table

    def _keep_hashes(self, **hashes: str) -> None:
        """Keep hashes of data, split or draw; a resumed run must find the same."""
        for name, value in hashes.items():
            if self.resumes and self.folder.record.get(name, value) != value:
                raise SkinfwError(
                    f"the run cannot go on: its {name.replace('_', ' ')} has changed",
                    str(self.folder.path),
                    "other images, labels or lesions are there now than when it stopped",
                    "restore them, or start a new run: skinfw run " + str(self.folder.path),
                )
        self.folder.update(**hashes)

    def _decoded(self, table: pd.DataFrame) -> DecodedImages | None:
        """Decode all images once, where that is wanted and nothing is known to forbid it."""
        from skinfw.data.cache import cache_folder, open_cache
        from skinfw.data.preparation import recipe_decoding
        from skinfw.runtime.device import broadcast

        plan = self.plan
        if not plan.engine.cache or image_function(plan.dataset):
            return None
        paths = picture_paths(plan, table)
        how = recipe_decoding(plan.image, plan.parts.get("prepare", ()))
        folder, limit = cache_folder() / "images", int(plan.engine.cache_gb * 1e9)
        # A quick look would wait for images that it never sees.
        builds = self.hardware.main and not plan.train.limit_batches
        if not self.hardware.main:
            broadcast(None, self.hardware)  # until the first process has built it
        found = open_cache(folder, limit, paths, how, self.say, builds)
        if self.hardware.main:
            broadcast(None, self.hardware)
        return found

    def _build(
        self, table: pd.DataFrame, decoded: DecodedImages | None
    ) -> tuple[TrainingComponents, Any]:
        """Build the parts, and say what the network and an epoch are."""
        from skinfw.data.cache import cache_folder
        from skinfw.models.modalities import modalities_record
        from skinfw.training.components import TrainingComponents
        from skinfw.training.sampling import draw_hash
        from skinfw.training.xray import xray_lines as table_of

        plan = self.plan
        folder = cache_folder() if plan.engine.cache else None
        parts = TrainingComponents(plan, table, self.hardware, decoded, folder, self.say)
        self.hardware = parts.hardware
        self.folder.update(
            hardware=self.hardware.record(), modalities=modalities_record(parts.modalities)
        )
        millions = sum(weights.numel() for weights in parts.model.parameters()) / 1e6
        backbone, device = plan.one("backbone").use, self.hardware.device
        self.say(f"{backbone}: {millions:.2f} million parameters on {device}")
        draw = parts.drawer.draw(1)
        repeats = 0 if draw.copies is None else int(draw.copies.sum())
        self.say(f"draw  {len(draw.shown):,} images per epoch, {repeats:,} of them copies")
        found = parts.xray()
        for line in table_of(found):
            self.say(line)
        self.folder.update(xray=found)
        many = max(entry["most_repeated"] for entry in found)
        if many > MANY_REPEATS:
            self.say(f"note: some images come {many} times in each epoch; few remain to learn from")
        self._keep_hashes(draw_hash=draw_hash(draw))
        self._compare()
        heard = [(None, listener) for listener in self.listeners]
        return parts, run_hooks([*heard, *(parts.listeners if self.hardware.main else ())])

    def _fit(self, parts: TrainingComponents, hooks: Any) -> list[dict[str, float]] | None:
        """Train, from the start or from the last state; None where it was stopped."""
        from skinfw.training.checkpoint import load_state

        state = load_state(self.folder.path) if self.resumes else None
        hooks.run_start(folder=self.folder.path, recipe=self.folder.record["recipe"])
        if state and state["progress"]["epoch"] > self.plan.train.epochs:
            self.say("the training is complete: going on with the evaluation")
        elif state:
            at = state["progress"]
            self.say(f"resuming in epoch {at['epoch']} after {at['batch']} batches")
        elif self.resumes:
            self.say("the run had saved no state yet: starting from its first epoch")
        training = parts.training(self.folder.path, hooks)
        for caution in parts.cautions(training):
            self.say(f"note: {caution}")
        return training.at.history if training.fit(state) else None

    def _evaluate(self, parts: TrainingComponents, history: list[dict[str, float]]) -> Result:
        """Judge the best weights, on validation and, once, on test."""
        from skinfw.evaluation.evaluator import compute_intervals, compute_metrics
        from skinfw.runtime.device import broadcast
        from skinfw.training.checkpoint import load_weights
        from skinfw.training.trainer import BEST, best_epoch

        plan, folder = self.plan, self.folder.path
        load_weights(Path(broadcast(str(folder / BEST), self.hardware)), parts.model)
        self.say("judging the best epoch ...")
        judged: dict[str, None] = dict.fromkeys([plan.train.validation, "test"])
        judges = {part: parts.judge(part) for part in judged}
        predictions = {part: judge.predict(parts.model) for part, judge in judges.items()}
        metrics = {
            part: compute_metrics(parts.metrics, found) for part, found in predictions.items()
        }
        best = best_epoch(history, plan.train.select)
        bounds: dict[str, dict[str, Interval]] = {}
        if self.hardware.main:
            for part, found in predictions.items():
                write_predictions(folder / FILES[part], found)
            write_json(folder / "metrics.json", metrics)
            if replicates := plan.evaluate.replicates:
                bounds = {
                    part: compute_intervals(parts.metrics, found, replicates, plan.seed)
                    for part, found in predictions.items()
                }
                write_json(
                    folder / "intervals.json", intervals_record(predictions, bounds, replicates)
                )
        self.folder.update(results={"best_epoch": best, "select": plan.train.select, **metrics})
        result = Result(
            folder,
            plan.recipe.name,
            plan.classes,
            history,
            best,
            plan.train.select,
            predictions,
            metrics,
            rows={part: judge.rows for part, judge in judges.items()},
            marks=self.folder.record["marks"],
            intervals=bounds,
            replicates=plan.evaluate.replicates,
            seed=plan.seed,
        )
        return result

    def _explain(self, parts: TrainingComponents, result: Result) -> Result:
        """Ask the explainers about some of the test images."""
        from skinfw.evaluation.explain import explain

        images, beside = parts.pictures("test")
        found = [
            explain(
                planned,
                explainer,
                parts.model,
                images,
                result.predictions["test"],
                self.hardware,
                self.plan.seed,
                beside,
            )
            for planned, explainer in parts.explainers
        ]
        for explanations in found:
            if dark := int((explanations.maps.max(axis=(1, 2)) == 0).sum()):
                self.say(f"note: {explanations.explainer} found nothing in {dark} images")
        return replace(result, explanations=found)

    def _report(self, parts: TrainingComponents, result: Result) -> None:
        result = replace(result, features=parts.features_of)
        for planned, report in parts.reports:
            with planned.guard():
                report.write(result, self.folder.path)

    def _compare(self) -> None:
        """Say what differs from the run that this one repeats or goes on with."""
        if old := self.plan.recipe.replays:
            hashes = ("data_fingerprint", "split_hash", "draw_hash")
            today = {name: self.folder.record[name] for name in hashes} | run_record(self.plan)
            said = differences(old, today)
            for line in said or ["nothing that decides the numbers has changed"]:
                self.say(f"compared with the recorded run: {line}")

    def _keep(self, name: str, rows: pd.DataFrame) -> None:
        if self.hardware.main:
            with atomic_write(self.folder.path / name) as partial:
                rows.to_csv(partial, index=False)

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            seconds = round(time.perf_counter() - start, 3)
            timings = self.folder.record["timings"]
            timings[stage] = round(timings.get(stage, 0.0) + seconds, 3)
            self.folder.save()


def open_run(path: Path) -> RunFolder:
    """Open a run folder to resume it.

    path: the folder.
    Raises SkinfwError where the run is done already.
    """
    folder = RunFolder.open(path)
    if folder.record.get("status") == "done":
        raise SkinfwError(
            "the run is done; there is nothing to resume",
            str(path),
            cure="leave --resume out to repeat it in a new folder",
        )
    return folder
