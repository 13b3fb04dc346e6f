"""Asymmetric loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Lt

from skinfw_losses.reduction import weighted_mean

if TYPE_CHECKING:
    from torch import Tensor

_TINY = 1e-8


@dataclass(frozen=True)
class Asymmetric:
    """Play easy "no" answers down more than easy "yes" answers, and drop the very easy ones.

    Ridnik et al. 2021 (arXiv 2009.14119); sigmoid answers, summed over classes.

    gamma_yes: focal power for the true class.
    gamma_no: focal power for the other classes.
    margin: by which the probabilities of wrong classes are lowered before they count.
    """

    classes: Sequence[str]
    _: KW_ONLY
    gamma_yes: Annotated[float, Ge(0)] = 0.0
    gamma_no: Annotated[float, Ge(0)] = 4.0
    margin: Annotated[float, Ge(0), Lt(1)] = 0.05

    def __call__(self, logits: Tensor, targets: Tensor, class_weight: Tensor | None) -> Tensor:
        """Return the mean over images, weighted by class.

        logits: float [N, C].
        targets: int [N].
        class_weight: float [C], or None for equal weights.
        """
        from torch.nn.functional import logsigmoid, one_hot, softplus

        yes = -(-self.gamma_yes * softplus(logits)).exp() * logsigmoid(logits)
        # log(1 - (p - margin)), without the digits that 1 - p would lose.
        log_no = logsigmoid(-logits)
        if self.margin:
            log_no = log_no.logaddexp(logits.new_tensor(math.log(self.margin))).clamp(max=0)
        lowered = (logits.sigmoid() - self.margin).clamp(min=_TINY)
        no = -lowered.pow(self.gamma_no) * log_no
        values = yes.where(one_hot(targets, logits.shape[1]).bool(), no).sum(1)
        return weighted_mean(values, targets, class_weight)
