"""Focal loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge

from skinfw_losses.reduction import image_weights, log_others, signed_logits, weighted_mean

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Focal:
    """Multiply the cross-entropy by (1 - p)^gamma, so that easy images count less.

    Lin et al. 2017 (arXiv 1708.02002).

    gamma: how strongly easy answers are played down; 0 is plain cross-entropy.
    over: "sigmoid" asks a binary question per class, "softmax" one question for all.
    """

    classes: Sequence[str]
    _: KW_ONLY
    gamma: Annotated[float, Ge(0)] = 2.0
    over: Literal["sigmoid", "softmax"] = "sigmoid"

    def __call__(self, logits: Tensor, targets: Tensor, class_weight: Tensor | None) -> Tensor:
        """Return the weighted mean, over images and, with sigmoid, over classes.

        logits: float [N, C].
        targets: int [N].
        class_weight: float [C], or None for equal weights.
        """
        if self.over == "sigmoid":
            answers = signed_logits(logits, targets)
            weights = image_weights(logits, targets, class_weight)
            values = focal(answers, cross_entropy(answers), self.gamma)
            return (weights * values.mean(1)).sum() / weights.sum()
        total = logits.logsumexp(1)
        true = logits.gather(1, targets[:, None])[:, 0]
        # The log of 1 - p, without the loss of digits that 1 - p itself would have.
        log_wrong = log_others(logits, targets) - total
        values = (self.gamma * log_wrong).exp() * (total - true)
        return weighted_mean(values, targets, class_weight)


def cross_entropy(answers: Tensor) -> Tensor:
    """Return -log of the probability of each right binary answer; answers are `signed_logits`."""
    from torch.nn.functional import softplus

    return softplus(-answers)


def focal(answers: Tensor, values: Tensor, gamma: float) -> Tensor:
    """Multiply values by (1 - p)^gamma; the logarithm stays finite where 1 - p would not."""
    from torch.nn.functional import softplus

    return (-gamma * softplus(answers)).exp() * values
