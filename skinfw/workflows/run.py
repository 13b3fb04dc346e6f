"""One run, read top to bottom: data, cache, build, train, evaluate, refit, explain, report."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from skinfw.data.image_check import BadImagesError
from skinfw.data.metadata import modalities_record
from skinfw.data.table import (
    class_counts,
    classes_with_few_images,
    counts_line,
    decoded_images,
    fingerprint,
    image_function,
    load_data,
    run_marks,
    split_data,
    split_hash,
)
from skinfw.data.teacher_table import labelled_rows
from skinfw.errors import RecipeError, SkinfwError
from skinfw.evaluation.choices import IMAGES as CHOICE_IMAGES
from skinfw.evaluation.choices import Pairs as ExplainerPairs
from skinfw.evaluation.choices import choice_findings, choose_all, explainers_by_name
from skinfw.evaluation.explain import choose_images, explain
from skinfw.evaluation.failures import Failures
from skinfw.evaluation.numbers import compute_intervals, compute_metrics
from skinfw.evaluation.reports import RUN_FILES, private_result, write_reports
from skinfw.files.atomic import write_json
from skinfw.files.lock import FILE as RUN_LOCK
from skinfw.files.paths import display_path
from skinfw.files.remote import Retries, watch_retries
from skinfw.files.spreadsheets import write_csv
from skinfw.guards.process import watch_network
from skinfw.guards.tensors import NetworkState, unchanged_network
from skinfw.guards.writes import watch_writes
from skinfw.interfaces.calibration import combine
from skinfw.interfaces.hooks import run_hooks
from skinfw.interfaces.protocols import DecodedImages
from skinfw.interfaces.values import PARTS, DataTable, InspectedImages, Interval, Result
from skinfw.models.modalities import check_numbers
from skinfw.recipe.loading import BEST_WEIGHTS, LOCK
from skinfw.recipe.plan import Plan
from skinfw.registry.trust import trust
from skinfw.runtime.determinism import deterministic_kernels
from skinfw.runtime.device import broadcast, choose_hardware, leaders_first, with_leaders
from skinfw.runtime.failures import explain_lost_process, explain_memory
from skinfw.runtime.group import restarts
from skinfw.runtime.signals import StopSignals, stop_signals
from skinfw.runtime.signs_of_life import signs_of_life
from skinfw.runtime.storage import cache_folder
from skinfw.statistics.confidence import intervals_record
from skinfw.statistics.predictions import PREDICTION_FILES, write_predictions
from skinfw.training.checkpoint import STATES, SavedState, load_state, load_weights, read_weights
from skinfw.training.components import TrainingComponents
from skinfw.training.sampling import draw_hash
from skinfw.training.trainer import best_epoch
from skinfw.training.xray import xray_lines
from skinfw.workflows.lock import make_lock, read_lock
from skinfw.workflows.lock_differences import lock_differences
from skinfw.workflows.refit import Refit, refit_rows
from skinfw.workflows.run_folder import RunFolder, differences, run_record

if TYPE_CHECKING:
    import torch

Say = Callable[[str], None]
MANY_REPEATS = 50
OWN_FILES = (*RUN_FILES, RUN_LOCK, "bad_images.csv", STATES)
"""What of a run folder no component may write."""


def execute_run(
    plan: Plan,
    folder: RunFolder,
    say: Say,
    listeners: Sequence[object] = (),
    resume: bool = False,
    lock: Path | None = None,
) -> Result | None:
    """Carry out a run and write its folder.

    plan: the checked recipe.
    folder: the run folder, new or to be resumed.
    say: told what a user must hear, a line at a time.
    listeners: objects with run hooks beside those of the recipe, such as a progress bar.
    resume: go on from the folder's last state.
    lock: the recipe.lock of the run that is repeated; what can change a number must not differ.
    Returns the result, or None where the run was stopped and can be resumed. Raises RecipeError for
    a run that was made of others.
    """
    _refuse_derived(plan)
    trust_own_files(plan)
    with folder.hold(), stop_signals(folder.leave) as stop:
        folder.begin()
        try:
            run = _Run(plan, folder, say, listeners, resume, lock, stop)
            with (
                watch_retries(run.say) as retries,
                watch_writes(folder.path, OWN_FILES, [cache_folder()]),
                deterministic_kernels(plan.engine.deterministic),
            ):
                try:
                    result = run.go()
                finally:
                    run.tell_retries(retries)
        except KeyboardInterrupt:
            folder.finish("stopped", signal=stop.name)
            raise
        except BaseException as error:
            with suppress(SkinfwError):  # the folder may be what cannot be written
                folder.finish("failed", error)
            raise
        with stop.wait():
            folder.finish("done" if result else "stopped", signal=stop.name)
        return result


def trust_own_files(plan: Plan) -> None:
    """Remember that the user's own recipe names these Python files, so that a resumed run may."""
    for component in plan.components:
        if component.entry.file and not plan.recipe.replays:
            trust(component.entry.file)


