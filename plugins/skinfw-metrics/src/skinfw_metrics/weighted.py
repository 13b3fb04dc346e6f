"""Numbers under many weightings of the same images at once: how often each image was drawn.

Arrays of numbers have the R replicates last, so that one line computes all of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from skinfw import Predictions

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.integer[Any]]


class Resampling(Protocol):
    """A metric that can be computed under many weightings of the images at once."""

    def resample(self, predictions: Predictions, weights: Floats) -> Mapping[str, Floats]:
        """Return each number under each row of weights [R, N], as float64 [R]."""


def plain(metric: Resampling, predictions: Predictions) -> dict[str, float]:
    """Return the numbers of a metric where every image counts once."""
    import numpy as np

    once = np.ones((1, len(predictions.ids)))
    return {name: float(found[0]) for name, found in metric.resample(predictions, once).items()}


def by_image(weights: Floats) -> Floats:
    """Return weights [R, N] as [N, R], replicates side by side, as all functions here want them."""
    import numpy as np

    return np.ascontiguousarray(weights.T, np.float64)


def summed(weights: Floats, bins: Integers, count: int, values: Floats | None = None) -> Floats:
    """Return the weight of the images in each bin, [count, R].

    weights: [N, R].
    bins: the bin of each image, [N].
    values: what each image adds, times its weight; one unless given.
    """
    import numpy as np
    from scipy.sparse import csr_array

    images = np.arange(len(bins))
    added = np.ones(len(bins)) if values is None else np.asarray(values, np.float64)
    found: Floats = csr_array((added, (bins, images)), shape=(count, len(bins))) @ weights
    return found


def confusion(true: Integers, called: Integers, count: int, weights: Floats) -> Floats:
    """Return images by true class (rows) and class that they are called (columns).

    called: [N], a class or -1 for none.
    weights: [N, R].
    Returns [count, count + 1, R]; the last column holds those that are called nothing.
    """
    cells = true * (count + 1) + called % (count + 1)
    return summed(weights, cells, count * (count + 1)).reshape(count, count + 1, -1)


def ratio(part: Any, whole: Any) -> Floats:
    """Divide; NaN where there is nothing to divide by."""
    import numpy as np

    part, whole = np.broadcast_arrays(part, whole)
    out = np.full(part.shape, math.nan)
    return np.divide(part, whole, out=out, where=whole > 0)


def mean(values: Floats) -> Floats:
    """Return the mean over the first axis of what was measured."""
    import numpy as np

    measured = ~np.isnan(values)
    return ratio(np.where(measured, values, 0.0).sum(0), measured.sum(0))
