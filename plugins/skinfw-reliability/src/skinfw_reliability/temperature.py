"""Temperature scaling (Guo et al. 2017, arXiv 1706.04599): one number makes confidence honest.

Logits are divided by a temperature. It is fitted to probabilities, whose logarithms are logits up
to a constant; so it works on the mean of several views, and for saved predictions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
LOWEST, HIGHEST = 0.05, 20.0
_SMALLEST = 1e-12  # in place of zero, which votes of several views may give


def fit_temperature(probabilities: Floats, true: npt.NDArray[np.integer[Any]]) -> float:
    """Return the temperature that minimises the negative log-likelihood.

    In 1 / T the loss is convex, so that its slope has one root, which is found by bisection.

    probabilities: [N, C], of the validation part.
    true: int [N].
    Returns a number from LOWEST to HIGHEST; an end where the loss has no minimum between, as it is
    where every image is right.
    """
    logits = _logits(probabilities)
    own = logits[np.arange(len(true)), true].mean()

    def slope(inverse: float) -> float:
        expected = (_softmax(logits * inverse) * logits).sum(1).mean()
        return float(expected - own)

    low, high = 1 / HIGHEST, 1 / LOWEST
    if slope(low) >= 0:
        return HIGHEST
    if slope(high) <= 0:
        return LOWEST
    while high / low > 1 + 1e-9:
        middle = (low * high) ** 0.5
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return float((low * high) ** -0.5)


def _logits(probabilities: Floats) -> Floats:
    return np.asarray(np.log(np.maximum(probabilities, _SMALLEST)), np.float64)


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True), np.float64)
