"""Gradient harmonizing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge

from skinfw_losses.focal import cross_entropy
from skinfw_losses.reduction import image_weights, signed_logits

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class GHMC:
    """Weigh binary answers by one over how many of the batch have a gradient like theirs.

    Very easy answers and outliers, which both crowd together, count less. Li et al. 2019
    (arXiv 1811.05181), without momentum.

    bins: into which the gradient's size, from 0 to 1, is divided.
    """

    classes: Sequence[str]
    _: KW_ONLY
    bins: Annotated[int, Ge(1)] = 10

    def __call__(self, logits: Tensor, targets: Tensor, class_weight: Tensor | None) -> Tensor:
        """Return the weighted mean over images and classes.

        logits: float [N, C].
        targets: int [N].
        class_weight: float [C], or None for equal weights.
        """
        answers = signed_logits(logits, targets)
        values = self._weights(answers.detach()) * cross_entropy(answers)
        weights = image_weights(logits, targets, class_weight)
        return (weights * values.mean(1)).sum() / weights.sum()

    def _weights(self, answers: Tensor) -> Tensor:
        """Return the weight of each answer, [N, C], of mean one."""
        size = (-answers).sigmoid()
        place = (size * self.bins).long().clamp(max=self.bins - 1)
        counts = place.flatten().bincount(minlength=self.bins)
        return place.numel() / (counts[place] * (counts > 0).sum()).to(answers)
