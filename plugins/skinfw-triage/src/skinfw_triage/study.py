"""All that is fitted on validation lesions and measured on test lesions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from skinfw.toolkit import stream
from skinfw_triage.bounds import MissBound, bound_on_average, bound_with_confidence
from skinfw_triage.chance import CalibratedChance, calibrate
from skinfw_triage.costs import Costs
from skinfw_triage.lesions import Lesions
from skinfw_triage.measures import Number, count_actions, measure, weights_of
from skinfw_triage.rules import ALONE, Band, Fitted

STEPS = 20
"""Into which the curve cuts the share that is deferred."""


@dataclass(frozen=True)
class Study:
    """Fit all rules on validation, and measure them on test.

    costs: from the recipe.
    miss_rate: the share of malignant lesions that the network may dismiss alone.
    confidence: of the bound that does not hold on average only.
    val, test: both with malignant and benign lesions in `val`.
    seed: of the draws of intervals; None for no intervals.
    """

    costs: Costs
    miss_rate: float
    confidence: float
    val: Lesions
    test: Lesions
    seed: int | None

    @cached_property
    def chance(self) -> CalibratedChance:
        """The chance of malignancy, calibrated on validation."""
        return calibrate(self.val)

    @cached_property
    def bounds(self) -> dict[str, MissBound]:
        """The bounds of what is missed, on average and with confidence."""
        misses = self.val.chance[self.val.malignant]
        return {
            "on_average": bound_on_average(misses, self.miss_rate),
            "with_confidence": bound_with_confidence(misses, self.miss_rate, self.confidence),
        }

    def rules(self, prevalence: float) -> dict[str, Band]:
        """Return all rules for a prevalence, by name."""
        return self._fitted(prevalence).rules(**self.bounds)

    def data(self, prevalences: Mapping[str, float]) -> dict[str, Any]:
        """Return everything for JSON.

        prevalences: by whose they are.
        """
        return {
            "costs": asdict(self.costs),
            "miss_rate": self.miss_rate,
            "confidence": self.confidence,
            "lesions": {"val": self.val.counts, "test": self.test.counts},
            "calibration": {"slope": self.chance.slope, "intercept": self.chance.intercept},
            "bounds": {
                name: {**asdict(own), "guaranteed": own.guaranteed}
                for name, own in self.bounds.items()
            },
            "at": {name: self._at(prevalence) for name, prevalence in prevalences.items()},
        }

    def _at(self, prevalence: float) -> dict[str, Any]:
        """Return the rules and the curve at one prevalence."""
        rules = self.rules(prevalence)
        return {
            "prevalence": prevalence,
            "threshold": rules[ALONE].low,
            "rules": {name: self._measured(band, prevalence) for name, band in rules.items()},
            "curve": [
                {"share": step / STEPS, **self._measured(self._curve(step, prevalence), prevalence)}
                for step in range(STEPS + 1)
            ],
        }

    def _fitted(self, prevalence: float) -> Fitted:
        return Fitted(self.costs, self.chance, prevalence)

    def _curve(self, step: int, prevalence: float) -> Band:
        return self._fitted(prevalence).deferring(step / STEPS, self.val)

    def _measured(self, band: Band, prevalence: float) -> dict[str, float | Number]:
        """Return the ends of a rule's band, and its numbers on test."""
        weights = weights_of(self.costs, prevalence)
        counts = count_actions(band, self.test)
        rng = None if self.seed is None else stream(self.seed, "triage")
        numbers = measure(counts, weights, band.possible, rng)
        return {"low": band.low, "high": band.high, **numbers}
