"""One run, read top to bottom: data, split, fit, evaluate, explain, report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinfw.build import Plan
from skinfw.contracts import Predictions, Result
from skinfw.errors import RecipeError, SkinfwError, unwritable
from skinfw.hooks import run_hooks
from skinfw.names import did_you_mean
from skinfw.record import RunFolder, describe, differences, write_json
from skinfw.table import (
    class_counts,
    fingerprint,
    read_table,
    split_hash,
    split_table,
    straddling,
)

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Say = Callable[[str], None]


def execute(
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
        from skinfw.engine.device import choose, share

        self.plan, self.folder, self.resumes = plan, folder, resumes
        self.hardware = choose(plan.engine)
        self.folder.path = Path(share(str(folder.path), self.hardware))
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
        with self._timed("build"):
            training = self._build(table)
        with self._timed("train"):
            complete = self._fit(training)
        if not complete:
            return None
        with self._timed("evaluate"):
            result = self._evaluate(training, table)
        if self.hardware.main:
            with self._timed("explain"):
                result = self._explain(result)
            with self._timed("report"):
                self._report(result)
        self.hooks.run_end(result=result)
        return result

    def _data(self) -> pd.DataFrame:
        """Read and split the data, and say what they are."""
        from skinfw.engine.seed import stream

        table = read_table(self.plan)
        notes = table.attrs["notes"]
        table = split_table(self.plan, table, stream(self.plan.seed, "split"))
        for note in notes:
            self.say(note)
        for part in ("train", "val", "test"):
            counts = class_counts(table[table["part"] == part], self.plan.classes)
            self.say(f"{part:5} {counts}")
        marks = self._marks(table)
        for mark in marks:
            self.say(f"note: {mark}")
        self._keep_hashes(data_fingerprint=fingerprint(table), split_hash=split_hash(table))
        self.folder.update(notes=notes, marks=marks, classes=list(self.plan.classes))
        self._keep("splits.csv", table[["id", "lesion", "label", "part"]])
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

    def _marks(self, table: pd.DataFrame) -> list[str]:
        """Return what a reader must know before believing the numbers of this run."""
        train = self.plan.train
        marks = []
        if shared := straddling(table):
            marks.append(
                f"{len(shared):,} lesions have images in more than one part, "
                "so the test numbers are too good"
            )
        if train.validation == "test":
            marks.append("the best epoch is chosen on the test part, so its numbers are too good")
        if train.limit_batches:
            marks.append(f"a quick look: {train.limit_batches} training batches per epoch")
        if train.limit_eval_batches:
            marks.append(f"a quick look: {train.limit_eval_batches} evaluation batches")
        return marks

    def _build(self, table: pd.DataFrame) -> Any:
        """Build every part of the training."""
        import torch

        from skinfw.engine.data import Chain, EvalImages, Loader, TrainImages
        from skinfw.engine.evaluate import measure
        from skinfw.engine.loop import Training
        from skinfw.engine.sampling import Drawer, draw_hash, embed
        from skinfw.engine.seed import torch_seed

        plan, hardware = self.plan, self.hardware
        self.view = plan.one("view").make(size=plan.image.size)
        self.metrics = [(part, part.make()) for part in plan.parts.get("metric", ())]
        self._check_select(measure)
        rows, labels, source = self._part(table, "train")
        counts = [int((labels == index).sum()) for index in range(len(plan.classes))]
        torch.manual_seed(torch_seed(plan.seed, "init"))
        backbone = plan.one("backbone")
        self.model = backbone.make(
            variant=backbone.found.variant, classes=plan.classes, size=plan.image.size
        )
        self.model.to(hardware.device).to(memory_format=hardware.memory_format)
        parameters = sum(weights.numel() for weights in self.model.parameters())
        self.say(f"{backbone.use}: {parameters / 1e6:.2f} million parameters on {hardware.device}")
        self._check_backbone()
        loss = plan.one("loss")
        self.loss = loss.guarded(loss.make(classes=plan.classes, counts=counts))
        ops = [(part, part.make(size=plan.image.size)) for part in plan.parts.get("augment", ())]
        explainers = [(part, part.make()) for part in plan.parts.get("explainer", ())]
        reports = [(part, part.make()) for part in plan.parts.get("report", ())]
        tracks = [(part, part.make()) for part in plan.parts.get("track", ())]
        weighting = [(part, part.make()) for part in plan.parts.get("weighting", ())]
        sampler = plan.one("sampler").make()
        self.explainers, self.reports = explainers, reports
        mine = [(plan.one("sampler"), sampler), *weighting, *tracks, *reports]
        self.hooks = run_hooks(
            [(None, listener) for listener in self.listeners] + (mine if hardware.main else [])
        )
        views = EvalImages(source, labels, self.view)

        def embedding(indices: Any) -> Any:
            return embed(self.model, views, indices, self._eval_batch(), hardware)

        drawer = Drawer(
            plan.one("sampler"),
            sampler,
            labels,
            plan.classes,
            source,
            embedding,
            plan.seed,
            hardware,
        )
        draw = drawer.draw(1)
        drawn = rows["label"].to_numpy()[draw.indices]
        repeats = 0 if draw.copies is None else int(draw.copies.sum())
        per_class = ", ".join(f"{name} {int((drawn == name).sum()):,}" for name in plan.classes)
        self.say(f"draw  {len(drawn):,} images per epoch, {repeats:,} of them copies: {per_class}")
        self._keep_hashes(draw_hash=draw_hash(draw))
        self._compare()

        def class_weight(epoch: int) -> torch.Tensor | None:
            if not weighting:
                return None
            with plan.one("weighting").guard():
                weights = weighting[0][1].weights(counts, epoch, plan.train.epochs)
            return torch.as_tensor(weights, dtype=torch.float32)

        return Training(
            settings=plan.train,
            seed=plan.seed,
            model=self.model,
            loss=self.loss,
            make_optimizer=lambda model: plan.one("optimizer").make(model=model),
            make_schedule=lambda optimizer, steps, epochs: plan.one("schedule").make(
                optimizer=optimizer, steps=steps, epochs=epochs
            ),
            class_weight=class_weight,
            drawer=drawer,
            loader=Loader(
                TrainImages(source, labels, Chain(ops, plan.image.size), self.view, plan.seed),
                hardware,
            ),
            validator=self._evaluator(table, plan.train.validation),
            metrics=self.metrics,
            hardware=hardware,
            folder=self.folder.path,
            hooks=self.hooks,
            about={
                "backbone": backbone.use,
                "classes": ",".join(plan.classes),
                "size": str(plan.image.size),
            },
            save_minutes=plan.engine.save_minutes,
        )

    def _fit(self, training: Any) -> bool:
        """Train, from the start or from the last state."""
        import torch

        from skinfw.engine.state import load_state

        state = load_state(self.folder.path) if self.resumes else None
        self.hooks.run_start(folder=self.folder.path, recipe=self.folder.record["recipe"])
        if state:
            at = state["progress"]
            self.say(f"resuming in epoch {at['epoch']} after {at['batch']} batches")
        elif self.resumes:
            self.say("the run had saved no state yet: starting from its first epoch")
        try:
            return bool(training.fit(state))
        except torch.OutOfMemoryError as error:
            raise SkinfwError(
                "the device has not enough memory",
                why=str(error).splitlines()[0],
                cure="lower train.batch_size and raise train.accumulate by the same factor",
            ) from error

    def _evaluate(self, training: Any, table: pd.DataFrame) -> Result:
        """Judge the best weights, on validation and, once, on test."""
        from skinfw.engine.device import share
        from skinfw.engine.evaluate import measure
        from skinfw.engine.loop import BEST, best_epoch
        from skinfw.engine.state import load_weights

        select, history = self.plan.train.select, training.at.history
        best_weights = share(str(self.folder.path / BEST), self.hardware)
        load_weights(Path(best_weights), self.model)
        self.model.to(self.hardware.device)
        parts = dict.fromkeys((self.plan.train.validation, "test"))
        judges = {part: self._evaluator(table, part) for part in parts}
        predictions: dict[str, Predictions] = {
            part: judge.predict(self.model) for part, judge in judges.items()
        }
        metrics = {part: measure(self.metrics, found) for part, found in predictions.items()}
        self._test = judges["test"].images
        best = best_epoch(history, select)
        if self.hardware.main:
            write_json(self.folder.path / "metrics.json", metrics)
        self.folder.update(results={"best_epoch": best, "select": select, **metrics})
        return Result(
            self.folder.path,
            self.plan.recipe.name,
            self.plan.classes,
            history,
            best,
            select,
            predictions,
            metrics,
            marks=self.folder.record["marks"],
        )

    def _explain(self, result: Result) -> Result:
        """Ask the explainers about some test images."""
        from skinfw.engine.explain import explain

        found = [
            explain(
                part,
                explainer,
                self.model,
                self._test,
                result.predictions["test"],
                self.hardware,
                self.plan.seed,
            )
            for part, explainer in self.explainers
        ]
        return replace(result, explanations=found)

    def _report(self, result: Result) -> None:
        for part, report in self.reports:
            with part.guard():
                report.write(result, self.folder.path)

    def _check_backbone(self) -> None:
        """Try the backbone on one black image, before hours of training."""
        import torch

        backbone, size = self.plan.one("backbone"), self.plan.image.size
        self.model.eval()
        with backbone.guard(), torch.no_grad():
            logits = self.model(torch.zeros(1, 3, size, size, device=self.hardware.device))
        self.model.train()
        if tuple(logits.shape) != (1, len(self.plan.classes)):
            raise SkinfwError(
                f"{backbone.found.label} returns {tuple(logits.shape)} for one image",
                backbone.origin.text,
                f"logits must be (1, {len(self.plan.classes)}), one per class",
                f"report it to {backbone.found.plugin.distribution}",
            )
        if self.plan.parts.get("explainer"):
            with backbone.guard():
                self.model.get_submodule(str(self.model.cam_layer))

    def _check_select(self, measure: Callable[..., dict[str, float]]) -> None:
        """Refuse an unknown `select` before training, not after the first epoch."""
        import numpy as np

        classes = self.plan.classes
        true = np.arange(2 * len(classes)) % len(classes)
        even = np.full((len(true), len(classes)), 1 / len(classes))
        ids = [str(index) for index in range(len(true))]
        trial = Predictions(ids, ids, true, even, classes, 0.0)
        names = [*measure(self.metrics, trial), "val_loss"]
        select = self.plan.train.select
        if select not in names:
            raise RecipeError(
                f'train.select names no number: "{select}"{did_you_mean(select, names)}',
                self.plan.recipe.origin("train", "select").text,
                cure=f"the metrics of this recipe give {', '.join(names)}",
            )

    def _compare(self) -> None:
        """Say what differs from the run that this one repeats or goes on with."""
        if old := self.plan.recipe.replays:
            hashes = ("data_fingerprint", "split_hash", "draw_hash")
            today = {name: self.folder.record[name] for name in hashes} | describe(self.plan)
            said = differences(old, today)
            for line in said or ["nothing that decides the numbers has changed"]:
                self.say(f"compared with the recorded run: {line}")

    def _part(self, table: pd.DataFrame, part: str) -> tuple[pd.DataFrame, np.ndarray, Any]:
        """Return the rows, labels and images of one part."""
        from skinfw.engine.data import Source

        rows = table[table["part"] == part].reset_index(drop=True)
        places = {name: index for index, name in enumerate(self.plan.classes)}
        labels = rows["label"].map(places).to_numpy("int64")
        draw = getattr(self.plan.dataset, "image", None)
        if draw is not None:
            draw = self.plan.one("dataset").guarded(draw)
        return rows, labels, Source(rows["path"].tolist(), rows["id"].tolist(), draw)

    def _images(self, table: pd.DataFrame, part: str) -> Any:
        from skinfw.engine.data import EvalImages

        _, labels, source = self._part(table, part)
        return EvalImages(source, labels, self.view)

    def _evaluator(self, table: pd.DataFrame, part: str) -> Any:
        from skinfw.engine.evaluate import Evaluator

        rows, _, _ = self._part(table, part)
        size = self._eval_batch()
        if limit := self.plan.train.limit_eval_batches:
            rows = self._spread(rows, limit * size)
            table = rows.assign(part=part)
        return Evaluator(
            rows, self._images(table, part), self.plan.classes, self.loss, size, self.hardware
        )

    @staticmethod
    def _spread(rows: pd.DataFrame, count: int) -> pd.DataFrame:
        """Take some rows, evenly over the part, so that a quick look sees all sources."""
        step = max(1, len(rows) // count)
        return rows.iloc[::step].head(count).reset_index(drop=True)

    def _eval_batch(self) -> int:
        return self.plan.engine.eval_batch_size or 2 * self.plan.train.batch_size

    def _keep(self, name: str, rows: pd.DataFrame) -> None:
        if self.hardware.main:
            try:
                rows.to_csv(self.folder.path / name, index=False)
            except OSError as error:
                raise unwritable(self.folder.path / name, error) from error

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
