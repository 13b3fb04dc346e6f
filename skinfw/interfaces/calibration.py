"""What was fitted on validation images for answers about new ones, and how it is used."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.floating[Any]]

SetMethod = Literal["lac", "aps"]
_SMALLEST = 1e-12  # in place of zero, which votes of several views may give


@dataclass(frozen=True)
class FittedCalibration:
    """Hold what reports fitted on validation images, for answers about new images.

    temperature: divides the logarithms of the probabilities; NaN where none was fitted.
    limits: for each class the misfit up to which it stands in a prediction set; empty where there
        are no sets. Infinity: the class stands in every set.
    sets: which misfit it is.
    coverage: the share of images whose set holds their class, as promised.
    unknown: what the highest probability may lack of one; NaN where that was not fitted. An image
        above it may show none of the classes.
    """

    temperature: float = math.nan
    limits: Mapping[str, float] = field(default_factory=dict)
    sets: SetMethod = "lac"
    coverage: float = math.nan
    unknown: float = math.nan

    def scale(self, probabilities: Floats) -> Floats:
        """Return the probabilities [N, C] at the temperature."""
        known = not math.isnan(self.temperature)
        return at_temperature(probabilities, self.temperature) if known else probabilities

    def prediction_sets(
        self, probabilities: Floats, classes: Sequence[str]
    ) -> list[tuple[str, ...]] | None:
        """Return the classes that cannot be ruled out for each image; None where there are no sets.

        probabilities: [N, C], as the network gives them, without temperature.
        classes: [C].
        """
        if not self.limits:
            return None
        fits = misfit(probabilities, self.sets) <= [self.limits[name] for name in classes]
        return [
            tuple(name for name, holds in zip(classes, row, strict=True) if holds) for row in fits
        ]

    def may_be_unknown(self, probabilities: Floats) -> npt.NDArray[np.bool_] | None:
        """Return which images may show none of the classes; None where that was not fitted.

        probabilities: [N, C], as the network gives them, without temperature.
        """
        import numpy as np

        if math.isnan(self.unknown):
            return None
        return np.asarray(1 - probabilities.max(1) > self.unknown)

    def record(self) -> dict[str, Any]:
        """Return it for JSON, which knows neither NaN nor infinity."""
        return {
            "temperature": _finite(self.temperature),
            "limits": {name: _finite(limit) for name, limit in self.limits.items()},
            "sets": self.sets,
            "coverage": _finite(self.coverage),
            "unknown": _finite(self.unknown),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> FittedCalibration:
        """Read what `record` returned; what is absent was not fitted."""
        limits = record.get("limits", {})
        return cls(
            _number(record.get("temperature"), math.nan),
            {name: _number(limit, math.inf) for name, limit in limits.items()},
            record.get("sets", "lac"),
            _number(record.get("coverage"), math.nan),
            _number(record.get("unknown"), math.nan),
        )


def combine(fitted: Iterable[FittedCalibration | None]) -> FittedCalibration:
    """Return what several reports fitted, the first of each kind."""
    result = FittedCalibration()
    for one in filter(None, fitted):
        if math.isnan(result.temperature):
            result = replace(result, temperature=one.temperature)
        if math.isnan(result.unknown):
            result = replace(result, unknown=one.unknown)
        if not result.limits:
            result = replace(result, limits=one.limits, sets=one.sets, coverage=one.coverage)
    return result


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _number(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else float(value)


def at_temperature(probabilities: Floats, temperature: float) -> Floats:
    """Return the probabilities [N, C] at a temperature; which class is first does not change.

    Their logarithms are logits up to a constant, and are divided by it (Guo et al. 2017,
    arXiv 1706.04599).
    """
    import numpy as np

    logits = np.log(np.maximum(probabilities, _SMALLEST)) / temperature
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True), np.float64)


def misfit(probabilities: Floats, method: SetMethod) -> Floats:
    """Return how badly each class fits each image, [N, C].

    method: "lac" takes one minus the probability (Sadinle et al. 2019, arXiv 1609.00451), which
        makes the smallest sets; "aps" the sum of all probabilities from the highest down to the
        class's own (Romano et al. 2020, arXiv 2006.02544), not randomised, which never makes empty
        sets and covers a little more than asked.
    """
    import numpy as np

    if method == "lac":
        return 1 - probabilities
    order = np.argsort(-probabilities, axis=1, kind="stable")
    sums = np.cumsum(np.take_along_axis(probabilities, order, 1), axis=1)
    misfits = np.empty_like(sums)
    np.put_along_axis(misfits, order, sums, 1)
    # The first class fits perfectly, so that no set is empty.
    np.put_along_axis(misfits, order[:, :1], 0.0, 1)
    return misfits
