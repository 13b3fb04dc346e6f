"""What metrics, reports and what follows a run promise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from skinfw.evaluation.reports import private_result
from skinfw.guards.answers import check_list, check_numbers
from skinfw.interfaces.hooks import PROJECT, RUN_HOOKS
from skinfw.interfaces.protocols import AnalysingReport, EvaluationReport, ResamplingMetric
from skinfw.interfaces.values import Findings, Predictions, Result
from skinfw.runtime.seed import stream
from skinfw.statistics.confidence import composed_numbers
from skinfw.statistics.intervals import select
from skinfw.testing import examples
from skinfw.testing.candidate import Candidate
from skinfw.testing.check import BASIC, Checks, refuse
from skinfw.testing.checks.all_kinds import quiet_dice, same_twice
from skinfw.testing.sandbox import sandbox

CHECK = Checks("metric")


def _measure(candidate: Candidate, predictions: Predictions) -> dict[str, float]:
    built = candidate.build(classes=predictions.classes)
    with candidate.component.guard(built):
        return check_numbers(built(predictions))


def _equal(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    return first.keys() == second.keys() and all(
        np.allclose(first[name], second[name], rtol=1e-6, atol=1e-9, equal_nan=True)
        for name in first
    )


@CHECK("answers", "base")
def gives_numbers(candidate: Candidate) -> None:
    """It returns named numbers, at least one of them measured."""
    numbers = _measure(candidate, _predictions(candidate))
    if not any(math.isfinite(value) for value in numbers.values()):
        refuse(f"measured none of {len(numbers)} numbers", "sixty images of all classes suffice")


def _predictions(candidate: Candidate) -> Predictions:
    return examples.predictions(60, candidate.classes, candidate.auxiliary)


@CHECK("order is nothing", "full", needs=(*BASIC, "same again"))
def order_is_nothing(candidate: Candidate) -> None:
    """The order of the images does not matter."""
    predictions = _predictions(candidate)
    order = stream(0, "order").permutation(len(predictions.ids))
    first, second = (_measure(candidate, own) for own in (predictions, select(predictions, order)))
    if not _equal(first, second):
        refuse("measures otherwise in another order", "images are a set")


@CHECK("absent classes", "full")
def absent_classes(candidate: Candidate) -> None:
    """Where no image of a class is there, it has the same names, NaN for what nobody can know."""
    predictions = _predictions(candidate)
    without = select(predictions, np.flatnonzero(predictions.true != 2))
    names, numbers = _measure(candidate, predictions).keys(), _measure(candidate, without)
    if names != numbers.keys():
        lost = ", ".join(sorted(names ^ numbers.keys())[:3])
        refuse(f"names other numbers without a class: {lost}", "names are always the same")
    if endless := [name for name, value in numbers.items() if math.isinf(value)]:
        refuse(f"gives {endless[0]} as infinity", "what cannot be measured is NaN")
    known = [name for name, value in numbers.items() if math.isfinite(value)]
    if guesses := [name for name in known if name.startswith(("recall/", "sensitivity/", "auc/"))
                   and name.endswith(f"/{examples.CLASSES[2]}")]:  # fmt: skip
        refuse(f"knows {guesses[0]} without an image", "what cannot be measured is NaN")


@CHECK("resample is repetition", "base", needs=(*BASIC, "same again"))
def resample_is_repetition(candidate: Candidate) -> None:
    """Weights of resample mean the same as images that are repeated so often."""
    built = candidate.build()
    if not isinstance(built, ResamplingMetric):
        return
    predictions = _predictions(candidate)
    rng = stream(0, "weights")
    weights = rng.multinomial(60, np.full(60, 1 / 60), 3).astype(float)
    with candidate.component.guard(built.resample):
        answer = built.resample(predictions, weights)
    numbers = {name: np.asarray(own) for name, own in answer.items()}
    for place, row in enumerate(weights):
        repeated = select(predictions, np.repeat(np.arange(60), row.astype(int)))
        if not _equal({name: own[place] for name, own in numbers.items()},
                      _measure(candidate, repeated)):  # fmt: skip
            refuse("resamples to other numbers than repetition gives", "intervals rest on it")


@CHECK("composition gives the number", "base", needs=BASIC)
def composition_gives_the_number(candidate: Candidate) -> None:
    """What composition says that numbers are made of gives these numbers."""
    built, predictions = candidate.build(), _predictions(candidate)
    with candidate.component.guard(built):
        composed_numbers(built, predictions, built(predictions))


@CHECK("same again", "base")
def same_again(candidate: Candidate) -> None:
    """Asked again, it gives the same numbers, and draws from no shared generator."""
    predictions = _predictions(candidate)
    same_twice(lambda: _measure(candidate, predictions), _equal, "numbers can be had again")
    with quiet_dice():
        _measure(candidate, predictions)


@CHECK("any classes", "full")
def any_classes(candidate: Candidate) -> None:
    """It measures two classes and eight as it measures three."""
    for classes in (("A", "B"), tuple("ABCDEFGH")):
        _measure(candidate, examples.predictions(80, classes, candidate.auxiliary))


def _report(candidate: Candidate, result: Result) -> None:
    """Let a report analyse and write in a folder of its own."""
    built = candidate.build()
    if candidate.auxiliary:
        parts = {
            part: replace(
                own, auxiliary=examples.auxiliary_answers(len(own.ids), candidate.auxiliary)
            )
            for part, own in result.predictions.items()
        }
        result = replace(result, predictions=parts)
    if isinstance(built, AnalysingReport):
        with candidate.component.guard(built.analyse):
            own = check_list(built.analyse(result), Findings)
        result = replace(result, findings=own)
    with sandbox(result.folder) as box:
        candidate.call(built.write, result, box.folder)
        if isinstance(built, EvaluationReport):
            candidate.call(built.evaluate, result, box.folder)


@CHECK("answers", "base", "report")
def writes(candidate: Candidate) -> None:
    """It writes about a result, and into no file outside the folder that it is given."""
    _report(candidate, private_result(examples.result()))


@CHECK("few images", "full", "report")
def few_images(candidate: Candidate) -> None:
    """It writes about a result of three images, too, which lacks a class."""
    result = private_result(examples.result())
    few = {part: select(own, np.arange(3)) for part, own in result.predictions.items()}
    rows = {part: own.iloc[:3] for part, own in result.rows.items()}
    _report(candidate, replace(result, predictions=few, rows=rows, intervals={}, features=None))


@CHECK("leaves the result", "full", "report")
def leaves_the_result(candidate: Candidate) -> None:
    """It changes nothing in the result, which others write about after it."""
    result = private_result(examples.result())
    before = repr((result.metrics, result.history, result.intervals))
    tables = {part: own.copy() for part, own in result.rows.items()}
    _report(candidate, result)
    same = all(tables[part].equals(own) for part, own in result.rows.items())
    if not same or before != repr((result.metrics, result.history, result.intervals)):
        refuse("changed the result", "a report reads; what it changes, it copies")


@CHECK("global dice alone", "full", "report")
def report_leaves_global_dice(candidate: Candidate) -> None:
    """It draws nothing from random generators that all of the process shares."""
    with quiet_dice():
        _report(candidate, private_result(examples.result()))


@CHECK("answers", "base", "track")
def follows(candidate: Candidate) -> None:
    """It hears of a run from its start to its end, and writes into no other folder."""
    built, result = candidate.build(), private_result(examples.result())
    own = {name: getattr(built, name, None) for name in RUN_HOOKS}
    hooks = {name: hook for name, hook in own.items() if hasattr(hook, f"{PROJECT}_impl")}
    if not hooks:
        refuse("has no run hook", "mark a method such as epoch_end with skinfw.hookimpl")
    with sandbox() as box:
        said: dict[str, dict[str, Any]] = {
            "run_start": {
                "folder": box.folder,
                "recipe": {},
                "lineage": {"recipe": "tried"},
                "rehearsal": True,
            },
            "epoch_start": {"epoch": 1, "epochs": 1, "steps": 1, "images": 8},
            "step_end": {"step": 1, "images": 8, "loss": 0.5},
            "epoch_end": {"record": dict(result.history[0])},
            "run_end": {"result": replace(result, folder=box.folder)},
        }
        for name, words in said.items():
            if name in hooks:
                _hear(candidate, hooks[name], words)


def _hear(candidate: Candidate, hook: Any, words: Mapping[str, Any]) -> None:
    """Call a hook with the arguments that it names."""
    import inspect

    names = inspect.signature(hook).parameters
    with candidate.component.guard(hook):
        hook(**{name: value for name, value in words.items() if name in names})
