"""A loss of the area under the ROC curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Gt, Interval

from skinfw_losses.cross_entropy import CrossEntropy
from skinfw_losses.reduction import log_others

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Area:
    """Rank the images of each class above all others: one less its AUC, bounded from above.

    For each class that a batch shows beside others, the mean over pairs of an image of the class
    and another one of max(0, 1 - (s - s') / margin)², with s the log-odds of the class: a pair in
    the wrong order costs at least 1 (Gao and Zhou 2015, IJCAI, prove the squared hinge consistent).
    With `max_fpr` below one, of the others only the share with the highest log-odds counts, which
    bounds the partial area up to that rate of false positives (Zhu et al. 2022, arXiv 2203.00176).
    The order within a class says nothing of calls between classes: cross-entropy has a share.

    share: of the area in the loss; the rest is cross-entropy.
    margin: of the log-odds, from which a pair costs nothing.
    max_fpr: the highest rate of false positives that counts; 1 is the whole area.
    """

    classes: Sequence[str]
    _: KW_ONLY
    share: Annotated[float, Interval(gt=0, le=1)] = 0.5
    margin: Annotated[float, Gt(0)] = 1.0
    max_fpr: Annotated[float, Interval(gt=0, le=1)] = 1.0

    def __call__(self, logits: Tensor, targets: Tensor, class_weight: Tensor | None) -> Tensor:
        """Return the mean over classes, weighted by class, and that of cross-entropy over images.

        logits: float [N, C]; batches need several images of a class for it to count.
        targets: int [N].
        class_weight: float [C], or None for equal weights.
        """
        rest = CrossEntropy(self.classes)(logits, targets, class_weight)
        return self.share * self._area(logits, targets, class_weight) + (1 - self.share) * rest

    def _area(self, logits: Tensor, targets: Tensor, class_weight: Tensor | None) -> Tensor:
        """Return the weighted mean over the classes that have pairs; zero where none has."""
        import torch
        from torch.nn.functional import one_hot

        places = torch.arange(logits.shape[1], device=logits.device)
        odds = torch.stack([column - log_others(logits, place.expand(len(logits)))
                            for place, column in zip(places, logits.T, strict=True)])  # fmt: skip
        own = one_hot(targets, logits.shape[1]).T.bool()
        others = self._highest(odds, ~own)
        pairs = own[:, :, None] & others[:, None, :]
        costs = (1 - (odds[:, :, None] - odds[:, None, :]) / self.margin).clamp(min=0).square()
        counts = pairs.sum((1, 2))
        means = costs.where(pairs, 0).sum((1, 2)) / counts.clamp(min=1)
        weights = means.new_ones(len(means)) if class_weight is None else class_weight.to(means)
        weights = weights * (counts > 0)
        return (weights * means).sum() / weights.sum().clamp(min=1e-12)

    def _highest(self, odds: Tensor, others: Tensor) -> Tensor:
        """Return which other images count: of each class those with the highest odds, [C, N]."""
        if self.max_fpr == 1:
            return others
        order = odds.detach().masked_fill(~others, -float("inf")).argsort(1, descending=True)
        ranks = order.argsort(1)
        return others & (ranks < (self.max_fpr * others.sum(1, keepdim=True)).ceil())
