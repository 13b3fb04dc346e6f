"""Seesaw loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Seesaw:
    """Let frequent classes push rare ones down less, and mistakes weigh more.

    Wang et al. 2021 (arXiv 2008.10032). In the softmax of an image of class i, class j counts
    M C times: M = min(1, n_j / n_i)^p spares classes that are rarer than i, and
    C = max(1, p_j / p_i)^q takes it back where they are more probable. To the gradient, both are
    constants. The paper counts images as training goes on; here the counts are those of the
    training part, and a class without images counts as if it had one.

    p: of the mitigation factor M; 0 switches it off.
    q: of the compensation factor C; 0 switches it off.
    """

    classes: Sequence[str]
    counts: Sequence[int]
    _: KW_ONLY
    p: Annotated[float, Ge(0)] = 0.8
    q: Annotated[float, Ge(0)] = 2.0

    def __call__(self, logits: Tensor, targets: Tensor, class_weight: Tensor | None) -> Tensor:
        """Return the weighted mean.

        logits: float [N, C]; in evaluation they are used as they are.
        targets: int [N].
        class_weight: float [C], or None for equal weights.
        """
        from torch.nn.functional import cross_entropy

        # The factors are added as logarithms, which stay finite where their powers would not.
        factors = self._log_mitigation(logits, targets) + self._log_compensation(logits, targets)
        return cross_entropy(logits + factors, targets, class_weight)

    def _log_mitigation(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return log M for each image and class, [N, C]."""
        log_counts = logits.new_tensor([max(count, 1) for count in self.counts]).log()
        return self.p * (log_counts - log_counts[targets][:, None]).clamp(max=0)

    def _log_compensation(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return log C for each image and class, [N, C]."""
        fixed = logits.detach()
        return self.q * (fixed - fixed.gather(1, targets[:, None])).clamp(min=0)
