"""Class-balanced loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Lt

from skinfw_losses.cross_entropy import CrossEntropy
from skinfw_losses.focal import Focal
from skinfw_losses.weightings import effective_number

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ClassBalanced:
    """Weigh classes by one over their effective number of images.

    Cui et al. 2019 (arXiv 1901.05555). The same weights for any loss come from the weighting
    "effective-number".

    beta: how fast further images of a class stop to tell anything new.
    over: "softmax", "sigmoid", or "focal" for sigmoid focal loss.
    gamma: of the focal loss.
    """

    classes: Sequence[str]
    counts: Sequence[int]
    _: KW_ONLY
    beta: Annotated[float, Ge(0), Lt(1)] = 0.999
    over: Literal["softmax", "sigmoid", "focal"] = "softmax"
    gamma: Annotated[float, Ge(0)] = 2.0

    def __call__(self, logits: Tensor, targets: Tensor, class_weight: Tensor | None) -> Tensor:
        """Return the weighted mean.

        logits: float [N, C].
        targets: int [N].
        class_weight: float [C], multiplied with the loss's own weights, or None.
        """
        own = logits.new_tensor(effective_number(self.counts, self.beta))
        weight = own if class_weight is None else own * class_weight.to(own)
        if self.over == "softmax":
            return CrossEntropy(self.classes)(logits, targets, weight)
        gamma = self.gamma if self.over == "focal" else 0.0
        return Focal(self.classes, gamma=gamma)(logits, targets, weight)
