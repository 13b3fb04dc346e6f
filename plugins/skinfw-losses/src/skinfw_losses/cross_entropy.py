"""Cross-entropy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Lt

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class CrossEntropy:
    """Average -log p(true class), each image weighted by its class.

    label_smoothing: share of the target spread evenly over all classes (Szegedy et al. 2016).
    """

    classes: Sequence[str]
    _: KW_ONLY
    label_smoothing: Annotated[float, Ge(0), Lt(1)] = 0.0

    def __call__(self, logits: Tensor, targets: Tensor, class_weight: Tensor | None) -> Tensor:
        """Return the weighted mean.

        logits: float [N, C].
        targets: int [N].
        class_weight: float [C], or None for equal weights.
        """
        from torch.nn.functional import cross_entropy

        return cross_entropy(logits, targets, class_weight, label_smoothing=self.label_smoothing)
