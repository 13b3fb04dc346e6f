"""Complement cross-entropy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge

from skinfw_losses.reduction import log_others, weighted_mean

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ComplementCrossEntropy:
    """Add to the cross-entropy that the wrong classes should share their probability evenly.

    Kim et al. 2021 (arXiv 2009.02189). Their second term is the negative entropy of the wrong
    classes' shares, over the number of wrong classes. Yao et al.'s code takes the softmax twice
    in the first term; this one does so once.

    factor: of the second term.
    """

    classes: Sequence[str]
    _: KW_ONLY
    factor: Annotated[float, Ge(0)] = 1.0

    def __call__(self, logits: Tensor, targets: Tensor, class_weight: Tensor | None) -> Tensor:
        """Return the weighted mean.

        logits: float [N, C].
        targets: int [N].
        class_weight: float [C], or None for equal weights.
        """
        true = logits.gather(1, targets[:, None])
        log_shares = logits - log_others(logits, targets)[:, None]
        # The true class has no share; exp(0) times 0 leaves it out, and its gradient, too.
        log_shares = log_shares.scatter(1, targets[:, None], 0.0)
        negative_entropy = (log_shares.exp() * log_shares).sum(1) / (len(self.classes) - 1)
        values = logits.logsumexp(1) - true[:, 0] + self.factor * negative_entropy
        return weighted_mean(values, targets, class_weight)
