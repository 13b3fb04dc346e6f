"""Measure predictions by the metrics of a recipe, and how far the numbers may be from the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from skinfw.errors import AnswerError, RecipeError, SkinfwError
from skinfw.guards.answers import check_numbers
from skinfw.interfaces.protocols import Metric, ResamplingMetric
from skinfw.interfaces.values import Auxiliary, Interval, Modalities, Predictions
from skinfw.recipe.component import PlannedComponent
from skinfw.recipe.plan import Plan
from skinfw.registry.names import did_you_mean
from skinfw.runtime.seed import stream
from skinfw.statistics.confidence import confidence_intervals
from skinfw.statistics.intervals import repeat_images, resample

Metrics = Sequence[tuple[PlannedComponent[Metric], Metric]]
"""Metrics as a recipe names them, with what they built."""

RESERVED = (
    "epoch", "lr", "train_loss", "train_accuracy", "val_loss", "seconds", "images_per_second",
)  # fmt: skip
"""The columns of history.csv that are no metric's."""


Names = dict[int, frozenset[str]]
"""The names of the numbers of each metric, by its place."""


def compute_metrics(
    metrics: Metrics, predictions: Predictions, names: Names | None = None
) -> dict[str, float]:
    """Return the named numbers of all metrics.

    metrics: pairs of plan and object.
    predictions: of one part.
    names: of earlier predictions of this part, which must be the same; empty for the first ones,
        and filled.
    """
    numbers: dict[str, float] = {}
    owners = dict.fromkeys(RESERVED, "the history of a run")
    for place, (component, metric) in enumerate(metrics):
        with component.guard(metric):
            own = check_numbers(metric(predictions.copy()))
            if names is not None:
                _check_names(names.setdefault(place, frozenset(own)), own)
            for name in own:
                if name in owners:
                    raise AnswerError(
                        f'gave the number "{name}", which {owners[name]} has',
                        "each number has a name of its own",
                    )
        numbers |= own
        owners |= dict.fromkeys(own, component.entry.label)
    return numbers


def applicable_metrics(metrics: Metrics, predictions: Predictions) -> tuple[Metrics, list[str]]:
    """Return the metrics that predictions from a table can be measured by, and why others cannot.

    A table holds no auxiliary outputs, so that a metric of these has nothing to measure.
    """
    kept, notes = [], []
    for component, metric in metrics:
        try:
            with component.guard():
                metric(predictions)
        except SkinfwError as error:
            notes.append(f"{component.use} is not measured: {error.what}")
        else:
            kept.append((component, metric))
    return kept, notes


def _check_names(before: frozenset[str], own: Mapping[str, float]) -> None:
    if other := before ^ set(own):
        came = "no longer gave" if min(other) in before else "now gave"
        raise AnswerError(f'{came} the number "{min(other)}"', "each epoch has the same numbers")


def refuse_nan(metrics: Metrics, names: Names, select: str, values: Sequence[float]) -> None:
    """Refuse a metric whose number is to choose the epoch and is never one.

    names: as `compute_metrics` filled them.
    select: the name of the number.
    values: in all epochs so far.
    """
    for place, own in names.items():
        if select in own and np.isnan(values).all():
            component, metric = metrics[place]
            with component.guard(metric):
                raise AnswerError(
                    f'gave "{select}" as NaN in all {len(values)} epochs',
                    "this number, train.select, chooses the epoch that is kept",
                )


def compute_intervals(
    metrics: Metrics, predictions: Predictions, replicates: int, seed: int
) -> dict[str, Interval]:
    """Return the 95 % intervals of the numbers of all metrics, each by its method.

    metrics: pairs of plan and object.
    predictions: of one part.
    replicates, seed: of the lesions that are drawn again, the same for all metrics.
    """
    intervals: dict[str, Interval] = {}
    for component, metric in metrics:
        with component.guard(metric):
            _check_resample(metric, predictions, seed)
            intervals |= confidence_intervals(metric, predictions.copy(), replicates, seed)
    return intervals


def _check_resample(metric: Metric, predictions: Predictions, seed: int) -> None:
    """Refuse a metric whose `resample` is not what repeated images give; intervals rest on it.

    No image is left out, so that no class becomes absent.
    """
    if not isinstance(metric, ResamplingMetric):
        return
    times = 1 + stream(seed, "resample").integers(0, 2, len(predictions.ids)).astype(np.float64)
    weighted = resample(metric, predictions.copy(), times[None])
    for name, value in metric(repeat_images(predictions, times)).items():
        if name not in weighted:
            raise AnswerError(f'has no "{name}" in resample', "resample gives the same names")
        own = float(weighted[name][0])
        if not np.isclose(own, value, rtol=1e-5, atol=1e-8, equal_nan=True):
            raise AnswerError(
                f'resamples "{name}" to {own:.6g}, where repeated images give {value:.6g}',
                "weights of resample mean the same as images that are repeated so often",
            )


def selectable_names(
    classes: tuple[str, ...], metrics: Metrics, modalities: Modalities
) -> list[str]:
    """Return the names of what is measured of the validation part after each epoch.

    classes: of the data set.
    metrics: pairs of plan and object.
    modalities: for the auxiliary outputs that metrics may ask for.
    """
    trial = trial_predictions(classes, modalities)
    return [*compute_metrics(metrics, trial), "val_loss"]


def trial_predictions(classes: tuple[str, ...], modalities: Modalities) -> Predictions:
    """Return predictions by which a metric can be tried, two images of each class.

    classes, modalities: as for `selectable_names`.
    """
    true = np.arange(2 * len(classes)) % len(classes)
    even = np.full((len(true), len(classes)), 1 / len(classes))
    ids = [str(index) for index in range(len(true))]
    some = np.zeros(len(true), np.int64)
    beside = {
        name: Auxiliary(values, some, np.full((len(true), len(values)), 1 / len(values)))
        for name, values in modalities.auxiliary.items()
    }
    return Predictions(ids, ids, true, even, classes, 0.0, beside)


def check_select(plan: Plan, metrics: Metrics, modalities: Modalities) -> None:
    """Refuse a `select` that can choose no epoch, before training and not after its first epoch.

    plan: the checked recipe.
    metrics: pairs of plan and object.
    modalities: for the auxiliary outputs that metrics may ask for.
    """
    names = selectable_names(plan.classes, metrics, modalities)
    whole = [name for name in names if "/" not in name]
    select, where = plan.train.select, plan.recipe.origin("train", "select").text
    if ("train", "select") not in plan.recipe.origins:  # who named the metrics left it out
        where = plan.recipe.origin("metric").text
    if select not in names:
        raise RecipeError(
            f'train.select names no number: "{select}"{did_you_mean(select, names)}',
            where,
            f"the metrics of this recipe give {', '.join(whole)}, and numbers of classes",
            "set train.select to one of them, or write add = true in [[metric]] to keep the others",
        )
    if any(select in getattr(metric, "smaller_is_better", ()) for _, metric in metrics):
        raise RecipeError(
            f'train.select is "{select}", which is better small',
            where,
            "the epoch with the largest number is kept",
            'choose another number, or "val_loss"',
        )
