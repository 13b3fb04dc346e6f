"""Logit adjustment."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class LogitAdjustment:
    """Add tau log(share of the class) to the logits in training.

    What the network then learns is right for classes that are equally frequent, so that balanced
    accuracy gains and nothing is drawn twice. Menon et al. 2021 (arXiv 2007.07314).

    tau: how strongly; 1 is consistent with balanced accuracy, 0 is plain cross-entropy.
    """

    classes: Sequence[str]
    counts: Sequence[int]
    _: KW_ONLY
    tau: Annotated[float, Ge(0)] = 1.0

    def __call__(self, logits: Tensor, targets: Tensor, class_weight: Tensor | None) -> Tensor:
        """Return the weighted mean.

        logits: float [N, C]; in evaluation they are used as they are.
        targets: int [N].
        class_weight: float [C], or None for equal weights.
        """
        from torch.nn.functional import cross_entropy

        # A class without images counts as one image, so that nothing becomes infinite.
        counts = [max(1, count) for count in self.counts]
        prior = [self.tau * math.log(count / sum(counts)) for count in counts]
        return cross_entropy(logits + logits.new_tensor(prior), targets, class_weight)
