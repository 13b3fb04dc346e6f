"""Rules that say for each lesion who decides: all fitted on validation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skinfw_triage.bounds import MissBound
from skinfw_triage.chance import CalibratedChance
from skinfw_triage.costs import BIOPSY, DEFER, DISMISS, Costs
from skinfw_triage.lesions import Floats, Lesions

ALONE, BY_PROBABILITY = "network alone", "defer by probability"
ON_AVERAGE, WITH_CONFIDENCE = "conformal, on average", "conformal, with confidence"
READER, BIOPSIES = "reader for all", "biopsy for all"


@dataclass(frozen=True)
class Band:
    """Hold a rule: below the band a lesion is dismissed, inside deferred, above biopsied.

    low: the network's chance up to which a lesion is dismissed.
    high: that from which it is biopsied, at least `low`.
    Infinity stands for an end that no chance reaches.
    """

    low: float
    high: float

    def actions(self, chance: Floats) -> npt.NDArray[np.int64]:
        """Return what is done with each lesion, [N]."""
        acted = np.where(chance < self.low, DISMISS, BIOPSY)
        return np.where((chance >= self.low) & (chance < self.high), DEFER, acted)

    @property
    def possible(self) -> tuple[bool, bool, bool]:
        """Whether it ever dismisses, defers and biopsies."""
        return self.low > 0, self.low < self.high, self.high <= 1


EVERYBODY_DEFERRED = Band(-math.inf, math.inf)
EVERYBODY_BIOPSIED = Band(-math.inf, -math.inf)


@dataclass(frozen=True)
class Fitted:
    """Hold what validation gives for one prevalence.

    costs: from the recipe.
    chance: calibrated.
    prevalence: for which costs are least.
    """

    costs: Costs
    chance: CalibratedChance
    prevalence: float

    def band(self, referral: float) -> Band:
        """Return the band, in the network's chances, where a referral costs so much."""
        low, high = self.costs.band(referral)
        return Band(*(self.chance.raw(self.prevalence, end) for end in (low, high)))

    def rules(self, on_average: MissBound, with_confidence: MissBound) -> dict[str, Band]:
        """Return all rules by name."""
        return {
            ALONE: self.band(math.inf),
            BY_PROBABILITY: self.band(self.costs.referral),
            ON_AVERAGE: self._conformal(on_average),
            WITH_CONFIDENCE: self._conformal(with_confidence),
            READER: EVERYBODY_DEFERRED,
            BIOPSIES: EVERYBODY_BIOPSIED,
        }

    def _conformal(self, bound: MissBound) -> Band:
        """Return the rule that dismisses below a bound's limit alone.

        It dismisses none that acting alone would not dismiss, which keeps the bound, and biopsies
        where deferring by probability does.
        """
        if not bound.guaranteed:
            return EVERYBODY_DEFERRED
        low = min(bound.limit, self.band(math.inf).low)
        return Band(low, max(low, self.band(self.costs.referral).high))

    def deferring(self, share: float, lesions: Lesions) -> Band:
        """Return the band around the threshold that defers a share of the lesions.

        It is the band of a referral that costs what makes deferring pay for this share of
        validation at the prevalence, so that those are deferred for whom it spares most.

        share: in [0, 1].
        lesions: of validation.
        """
        if share <= 0 or share >= 1:
            return self.band(-math.inf if share >= 1 else math.inf)
        chance = self.chance.at(self.prevalence, lesions.chance)
        gain = _gain(self.costs, chance)
        order = np.argsort(-gain)
        weight = class_weights(lesions, self.prevalence)[order]
        last = int(np.searchsorted(np.cumsum(weight), share - 1e-12))
        if last >= len(order) - 1:
            return self.band(-math.inf)
        spared = gain[order[last : last + 2]]  # of the last that is deferred, and of the next
        return self.band(float(spared.mean()))


def class_weights(lesions: Lesions, prevalence: float) -> Floats:
    """Return weights [N] that sum to one and make malignant lesions as frequent as told."""
    counts = lesions.counts
    return np.where(
        lesions.malignant,
        prevalence / max(counts["malignant"], 1),
        (1 - prevalence) / max(counts["benign"], 1),
    )


def _gain(costs: Costs, chance: Floats) -> Floats:
    """Return what deferring spares, but for the referral itself, [N]."""
    alone = np.minimum(chance * costs.missed, (1 - chance) * costs.biopsy)
    malignant, benign = (cost - costs.referral for cost in costs.of_deferring())
    return np.asarray(alone - chance * malignant - (1 - chance) * benign)
