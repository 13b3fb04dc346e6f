"""What all explainers share that look at one layer: its name, and how it is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from skinfw_explain.layers import AUTO, check_layer

if TYPE_CHECKING:
    from torch import Tensor, nn

    from skinfw import ExplainerChoice, InspectedImages


@dataclass(frozen=True, kw_only=True)
class LayerExplainer:
    """Look at one layer of the network.

    layer: another layer of the backbone, by its dotted name; empty takes the declared one, and
        "auto" the one that scores best on validation images. Where several pictures have a backbone
        each, it is that of the first.
    """

    layer: str = ""

    def check(self, model: nn.Module) -> None:
        """Raise RecipeError where the network has no such layer."""
        check_layer(model, self.layer)

    def choose(self, batches: Sequence[InspectedImages]) -> ExplainerChoice | None:
        """Return the layer that scores best, where it is "auto"."""
        if self.layer != AUTO:
            return None
        from skinfw_explain.scorecard.map_choice import choose_layer

        return choose_layer(lambda layer: replace(self, layer=layer), batches)

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor, /) -> Tensor:
        """Return a map per image, float [N, H, W] in [0, 1].

        model: in evaluation mode.
        images: float [N, 3, H, W], normalised.
        targets: int [N], the class to explain.
        """
        raise NotImplementedError
