"""Optimal weights of the images of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Gt

from skinfw_losses.reduction import image_weights

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class LOW:
    """Weigh the images of a batch by how much the loss would fall with them.

    The weights v minimise smoothing |v|^2 - sum (g_i^2 + smoothing) v_i over v >= 0 with sum N,
    where g_i is the norm of the mean cross-entropy's gradient at the logits of image i. Santiago
    et al. 2021 (Pattern Recognition 110, 107625). The minimum is a projection onto a simplex and
    is computed exactly, without a solver.

    smoothing: their lambda; a large one keeps all weights near one.
    """

    classes: Sequence[str]
    _: KW_ONLY
    smoothing: Annotated[float, Gt(0)] = 0.01

    def __call__(self, logits: Tensor, targets: Tensor, class_weight: Tensor | None) -> Tensor:
        """Return the mean, weighted by class and by image.

        logits: float [N, C].
        targets: int [N].
        class_weight: float [C], or None for equal weights.
        """
        from torch.nn.functional import cross_entropy

        values = cross_entropy(logits, targets, reduction="none")
        weights = image_weights(logits, targets, class_weight)
        return (weights * self._weights(logits.detach(), targets) * values).sum() / weights.sum()

    def _weights(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the optimal weight of each image, [N], of sum N."""
        from torch.nn.functional import one_hot

        gradient = (logits.softmax(1) - one_hot(targets, logits.shape[1])) / len(targets)
        wanted = (gradient.square().sum(1) + self.smoothing) / (2 * self.smoothing)
        return _project(wanted, float(len(targets)))


def _project(wanted: Tensor, total: float) -> Tensor:
    """Return the nearest point to `wanted` with no negative entry and a given sum.

    By sorting (Held, Wolfe and Crowder 1974).
    """
    import torch

    ordered = wanted.sort(descending=True).values
    count = torch.arange(1, len(wanted) + 1, device=wanted.device)
    shift = (ordered.cumsum(0) - total) / count
    kept = int((ordered > shift).sum())
    return (wanted - shift[kept - 1]).clamp(min=0)
