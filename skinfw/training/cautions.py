"""What can be known to go wrong before training: an imbalance corrected twice, or too late."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_CLEARLY = 1.5
_LITTLE = 0.05


def warn_double_correction(
    classes: Sequence[str], counts: Sequence[int], drawn: Sequence[int], weights: Floats
) -> str:
    """Say so where the sampler and the class weights both favour rare classes.

    counts: images per class in the training part.
    drawn: images per class in one epoch.
    weights: of the classes at the end of the training, [C].
    """
    present = [index for index, count in enumerate(counts) if count and drawn[index]]
    rare = min(present, key=lambda index: counts[index])
    common = max(present, key=lambda index: counts[index])
    repeats = drawn[rare] / counts[rare] / (drawn[common] / counts[common])
    weighs = weights[rare] / max(weights[common], 1e-12)
    if min(repeats, weighs) < _CLEARLY:
        return ""
    return (
        f"sampler and weighting correct the same imbalance: an image of {classes[rare]} is drawn "
        f"{repeats:.1f} times as often as one of {classes[common]}, and weighs {weighs:.1f} times "
        "as much"
    )


def warn_late_correction(weights: Floats, rates: Sequence[float]) -> str:
    """Say so where the class weights change once the learning rate has collapsed.

    weights: of the classes in each epoch, [E, C].
    rates: learning rate of each epoch.
    """
    moved = np.abs(weights - weights[0]).sum(1)
    if moved[-1] == 0:
        return ""
    epoch = int((moved >= moved[-1] / 2).argmax())
    left = sum(rates[epoch:]) / max(sum(rates), 1e-12)
    if left > _LITTLE:
        return ""
    return (
        f"the class weights are half changed in epoch {epoch + 1} of {len(rates)}, when only "
        f"{left:.1%} of the learning rate is left: they can hardly act; let them change earlier, "
        "or the rate fall later"
    )
