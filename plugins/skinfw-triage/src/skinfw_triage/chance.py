"""The chance of malignancy at its word: calibrated on validation, and moved to a prevalence."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

from skinfw_triage.lesions import Floats, Lesions

_CERTAIN = 1e-12  # the distance of a certain answer from zero and one; logits must be finite
_CONSTANT = 1e-9  # a range of logits that is rounding


@dataclass(frozen=True)
class CalibratedChance:
    """Turn the network's chance of malignancy into one that may be believed, and back.

    The logit is slope * logit(chance) + intercept (Platt 1999), and label shift adds the log of the
    odds of the prevalence over those of validation (Saerens, Latinne and Decaestecker 2002).

    slope: at least 0; 0 where the chance says nothing.
    intercept: at the prevalence of validation.
    prevalence: of validation.
    """

    slope: float
    intercept: float
    prevalence: float

    def at(self, prevalence: float, chance: Floats) -> Floats:
        """Return the calibrated chances where malignant lesions are so frequent, [N].

        chance: [N], the network's.
        """
        shift = float(logit(prevalence) - logit(self.prevalence))
        return np.asarray(expit(self.slope * _logit(chance) + self.intercept + shift))

    def raw(self, prevalence: float, calibrated: float) -> float:
        """Return the network's chance that is calibrated to another; infinite beyond all of them.

        prevalence: at which it is calibrated.
        calibrated: may lie outside [0, 1].
        """
        if not 0 < calibrated < 1:
            return math.copysign(math.inf, calibrated - 0.5)
        shift = float(logit(prevalence) - logit(self.prevalence))
        above = float(logit(calibrated)) - self.intercept - shift
        if self.slope == 0:  # every lesion has the same chance
            return math.inf if above > 0 else -math.inf
        return float(expit(above / self.slope))


def calibrate(lesions: Lesions) -> CalibratedChance:
    """Fit the chance of malignancy to lesions, which must show both malignant and benign ones.

    The targets are those of Platt 1999, a little inside of 0 and 1, so that a part without a
    mistake gives no infinite slope.
    """
    counts = lesions.counts
    positive = (counts["malignant"] + 1) / (counts["malignant"] + 2)
    negative = 1 / (counts["benign"] + 2)
    target = np.where(lesions.malignant, positive, negative)
    x = _logit(lesions.chance)
    if np.ptp(x) < _CONSTANT:  # any slope fits what does not vary
        return CalibratedChance(0.0, float(logit(target.mean())), lesions.prevalence)

    def loss(at: Floats) -> tuple[float, Floats]:
        z = at[0] * x + at[1]
        wrong = expit(z) - target
        return float((np.logaddexp(0, z) - target * z).mean()), np.array(
            [(wrong * x).mean(), wrong.mean()]
        )

    start = np.array([1.0, 0.0])
    bounds = [(0.0, None), (None, None)]
    fit = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B")
    slope, intercept = (float(value) for value in fit.x)
    return CalibratedChance(slope, intercept, lesions.prevalence)


def _logit(chance: Floats) -> Floats:
    return np.asarray(logit(np.clip(chance, _CERTAIN, 1 - _CERTAIN)))
