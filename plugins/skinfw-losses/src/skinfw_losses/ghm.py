"""Gradient harmonizing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Ge, Lt

from skinfw_losses.focal import cross_entropy
from skinfw_losses.reduction import image_weights, signed_logits

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class GHMC:
    """Weigh binary answers by one over how many of the batch have a gradient like theirs.

    Very easy answers and outliers, which both crowd together, count less. Li et al. 2019
    (arXiv 1811.05181). With momentum the counts of earlier batches count on. As in their code a bin
    that a batch leaves empty keeps its count; the first count of a bin is taken whole, where their
    code takes the part that the momentum leaves. Validation counts its own batches alone.

    bins: into which the gradient's size, from 0 to 1, is divided.
    momentum: the share of its earlier count that a bin keeps with each batch; 0 keeps none.
    """

    classes: Sequence[str]
    _: KW_ONLY
    bins: Annotated[int, Ge(1)] = 10
    momentum: Annotated[float, Ge(0), Lt(1)] = 0.0
    _kept: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __call__(self, logits: Tensor, targets: Tensor, class_weight: Tensor | None) -> Tensor:
        """Return the weighted mean over images and classes.

        logits: float [N, C].
        targets: int [N].
        class_weight: float [C], or None for equal weights.
        """
        answers = signed_logits(logits, targets)
        values = self._weights(answers.detach(), logits.requires_grad) * cross_entropy(answers)
        weights = image_weights(logits, targets, class_weight)
        return (weights * values.mean(1)).sum() / weights.sum()

    def state_dict(self) -> dict[str, Any]:
        """Return the counts that are kept, so that a stopped training goes on with them."""
        return dict(self._kept)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on with counts that were kept."""
        self._kept.clear()
        self._kept.update(state)

    def _weights(self, answers: Tensor, learns: bool) -> Tensor:
        """Return the weight of each answer, [N, C]; without momentum their mean is one.

        learns: whether the counts of this batch are kept.
        """
        size = (-answers).sigmoid()
        place = (size * self.bins).long().clamp(max=self.bins - 1)
        counts = place.flatten().bincount(minlength=self.bins)
        some = (counts > 0).sum()
        if self.momentum and learns:
            counts = self._kept["counts"] = self._moved(counts.to(answers))
        return place.numel() / (counts[place] * some).to(answers)

    def _moved(self, counts: Tensor) -> Tensor:
        """Return the kept counts [B] after a batch of these counts."""
        import torch

        before = self._kept["counts"].to(counts) if self._kept else torch.zeros_like(counts)
        moved = self.momentum * before + (1 - self.momentum) * counts
        moved = torch.where(before > 0, moved, counts)
        return torch.where(counts > 0, moved, before)
