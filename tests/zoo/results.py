"""Metrics, reports and what follows a run, right and wrong."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from click.testing import CliRunner

import skinfw
from skinfw import Task, TaskEnd
from skinfw.cli import main
from skinfw.metrics import Rate
from zoo.register import right, wrong


@right("metric")
class Hits:
    """Measure how often the answer is right."""

    def __call__(self, predictions: Any) -> Any:
        once = np.ones((1, len(predictions.ids)))
        return {name: own[0] for name, own in self.resample(predictions, once).items()}

    def resample(self, predictions: Any, weights: Any) -> Any:
        hits = predictions.predicted == predictions.true
        return {"hits": weights @ hits / weights.sum(1)}


@wrong("metric", "answers")
class ListMetric(Hits):
    """Return no names."""

    def __call__(self, predictions: Any) -> Any:
        return [1.0]


@wrong("metric", "order is nothing")
class FirstMetric(Hits):
    """Look at the first image."""

    def resample(self, predictions: Any, weights: Any) -> Any:
        sure = predictions.probabilities.max(1)
        return {"first": np.array([sure[np.flatnonzero(row)[0]] for row in weights])}


@wrong("metric", "absent classes")
class PresentOnly(Hits):
    """Name what is there."""

    def resample(self, predictions: Any, weights: Any) -> Any:
        present = sorted({predictions.classes[label] for label in predictions.true})
        hits = super().resample(predictions, weights)["hits"]
        return {f"hits/{name}": hits for name in present}


@wrong("metric", "resample is repetition")
class SquaredWeights(Hits):
    """Count repeats twice."""

    def resample(self, predictions: Any, weights: Any) -> Any:
        return super().resample(predictions, weights**2)


@wrong("metric", "composition gives the number")
class Misses(Hits):
    """Say that it is made of what is wrong."""

    def composition(self, predictions: Any) -> Any:
        wrong = predictions.predicted != predictions.true
        return {"hits": Rate(wrong, np.ones(len(wrong), bool))}


@wrong("metric", "same again")
class BootstrappedMetric(Hits):
    """Draw images without a seed."""

    def __call__(self, predictions: Any) -> Any:
        count = len(predictions.ids)
        row = np.random.default_rng().dirichlet(np.ones(count))
        return {"hits": self.resample(predictions, row[None])["hits"][0]}


@wrong("metric", "any classes")
class ThreeClasses(Hits):
    """Know three classes."""

    def resample(self, predictions: Any, weights: Any) -> Any:
        if len(predictions.classes) != 3:
            raise IndexError("list index out of range")
        return super().resample(predictions, weights)


@right("report")
class Short:
    """Write one number."""

    def write(self, result: Any, folder: Path) -> None:
        (folder / "short.json").write_text(json.dumps(dict(result.metrics["test"])))


@wrong("report", "answers")
class Outside(Short):
    """Write beside its folder."""

    def write(self, result: Any, folder: Path) -> None:
        super().write(result, folder)
        Path("short.json").write_text("{}")


@wrong("report", "leaves the result")
class Polishing(Short):
    """Improve a number."""

    def write(self, result: Any, folder: Path) -> None:
        result.metrics["test"]["accuracy"] = 1.0
        super().write(result, folder)


@wrong("report", "few images")
class ManyImages(Short):
    """Want ten images."""

    def write(self, result: Any, folder: Path) -> None:
        if len(result.predictions["test"].ids) < 4:
            raise IndexError("too few")
        super().write(result, folder)


@wrong("report", "global dice alone")
class LoudReport(Short):
    """Throw everybody's dice, for nothing."""

    def write(self, result: Any, folder: Path) -> None:
        np.random.rand()
        super().write(result, folder)


@right("track")
class Epochs:
    """Count epochs."""

    @skinfw.hookimpl
    def epoch_end(self, record: Any) -> None:
        self.epoch = record["epoch"]


@wrong("track", "answers")
class NoHooks:
    """Follow nothing, without the marker."""

    def epoch_end(self, record: Any) -> None:
        self.epoch = record["epoch"]


@right("launcher")
class Here:
    """Carry out tasks in this process, one after the other."""

    def launch(self, tasks: Iterable[Task], say: Callable[[str], None]) -> Iterator[TaskEnd]:
        for task in tasks:
            done = CliRunner().invoke(main, task.words)
            task.log.write_text(done.output)
            yield TaskEnd(task, done.exit_code)


@wrong("launcher", "answers")
class Optimist(Here):
    """Call everything done."""

    def launch(self, tasks: Iterable[Task], say: Callable[[str], None]) -> Iterator[TaskEnd]:
        for end in super().launch(tasks, say):
            yield TaskEnd(end.task, 0)


@wrong("launcher", "answers")
class Forgetful(Here):
    """Lose the last task."""

    def launch(self, tasks: Iterable[Task], say: Callable[[str], None]) -> Iterator[TaskEnd]:
        ends = list(super().launch(tasks, say))
        yield from ends[:-1]


@wrong("launcher", "nothing to do")
class Impatient(Here):
    """Think that there is always a task."""

    def launch(self, tasks: Iterable[Task], say: Callable[[str], None]) -> Iterator[TaskEnd]:
        first, *others = tasks
        yield from super().launch([first, *others], say)
