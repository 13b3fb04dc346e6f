"""Label-distribution-aware margins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Gt

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class LDAM:
    """Ask for larger margins of rarer classes: n^(-1/4), the largest scaled to `margin`.

    Cao et al. 2019 (arXiv 1906.07413). Made for a cosine classifier, whose logits lie between
    -1 and 1.

    margin: of the rarest class.
    scale: of the logits before the softmax.
    """

    classes: Sequence[str]
    counts: Sequence[int]
    _: KW_ONLY
    margin: Annotated[float, Ge(0)] = 0.5
    scale: Annotated[float, Gt(0)] = 30.0

    def __call__(self, logits: Tensor, targets: Tensor, class_weight: Tensor | None) -> Tensor:
        """Return the weighted mean.

        logits: float [N, C].
        targets: int [N].
        class_weight: float [C], or None for equal weights.
        """
        from torch.nn.functional import cross_entropy, one_hot

        margins = logits.new_tensor(self.margins) * one_hot(targets, len(self.classes))
        return cross_entropy(self.scale * (logits - margins), targets, class_weight)

    @property
    def margins(self) -> list[float]:
        """The margin of each class; a class without images has none."""
        raw = [count**-0.25 if count else 0.0 for count in self.counts]
        return [self.margin * value / max(raw) for value in raw]