def _refuse_derived(plan: Plan) -> None:
    """Refuse to train what was put together of other runs: its recipe is the first one's."""
    members = (plan.recipe.replays or {}).get("members") or ()
    if members:
        raise RecipeError(
            "the run was made of other runs, and has no training to repeat",
            display_path(plan.recipe.path),
            f"it was made of {', '.join(own['name'] for own in members)}",
            "repeat one of them: skinfw run FOLDER",
        )


class _Run:
    """Hold what the stages of one run hand on."""

    def __init__(
        self,
        plan: Plan,
        folder: RunFolder,
        say: Say,
        listeners: Sequence[object],
        resumes: bool,
        lock: Path | None,
        stop: StopSignals,
    ) -> None:
        self.folder, self.resumes, self.lock, self.stop = folder, resumes, lock, stop
        self.begun = resumes and "data_fingerprint" in folder.record
        batch_size = plan.train.batch_size
        if batch_size == "auto":  # the run may know already what that comes to
            batch_size = folder.record["recipe"].get("train", {}).get("batch_size", "auto")
            plan = replace(plan, train=replace(plan.train, batch_size=batch_size))
        self.plan = plan
        self.machine = with_leaders(choose_hardware(plan.engine), cache_folder())
        self.folder.path = Path(broadcast(str(folder.path), self.machine))
        self.say = say if self.machine.main else lambda _: None
        self.listeners = listeners if self.machine.main else ()
        self.failures = Failures()
        check_batch_size(plan, self.machine.world)
        if again := restarts():
            self.say(f"note: the processes were started again ({again} so far)")
        self.folder.update(hardware=self.machine.record())

    def go(self) -> Result | None:
        """Run all stages."""
        with (
            explain_lost_process(self.machine.rank, self.machine.world),
            signs_of_life(self.machine, self._lose) as self._end_signs,
        ):
            return self._stages()

    def tell_retries(self, retries: Retries) -> None:
        """Say and keep how often a server was asked again."""
        if text := retries.text():
            self.say(text)
            self.folder.update(notes=[*self.folder.record["notes"], text])

    def _lose(self, error: SkinfwError) -> None:
        """End the process at once, which may be waiting for one that is gone."""
        with suppress(Exception):
            self.stop.rescue()
        with suppress(Exception):
            self.folder.lose(error)
        os._exit(error.exit_code)

    def _stages(self) -> Result | None:
        with self._time("data"):
            data = self._data()
        with self._time("cache"):
            decoded = self._decode(data.rows)
        with self._time("build"):
            components, hooks = self._build(data.rows, decoded)
        with watch_network(partial(NetworkState, components.model)):
            with self._time("train"):
                history = self._fit(components, hooks)
            if history is None:
                return None
            size = components.eval_batch_size
            with explain_memory("engine.eval_batch_size", size), self._time("evaluate"):
                result = self._evaluate(components, history)
            if not self._refit(components, result.best_epoch):
                return None
            self._end_signs()
            if self.machine.main:
                with explain_memory("engine.eval_batch_size", size):
                    result = self._tell(components, result)
            hooks.run_end(result=private_result(result))
        if self.failures.noted:  # the last hook may have failed, too
            self.folder.update(failures=self.failures.record())
            result = replace(result, failures=list(self.failures.noted))
        if self.machine.main:
            self.folder.keep_checksums()
        return result

    def _tell(self, components: TrainingComponents, result: Result) -> Result:
        """Explain and report; whoever fails costs the run nothing."""
        model, best = components.model, self.folder.path / BEST_WEIGHTS
        self.failures.restore = partial(load_weights, best, model)
        with self._time("explain"):
            explainers, result = self._choose(components, result)
            result = self._explain(components, explainers, result)
        with self._time("report"):
            # The network is at hand for reports alone.
            about = replace(
                result,
                features=components.features_of,
                images=components.images_of,
                predict_changed=components.predict_changed,
                inspect=lambda part, places: components.inspect(
                    result.predictions[part], part, places
                ),
                explainers=explainers_by_name(explainers),
            )
            unchanged = partial(unchanged_network, model)
            folder = self.folder.path
            about = write_reports(components.reports, about, folder, self.failures, unchanged)
            fitted = combine(own.calibration for own in about.findings)
            self.folder.update(calibration=fitted.record())
        about = replace(about, features=None, images=None, predict_changed=None)
        return replace(about, inspect=None, explainers={})

    def _data(self) -> DataTable:
        """Read and split the data, and say what they are."""
        with leaders_first(self.machine):  # which looks at the images
            try:
                data = split_data(self.plan, self.say)
            except BadImagesError as error:
                self._list_bad_images(error.bad)
                raise
        self._list_bad_images(data.bad)
        rows, classes = data.rows, self.plan.classes
        if self.plan.train.refit != "none":
            refit_rows(self.plan, rows)  # hours before it is wanted
        marks = run_marks(self.plan, data)
        for note in data.notes:
            self.say(note)
        for part in PARTS:
            self.say(f"{part:5} {counts_line(rows[rows['part'] == part], classes)}")
        if few := classes_with_few_images(rows, classes):
            self.say(
                f"note: fewer than five test images of {', '.join(few)}: their numbers are coarse"
            )
        for mark in marks:
            self.say(f"note: {mark}")
        with leaders_first(self.machine):  # which reads the images
            known = fingerprint(self.plan, rows, self.say)
        self._keep_hashes(data_fingerprint=known, split_hash=split_hash(rows))
        self.folder.update(
            notes=list(data.notes),
            marks=marks,
            classes=list(classes),
            class_counts=class_counts(rows[rows["part"] == "train"], classes),
            leakage=asdict(data.leakage) if data.leakage else None,
        )
        if self.machine.main:
            kept = rows[["id", "lesion", "component", "label", "part"]]
            write_csv(
                self.folder.path / "splits.csv", list(kept.columns), kept.itertuples(index=False)
            )
        return data

    def _list_bad_images(self, bad: Mapping[str, str]) -> None:
        """Write down which image files cannot be decoded, and why."""
        handling = self.plan.components.dataset.host["bad"]
        self.folder.update(bad_images={"images": len(bad), "bad": handling})
        if bad and self.machine.main:
            rows = [
                [name.encode(errors="backslashreplace").decode(), why] for name, why in bad.items()
            ]
            write_csv(self.folder.path / "bad_images.csv", ["path", "reason"], rows)

    def _keep_hashes(self, **hashes: str) -> None:
        """Keep hashes of data, split or draw; a resumed run must find the same."""
        for name, value in hashes.items():
            if self.resumes and self.folder.record.get(name, value) != value:
                raise SkinfwError(
                    f"the run cannot go on: its {name.replace('_', ' ')} has changed",
                    str(self.folder.path),
                    "other images, labels, lesions or masks are there now than when it stopped, or "
                    "an earlier skinfw began it, whose fingerprint was of file sizes",
                    "restore them, or start a new run: skinfw run " + str(self.folder.path),
                )
        self.folder.update(**hashes)

    def _decode(self, rows: pd.DataFrame) -> DecodedImages | None:
        """Decode all images once, where that is wanted and nothing is known to forbid it."""
        plan = self.plan
        if not plan.engine.cache or image_function(plan.dataset):
            return None
        # A quick look would wait for images that it never sees.
        builds = self.machine.leads and not plan.train.limit_batches
        with leaders_first(self.machine):
            return decoded_images(plan, rows, builds, self.say)

    def _build(
        self, rows: pd.DataFrame, decoded: DecodedImages | None
    ) -> tuple[TrainingComponents, Any]:
        """Build the components, and say what the network and an epoch are."""
        plan = self.plan
        components = TrainingComponents.build(plan, rows, self.machine, decoded, self.say)
        self.plan = plan = components.plan  # nothing of it is "auto" any more
        recorded = self.folder.record["recipe"].setdefault("train", {})
        if recorded.get("batch_size") == "auto":
            recorded["batch_size"] = plan.train.batch_size
            self.say(f"train.batch_size = {plan.train.batch_size}, which memory and images allow")
        self.folder.update(
            hardware=components.hardware.record(),
            modalities=modalities_record(components.modalities),
        )
        millions = sum(weights.numel() for weights in components.model.parameters()) / 1e6
        backbone, device = plan.components.backbone.use, components.hardware.device
        self.say(f"{backbone}: {millions:.2f} million parameters on {device}")
        draw = components.epoch_sampler.draw(1)
        repeats = 0 if draw.copies is None else int(draw.copies.sum())
        self.say(f"draw  {len(draw.shown):,} images per epoch, {repeats:,} of them copies")
        by_class = components.xray()
        for line in xray_lines(by_class):
            self.say(line)
        self.folder.update(xray=by_class)
        many = max(entry["most_repeated"] for entry in by_class)
        if many > MANY_REPEATS:
            self.say(f"note: some images come {many} times in each epoch; few remain to learn from")
        self._keep_hashes(draw_hash=draw_hash(draw))
        if self.machine.main:
            self._write_lock(labelled_rows(rows), components.model)
        self._compare()
        heard = [(None, listener) for listener in self.listeners]
        own = components.listeners if self.machine.main else ()
        return components, run_hooks([*heard, *own], self._note)

    def _note(self, component: Any, error: Exception) -> None:
        """Note at once what a tracker could not do, for the run may take long."""
        self.failures.note(component, error)
        self.folder.update(failures=self.failures.record())
        self.say(str(error))

    def _write_lock(self, rows: pd.DataFrame, model: torch.nn.Module) -> None:
        """Keep what the run is made of; compare it with the lock of the run that it repeats."""
        file = self.folder.path / LOCK
        if self.resumes and file.is_file():  # as it began
            return
        now = make_lock(self.plan, rows, model, self.folder.record)
        write_json(file, now)
        packages = {name: own["version"] for name, own in now["packages"].items()}
        self.folder.update(machine=now["machine"], packages=packages)
        if self.lock:
            found = lock_differences(read_lock(self.lock), now)
            if not found.numbers and not found.others:
                self.say("nothing differs from what the run was made of")
            for line in found.others:
                self.say(f"differs, but changes no number: {line}")
            for line in found.numbers:
                self.say(f"differs, and can change numbers: {line}")
            found.refuse(self.lock)

    def _fit(self, components: TrainingComponents, hooks: Any) -> list[dict[str, float]] | None:
        """Train, from the start or from the last state; None where it was stopped."""
        states = self.folder.path / STATES
        saved = load_state(states, self.machine) if self.resumes else SavedState(None)
        state = saved.state
        if saved.note:
            self.say(f"note: {saved.note}")
        best = Path(broadcast(str(self.folder.path / BEST_WEIGHTS), self.machine))
        if state and state["progress"]["history"]:
            read_weights(best)  # hours before they are wanted
        hooks.run_start(**deepcopy(self.folder.start()))
        if state and state["progress"]["epoch"] > self.plan.train.epochs:
            self.say("the training is complete: going on with the evaluation")
        elif state:
            at = state["progress"]
            self.say(f"resuming in epoch {at['epoch']} after {at['batch']} batches")
        elif self.begun:
            self.say("the run had saved no state yet: starting from its first epoch")
        trainer = components.trainer(states, best, hooks)
        for caution in components.cautions(trainer):
            self.say(f"note: {caution}")
        return trainer.at.history if trainer.fit(self.stop, state) else None

    def _evaluate(self, components: TrainingComponents, history: list[dict[str, float]]) -> Result:
        """Evaluate the best weights, on validation and, once, on test."""
        plan, folder = self.plan, self.folder.path
        best = Path(broadcast(str(folder / BEST_WEIGHTS), components.hardware))
        load_weights(best, components.model)
        self.say("evaluating the best epoch ...")
        parts = dict.fromkeys([str(plan.train.validation), "test"])
        evaluators = {part: components.evaluator(part) for part in parts}
        predictions = {part: own.predict(components.model) for part, own in evaluators.items()}
        metrics = {part: compute_metrics(components.metrics, own)
                   for part, own in predictions.items()}  # fmt: skip
        intervals: dict[str, dict[str, Interval]] = {}
        if self.machine.main:
            for part, own in predictions.items():
                write_predictions(folder / PREDICTION_FILES[part], own)
            write_json(folder / "metrics.json", metrics)
            if replicates := plan.evaluate.replicates:
                intervals = {
                    part: compute_intervals(components.metrics, own, replicates, plan.seed)
                    for part, own in predictions.items()
                }
                record = intervals_record(predictions, intervals, replicates)
                write_json(folder / "intervals.json", record)
        epoch = best_epoch(history, plan.train.select)
        self.folder.update(results={"best_epoch": epoch, "select": plan.train.select, **metrics})
        return Result(
            folder,
            plan.recipe.name,
            plan.classes,
            history,
            epoch,
            plan.train.select,
            predictions,
            metrics,
            rows={part: own.rows for part, own in evaluators.items()},
            marks=self.folder.record["marks"],
            intervals=intervals,
            replicates=plan.evaluate.replicates,
            seed=plan.seed,
            record=self.folder.record,
        )

    def _refit(self, components: TrainingComponents, epochs: int) -> bool:
        """Train the network for use, where the recipe wants one; False where it was stopped."""
        if self.plan.train.refit == "none":
            return True
        with self._time("refit"):
            refit = Refit(components, self.folder, epochs)
            return refit.train(self.stop, self.resumes, self.say, self.listeners)

    def _choose(
        self, components: TrainingComponents, result: Result
    ) -> tuple[ExplainerPairs, Result]:
        """Let explainers choose on validation images what the recipe leaves to them, once."""
        part = str(self.plan.train.validation)
        own = result.predictions[part]

        def look() -> Iterator[InspectedImages]:
            places = choose_images(own, CHOICE_IMAGES, 0, self.plan.seed)
            return components.inspect(own, part, places)

        recorded = self.folder.record.get("explainers", ())
        pairs, chosen = choose_all(components.explainers, recorded, look, self.failures, self.say)
        self.folder.update(explainers=chosen)
        return pairs, replace(result, findings=choice_findings(chosen))

    def _explain(
        self, components: TrainingComponents, explainers: ExplainerPairs, result: Result
    ) -> Result:
        """Ask the explainers about some of the test images."""
        images, modalities = components.pictures("test")
        explanations = []
        for component, explainer in explainers:
            with self.failures.contain(component):
                own = explain(
                    component,
                    explainer,
                    components.model,
                    images,
                    result.predictions["test"],
                    components.hardware,
                    self.plan.seed,
                    modalities,
                )
                explanations.append(own)
        for own in explanations:
            if dark := int((own.maps.max(axis=(1, 2)) == 0).sum()):
                self.say(f"note: {own.explainer} found nothing in {dark} images")
        return replace(result, explanations=explanations)

    def _compare(self) -> None:
        """Say what differs from the run that this one repeats or goes on with."""
        old = self.plan.recipe.replays
        if old and not self.lock and (self.begun or not self.resumes):
            hashes = ("data_fingerprint", "split_hash", "draw_hash")
            today = {name: self.folder.record[name] for name in hashes} | run_record(self.plan)
            lines = differences(old, today)
            for line in lines or ["nothing that decides the numbers has changed"]:
                self.say(f"compared with the recorded run: {line}")

    @contextmanager
    def _time(self, stage: str) -> Iterator[None]:
        if self.stop():
            raise KeyboardInterrupt
        start = time.perf_counter()
        try:
            yield
        finally:
            seconds = round(time.perf_counter() - start, 3)
            timings = self.folder.record["timings"]
            timings[stage] = round(timings.get(stage, 0.0) + seconds, 3)
        self.folder.save()


def check_batch_size(plan: Plan, processes: int) -> None:
    """Refuse batches that processes cannot share evenly.

    plan: the checked recipe.
    processes: how many share each batch.
    """
    size = plan.train.batch_size
    if size != "auto" and size % processes:
        raise RecipeError(
            f"train.batch_size {size} cannot be shared by {processes} processes",
            plan.recipe.origin("train", "batch_size").text,
            cure="make it a multiple of the number of processes",
        )


def new_run(plan: Plan, place: Path, name: str = "") -> RunFolder:
    """Make the folder of a run; one whose data are absent never starts, and leaves none.

    plan: the checked recipe.
    place: where the folder is made.
    name: of the folder; recipe and time unless given.
    """
    _refuse_derived(plan)
    check_numbers(plan, load_data(plan).rows)
    return RunFolder.create(place, plan, name)


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
