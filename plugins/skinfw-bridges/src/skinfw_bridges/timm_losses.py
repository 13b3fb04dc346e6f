"""`timm/*` as losses: those of timm.loss that take one label per image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from skinfw import SkinfwError
from skinfw_bridges.signatures import builder, library_parameters

if TYPE_CHECKING:
    from torch import Tensor

# Whether a loss wants the targets as one-hot rows; the others take class numbers.
_ONE_HOT = {
    "AsymmetricLossMultiLabel": True,
    "AsymmetricLossSingleLabel": False,
    "BinaryCrossEntropy": False,
    "LabelSmoothingCrossEntropy": False,
    "PolyBinaryCrossEntropy": True,
    "PolyCrossEntropy": False,
    "SoftTargetCrossEntropy": True,
}
_TYPES = {"gamma_neg": float, "gamma_pos": float}


@dataclass(frozen=True, eq=False)
class TimmLoss:
    """Call a loss of timm, which averages over images and knows no class weights.

    label: of the loss, for messages.
    loss: timm's.
    one_hot: whether it wants the targets as one-hot rows.
    """

    label: str
    loss: Callable[[Tensor, Tensor], Tensor]
    one_hot: bool

    def __call__(self, logits: Tensor, targets: Tensor, class_weight: Tensor | None) -> Tensor:
        """Return the mean over images.

        logits: float [N, C].
        targets: int [N].
        class_weight: None; anything else is refused, for timm would leave it out.
        """
        from torch.nn.functional import one_hot

        if class_weight is not None:
            raise SkinfwError(
                f"{self.label} takes no class weights",
                why="the losses of timm average over images that all count alike",
                cure="leave out [weighting], or use cross-entropy or focal, which weigh classes",
            )
        if self.one_hot:
            targets = one_hot(targets, logits.shape[1]).to(logits)
        return self.loss(logits, targets)


def variants(asked: str = "") -> list[str]:
    """Return the names of the losses, whichever was asked for."""
    from timm import loss

    return [name for name in _ONE_HOT if hasattr(loss, name)]


def member(variant: str) -> Callable[..., Any]:
    """Return what builds a loss."""
    from timm import loss

    function = getattr(loss, variant)
    own = library_parameters(function, leave_out={"reduction"}, types=_TYPES)
    return builder("timm", variant, function, own or [], partial(_build, variant, function))


def _build(variant: str, function: Callable[..., Any], **options: Any) -> TimmLoss:
    return TimmLoss(f"timm/{variant}", function(**options), _ONE_HOT[variant])
