"""Which trials are stopped before their last epoch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

FEWEST = 5
"""So many earlier trials must have been through an epoch before it stops others."""


def is_hopeless(
    values: Sequence[float], known: Sequence[Sequence[float]], share: float, warmup: int
) -> bool:
    """Tell whether a trial is stopped after its last epoch.

    It is where the best of its epochs lies below a quantile of what others had after as many.
    Golovin et al. 2017, Google Vizier, section 3.2.

    values: after each epoch so far, larger being better; NaN counts as worst.
    known: the values of trials that are done.
    share: of the quantile; 0 stops none.
    warmup: epochs before any is stopped.
    """
    epoch = len(values)
    others = [own[epoch - 1] for own in known if len(own) >= epoch]
    others = [one for one in others if one == one]
    if not share or epoch < warmup or len(others) < FEWEST:
        return False
    best = max((one for one in values if one == one), default=-np.inf)
    return bool(best < np.quantile(others, share))
