"""The ROC curve of one class against the rest, under many weightings of the images at once.

It bends only where a score of a positive lies, so that no more of it is kept: how many negatives
score higher, and how many with ties counted in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skinfw_metrics.weighted import ratio, summed

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


class Curve:
    """Hold a curve at its G distinct scores of positives, from the highest down."""

    def __init__(
        self,
        positive: npt.NDArray[np.bool_],
        scores: npt.NDArray[np.floating[Any]],
        weights: Floats,
    ) -> None:
        """Sort once, and count under all weightings.

        positive: bool [N].
        scores: [N], higher for what is more likely positive.
        weights: [N, R].
        """
        import numpy as np

        distinct, place = np.unique(-scores, return_inverse=True)
        holds = np.bincount(place[positive], minlength=len(distinct)) > 0
        above = np.cumsum(holds)  # scores of positives down to here
        groups = int(holds.sum())
        # Negatives between two scores of positives fall into one bin, those that tie into the next;
        # the bins of positives come behind those of negatives.
        negative = np.where(holds, 2 * above - 1, 2 * above)[place]
        bins = np.where(positive, 2 * groups + above[place], negative)
        both = summed(weights, bins, 3 * groups + 1)
        self.own, negatives = both[2 * groups + 1 :], both[: 2 * groups + 1].cumsum(0)
        self.hits = self.own.cumsum(0)
        self.higher, self.false = negatives[0:-1:2], negatives[1::2]
        self.positives, self.negatives = self.own.sum(0), negatives[-1]
        self._measured = (self.positives > 0) & (self.negatives > 0)

    def auc(self) -> Floats:
        """Return the area under the curve, [R]; a tie counts half."""
        import numpy as np

        lost = np.einsum("gr,gr->r", self.own, self.higher + self.false) / 2
        return 1 - ratio(lost, self.positives * self.negatives)

    def auc_above(self, sensitivity: float) -> Floats:
        """Return the area under the part of the curve above a sensitivity, down to zero, [R]."""
        import numpy as np

        if not len(self.own):
            return np.full(len(self.negatives), np.nan)
        shares = ratio(self.hits, self.positives)
        at = (shares < sensitivity).sum(0)
        higher, false = self._of(self.higher, at), self._of(self.false, at)
        before = np.where(at > 0, self._of(shares, np.maximum(at - 1, 0)), 0.0)
        reached = self._of(shares, at)
        crossing = higher + ratio(sensitivity - before, reached - before) * (false - higher)
        # Seen from the side of the sensitivities, what lies left of the curve is lost.
        later = np.where(np.arange(len(self.own))[:, None] > at, self.own, 0.0)
        left = np.einsum("gr,gr->r", later, self.higher + self.false) / 2
        lost = ratio(left, self.positives) + (reached - sensitivity) * (crossing + false) / 2
        return 1 - ratio(sensitivity * crossing + lost, self.negatives)

    def average_precision(self) -> Floats:
        """Return the mean precision over the positives, each at its own score, [R]."""
        import numpy as np

        precision = np.nan_to_num(ratio(self.hits, self.hits + self.false))
        found = ratio(np.einsum("gr,gr->r", self.own, precision), self.positives)
        return np.where(self._measured, found, np.nan)

    def sensitivity_at(self, specificity: float) -> Floats:
        """Return the highest sensitivity of all thresholds with at least a specificity, [R]."""
        import numpy as np

        kept = ratio(self.negatives - self.false, self.negatives) >= specificity
        hits = np.where(kept, self.hits, 0.0).max(0, initial=0.0)
        return np.where(self._measured, ratio(hits, self.positives), np.nan)

    def specificity_at(self, sensitivity: float) -> Floats:
        """Return the highest specificity of all thresholds with at least a sensitivity, [R]."""
        import numpy as np

        kept = ratio(self.hits, self.positives) >= sensitivity
        false = np.where(kept, self.false, np.inf).min(0, initial=np.inf)
        found = ratio(self.negatives - false, self.negatives)
        return np.where(self._measured, found, np.nan)

    def _of(self, rows: Floats, at: npt.NDArray[np.integer[Any]]) -> Floats:
        """Return the value of each replicate in its own row."""
        import numpy as np

        return np.take_along_axis(rows, np.minimum(at, len(rows) - 1)[None], 0)[0]
