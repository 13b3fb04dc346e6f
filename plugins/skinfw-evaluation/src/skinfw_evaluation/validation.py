"""One run on several data sets: what its numbers are there, and how far they drop from home."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pandas as pd

from skinfw import (
    UNKNOWN,
    ClassGroup,
    Estimate,
    Predictions,
    SkinfwError,
    ValidationNumber,
    ValidationSet,
    few_lesions,
)
from skinfw.toolkit import (
    DataPlan,
    Metrics,
    ModelEvaluator,
    TrainedModel,
    align,
    build_components,
    compute_intervals,
    compute_metrics,
    dataset_name,
    read_rows,
    run_predictions,
    shared_with,
    with_modalities,
)
from skinfw_evaluation.rollup import MALIGNANCY, class_groups, malignancy, roll_up

Say = Callable[[str], None]
HOME = "home"
THRESHOLD = 0.5


@dataclass(frozen=True)
class Foreign:
    """Hold what the network says of the images of another data set.

    predictions: in the network's classes; what is true stands in `labels`.
    labels: of each image, [N].
    """

    predictions: Predictions
    labels: Sequence[str]


@dataclass(frozen=True)
class Validator:
    """Judge one network on several data sets.

    model: of a run folder.
    replicates: how often lesions are drawn again for an interval.
    """

    model: TrainedModel
    replicates: int

    @cached_property
    def threshold(self) -> float:
        """The chance from which the run calls an image malignant."""
        tables: Sequence[Mapping[str, Any]] = self.model.tables.get("metric", ())
        own = [table for table in tables if table["use"].rpartition(":")[2] == "malignancy"]
        return float(own[0].get("threshold", THRESHOLD)) if own else THRESHOLD

    @cached_property
    def test(self) -> Predictions:
        """What the run has said of its own test part."""
        return run_predictions(self.model.path)

    @cached_property
    def _evaluator(self) -> ModelEvaluator:
        return ModelEvaluator(self.model)

    def home(self) -> ValidationSet:
        """Return the numbers of the run's own test part, in the network's own classes."""
        groups = class_groups({name: (name,) for name in self.test.classes}, self.test.classes)
        numbers = {
            name: ValidationNumber(value, Estimate(math.nan), Estimate(math.nan), images, lesions)
            for view in self._at_home(groups)
            for name, value, images, lesions in self._measure(view)
        }
        return ValidationSet(
            HOME,
            dataset_name(self.model.tables),
            len(self.test.ids),
            len(set(self.test.lesions)),
            groups=groups,
            numbers=numbers,
            notes=_few(self.test),
        )

    def judge(
        self, name: str, plan: DataPlan, part: str, names: Mapping[str, str], say: Say
    ) -> tuple[ValidationSet, Foreign]:
        """Return the numbers of another data set beside those of the same classes at home.

        name: of the data set.
        plan: what a recipe says of it.
        part: "all", or one of the parts.
        names: from a label to a class of the network, to UNK or to nothing; they win over the
            table of diagnoses.
        say: told what is left out.
        Raises SkinfwError where no image is left whose label the network can be judged by.
        """
        notes: list[str] = []

        def note(line: str) -> None:
            notes.append(line.removeprefix("note: "))
            say(line)

        table = read_rows(plan, part, note).reset_index(drop=True)
        alignment = align(table, self.model.classes, names)
        table = table.assign(label=alignment.labels)
        learned = shared_with(plan, self.model, table, self.model.learned)
        tested = shared_with(plan, self.model, table, ("test",)) & ~learned
        table = table[~learned & ~tested].reset_index(drop=True)
        shown = set(table["label"])
        answers = {label: own for label, own in alignment.answers.items() if label in shown}
        groups = class_groups(answers, self.model.classes)
        foreign = self._predict(table, plan, note)
        there = [
            roll_up(foreign.predictions, foreign.labels, groups),
            malignancy(foreign.predictions, [names.get(one, one) for one in foreign.labels]),
        ]
        if there == [None, None]:
            raise _no_counterpart(plan, self.model)
        left_out = {"learned": int(learned.sum()), "home": int(tested.sum())}
        for kind, view in zip(("no_counterpart", "no_malignancy"), there, strict=True):
            left_out[kind] = len(table) - (len(view.ids) if view else 0)
        notes += _unanswered(table["label"], groups)
        numbers: dict[str, ValidationNumber] = {}
        for far, near in zip(there, self._at_home(_by_class(groups)), strict=True):
            numbers |= self._compare(far, near)
        lesions = len(set(foreign.predictions.lesions))
        notes += _few(there[0]) if there[0] else []
        dataset = plan.components.dataset.use
        return ValidationSet(
            name, dataset, len(table), lesions, left_out, groups, numbers, notes
        ), foreign

    def _predict(self, table: pd.DataFrame, plan: DataPlan, say: Say) -> Foreign:
        """Ask the network about images, whatever their labels."""
        if table.empty:
            raise SkinfwError(
                "there is no image to evaluate",
                plan.components.dataset.origin.text,
                "the network has learned from all of them, or they are its own test part",
                "choose another data set",
            )
        rows = with_modalities(table, self.model, plan, say).assign(label=UNKNOWN)
        answers = self._evaluator.predict(rows, plan.dataset)
        classes = self.model.classes
        own = replace(
            answers, probabilities=answers.probabilities[:, : len(classes)], classes=classes
        )
        return Foreign(own, table["label"].tolist())

    def _at_home(self, groups: Sequence[ClassGroup]) -> list[Predictions | None]:
        """Return what the run has said of its test part, by group of classes and by malignancy."""
        labels = [self.test.classes[label] for label in self.test.true.tolist()]
        return [roll_up(self.test, labels, groups), malignancy(self.test, labels)]

    def _compare(
        self, there: Predictions | None, home: Predictions | None
    ) -> dict[str, ValidationNumber]:
        """Return the numbers of a data set beside those at home.

        Where not the same classes have images, numbers of all classes together are not comparable.
        """
        near = {name: value for name, value, *_ in self._measure(home)}
        if there and home and {*there.true.tolist()} != {*home.true.tolist()}:
            near = {name: value for name, value in near.items() if "/" in name}
        absent = Estimate(math.nan)
        return {
            name: ValidationNumber(
                value, near.get(name, absent), drop(near.get(name, absent), value), images, lesions
            )
            for name, value, images, lesions in self._measure(there)
        }

    def _measure(self, predictions: Predictions | None) -> list[tuple[str, Estimate, int, int]]:
        """Return each number with its interval, and the images and lesions that it rests on."""
        if predictions is None:
            return []
        metrics = self._metrics(predictions.classes)
        seed = int(self.model.tables.get("seed", 0))
        numbers = compute_metrics(metrics, predictions)
        bounds = compute_intervals(metrics, predictions, self.replicates, seed)
        images, lesions = len(predictions.ids), len(set(predictions.lesions))
        shown = {predictions.classes[label] for label in predictions.true.tolist()}
        return [
            (name, Estimate(value, *bounds[name]), images, lesions)
            for name, value in numbers.items()
            if "/" not in name or name.partition("/")[2] in shown
        ]

    def _metrics(self, classes: tuple[str, ...]) -> Metrics:
        """Return what measures predictions of some classes."""
        table: dict[str, Any] = {"use": "classification"}
        if classes == MALIGNANCY:
            table = {
                "use": "malignancy",
                "malignant": ["malignant"],
                "threshold": self.threshold,
                **{key: [] for key in ("specificities", "sensitivities", "acted_at")},
            }
        other = replace(self.model, classes=classes, tables={"metric": [table]})
        return build_components(other.components("metric"), classes)


def drop(home: Estimate, there: Estimate) -> Estimate:
    """Return how far a number drops from home, with the 95 % interval of the difference.

    home, there: of lesions that have nothing to do with each other.
    The interval is MOVER's (Zou and Donner 2008, Statistics in Medicine 27, equation 4): the two
    squared distances from a number to the end of its interval are added.
    """
    apart = home.value - there.value
    return Estimate(
        apart,
        apart - math.hypot(home.value - home.low, there.high - there.value),
        apart + math.hypot(home.high - home.value, there.value - there.low),
    )


def _by_class(groups: Sequence[ClassGroup]) -> list[ClassGroup]:
    """Return groups whose labels are the network's own classes, as its own data have them."""
    return [replace(own, labels=own.classes) for own in groups]


def _unanswered(labels: pd.Series[str], groups: Sequence[ClassGroup]) -> list[str]:
    """Return a sentence about labels that no class of the network answers, none without them."""
    known = {label for own in groups for label in own.labels}
    counts = labels[~labels.isin(known)].value_counts().sort_index()
    told = ", ".join(f"{label} ({count:,})" for label, count in counts.items())
    return [f"no class of the network answers {told}"] if told else []


def _few(predictions: Predictions) -> list[str]:
    """Return a sentence about classes with few lesions, none where there are none."""
    few = {name: count for name, count in few_lesions(predictions).items() if count}
    told = ", ".join(f"{name} ({count})" for name, count in few.items())
    return [f"few lesions, so that one moves the numbers: {told}"] if told else []


def _no_counterpart(plan: DataPlan, model: TrainedModel) -> SkinfwError:
    return SkinfwError(
        "no label of the data set has a counterpart among the classes of the network",
        plan.components.dataset.origin.text,
        f"the network answers {', '.join(model.classes)}; the data set has "
        f"{', '.join(plan.classes)}",
        "name the class of a label, such as --map naevus=NV",
    )
