"""Two recipes, each trained with the same seeds on the same divisions: how far apart they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from skinfw import Predictions, SeedNumber
from skinfw.toolkit import REPLICATES, combine_seeds, resample_together, shared_lesions
from skinfw_evaluation.paired import align, compare

if TYPE_CHECKING:
    from skinfw import Metric


def seed_differences(
    metric: Metric,
    first: Sequence[Predictions],
    second: Sequence[Predictions],
    replicates: int = REPLICATES,
    seed: int = 0,
) -> dict[str, SeedNumber]:
    """Return the mean difference of every number between two recipes, first less second.

    metric: called with predictions; its `resample` is used where it has one.
    first, second: the predictions of each training; those of one place are of the same images.
    replicates, seed: of the lesions that are drawn again.
    Raises SkinfwError where images, classes, labels or lesions of a pair are not the same.
    """
    import numpy as np

    second = [align(one, other) for one, other in zip(first, second, strict=True)]
    apart = [
        compare(metric, one, other, replicates, seed)
        for one, other in zip(first, second, strict=True)
    ]
    drawn = [resample_together(metric, own, replicates, seed) for own in (first, second)]
    shared, nothing = shared_lesions(first), np.full(replicates, math.nan)
    numbers = {}
    for name in dict.fromkeys(name for own in apart for name in own):
        pairs = [own.get(name) for own in apart]
        values = [pair.difference if pair else math.nan for pair in pairs]
        around = [pair.interval if pair else (math.nan, math.nan) for pair in pairs]
        ones, others = (np.array([own.get(name, nothing) for own in side]) for side in drawn)
        numbers[name] = combine_seeds(values, around, ones - others, shared)
    return numbers
