"""`torchmetrics/*`: the numbers of TorchMetrics for classifications into several classes."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from skinfw import Predictions
from skinfw_bridges.signatures import LibraryParameter, builder, library_parameters

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_PREFIX = "Multiclass"
# What answers with a curve or a table, and what equals Accuracy for one label per image.
_OTHERS = {"ConfusionMatrix", "ExactMatch", "PrecisionRecallCurve", "ROC", "StatScores"}
_GIVEN = {"num_classes", "multidim_average", "ignore_index", "validate_args"}
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_MANY = 64  # classes that a metric is tried with, before those of the data set are known


@dataclass(frozen=True, eq=False)
class TorchMetric:
    """Compute a metric of TorchMetrics on a whole part.

    name: of its number, such as "torchmetrics_cohen_kappa".
    metric: classes -> the metric of TorchMetrics.
    smaller_is_better: the names by which no epoch can be chosen.
    """

    name: str
    metric: Callable[[int], Any]
    smaller_is_better: tuple[str, ...] = ()

    def __call__(self, predictions: Predictions) -> Mapping[str, float]:
        """Return one number, or one for each class: NaN for those that have no images.

        Where the metric also finds thresholds, they are numbers of their own.
        """
        import torch

        metric = self.metric(len(predictions.classes))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of classes without images, which become NaN
            # Sums that round to more than one would be taken for logits.
            probabilities = torch.tensor(predictions.probabilities).clamp(0, 1)
            metric.update(probabilities, torch.tensor(predictions.true))
            answer = metric.compute()
        values, *thresholds = answer if isinstance(answer, tuple) else (answer,)
        numbers = _numbers(self.name, values.numpy(), predictions)
        for each in thresholds:
            numbers |= _numbers(f"{self.name}_threshold", each.numpy(), predictions)
        return numbers


def variants(asked: str = "") -> list[str]:
    """Return the names of the metrics, whichever was asked for."""
    return [name for name in _metrics() if _parameters(name) is not None]


def member(variant: str) -> Callable[..., Any]:
    """Return what builds a metric."""
    own = _parameters(variant)
    assert own is not None, "variants that cannot be built are not offered"
    return builder("TorchMetrics", variant, _metrics()[variant], own, partial(_build, variant))


def _metrics() -> dict[str, Any]:
    from torchmetrics import classification

    names = [name for name in sorted(vars(classification)) if name.startswith(_PREFIX)]
    return {
        short: getattr(classification, name)
        for name in names
        if (short := name.removeprefix(_PREFIX)) not in _OTHERS
    }


def _parameters(name: str) -> list[LibraryParameter] | None:
    return library_parameters(_metrics()[name], leave_out=_GIVEN)


def _build(variant: str, **options: Any) -> TorchMetric:
    function = _metrics()[variant]
    function(num_classes=_MANY, **options)  # refuses wrong values before a network has trained
    name = f"torchmetrics_{_WORD.sub('_', variant).lower()}"
    small = (name,) if function.higher_is_better is False else ()
    return TorchMetric(name, lambda classes: function(num_classes=classes, **options), small)


def _numbers(
    name: str, values: npt.NDArray[np.floating[Any]], predictions: Predictions
) -> dict[str, float]:
    """Name one number, or one of each class."""
    if values.ndim == 0:
        return {name: float(values)}
    seen = set(predictions.true.tolist())
    return {
        f"{name}/{label}": float(value) if place in seen else float("nan")
        for place, (label, value) in enumerate(zip(predictions.classes, values, strict=True))
    }
