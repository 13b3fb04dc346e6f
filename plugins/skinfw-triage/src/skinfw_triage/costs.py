"""What an action costs for a malignant and for a benign lesion, and which one costs least.

An action is to dismiss a lesion, to defer it to the reader, or to have it biopsied.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

DISMISS, DEFER, BIOPSY = range(3)
ACTIONS = 3


@dataclass(frozen=True)
class Costs:
    """Hold the costs, in any unit, and what the reader is worth.

    missed: of a malignant lesion that is dismissed, by the network or by the reader.
    biopsy: of a benign lesion that is biopsied. A biopsy of a malignant one costs nothing, since
        nobody would spare it.
    referral: of each lesion that the reader looks at.
    sensitivity: the share of the malignant lesions that the reader has biopsied.
    specificity: the share of the benign lesions that the reader dismisses.
    """

    missed: float
    biopsy: float
    referral: float
    sensitivity: float
    specificity: float

    @property
    def threshold(self) -> float:
        """The chance of malignancy from which a biopsy costs less than dismissing (Elkan 2001)."""
        return self.biopsy / (self.biopsy + self.missed)

    def band(self, referral: float) -> tuple[float, float]:
        """Return the chances between which deferring costs least (Chow 1970).

        With p the chance, dismissing costs p * missed, a biopsy (1 - p) * biopsy, and deferring
        referral + p * (1 - sensitivity) * missed + (1 - p) * (1 - specificity) * biopsy. The ends
        are where two of these are equal; where deferring nowhere costs least, both are the
        threshold.

        referral: what a referral costs; infinity defers none, its negative all.
        """
        alarms = (1 - self.specificity) * self.biopsy
        spared = self.specificity * self.biopsy
        found, lost = self.sensitivity * self.missed, (1 - self.sensitivity) * self.missed
        low = _divide(referral + alarms, found + alarms)
        high = _divide(spared - referral, spared + lost)
        return (low, high) if low < high else (self.threshold, self.threshold)

    def of_deferring(self) -> tuple[float, float]:
        """Return what deferring a malignant and a benign lesion costs on average."""
        return (
            self.referral + (1 - self.sensitivity) * self.missed,
            self.referral + (1 - self.specificity) * self.biopsy,
        )


def _divide(part: float, whole: float) -> float:
    """Divide; what no chance repays is infinite, and what pays alike at every chance is NaN."""
    if whole:
        return part / whole
    return math.copysign(math.inf, part) if part else math.nan
