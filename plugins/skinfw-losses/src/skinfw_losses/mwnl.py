"""Multi-weighted new loss of Yao et al."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Lt

from skinfw_losses.focal import cross_entropy, focal
from skinfw_losses.reduction import image_weights, signed_logits

if TYPE_CHECKING:
    from torch import Tensor

_ENLARGED = 30.0


@dataclass(frozen=True)
class MultiWeightedNewLoss:
    """Limit what outliers contribute to a sigmoid focal loss with class weights.

    An answer whose probability is below beta may be a wrong label, and costs no more than one of
    probability beta. Yao et al. 2022 (arXiv 2102.01284); where their code overflows for logits
    below -88, this one does not.

    gamma: how strongly easy answers are played down.
    beta: probability below which an answer is an outlier; 0 limits nothing.
    outliers: cost of an outlier before the focal factor: "zero", "fix"ed at -log(beta), or
        "decrease" towards zero with its probability.
    scale: "normal" is the mean weighted by class; "enlarge" is 30 times the plain mean of the
        weighted values, as for ISIC 2018 and 2019.
    """

    classes: Sequence[str]
    _: KW_ONLY
    gamma: Annotated[float, Ge(0)] = 2.0
    beta: Annotated[float, Ge(0), Lt(0.4001)] = 0.1
    outliers: Literal["zero", "fix", "decrease"] = "fix"
    scale: Literal["normal", "enlarge"] = "normal"

    def __call__(self, logits: Tensor, targets: Tensor, class_weight: Tensor | None) -> Tensor:
        """Return the loss.

        logits: float [N, C].
        targets: int [N].
        class_weight: float [C], or None for equal weights; the true class's counts for all C
            outputs of an image.
        """
        answers = signed_logits(logits, targets)
        values = focal(answers, self._limit(answers), self.gamma).mean(1)
        weights = image_weights(logits, targets, class_weight)
        if self.scale == "enlarge":
            return _ENLARGED * (weights * values).mean()
        return (weights * values).sum() / weights.sum()

    def _limit(self, answers: Tensor) -> Tensor:
        """Return the cross-entropy of each answer, that of outliers limited."""
        plain = cross_entropy(answers)
        if not self.beta:
            return plain
        most = -math.log(self.beta)
        if self.outliers == "zero":
            limit = plain.new_zeros(())
        elif self.outliers == "fix":
            limit = plain.new_full((), most)
        else:
            limit = answers.sigmoid() * (most / self.beta)
        return limit.where(plain > most, plain)
