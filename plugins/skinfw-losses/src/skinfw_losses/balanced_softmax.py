"""Balanced softmax."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skinfw_losses.logit_adjustment import LogitAdjustment

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class BalancedSoftmax:
    """Let the training softmax know the class counts, so that the network need not learn them.

    Ren et al. 2020 (arXiv 2007.10740): logit adjustment of strength one.
    """

    classes: Sequence[str]
    counts: Sequence[int]

    def __call__(self, logits: Tensor, targets: Tensor, class_weight: Tensor | None) -> Tensor:
        """Return the weighted mean.

        logits: float [N, C]; in evaluation they are used as they are.
        targets: int [N].
        class_weight: float [C], or None for equal weights.
        """
        return LogitAdjustment(self.classes, self.counts)(logits, targets, class_weight)
