"""A classifier that looks at angles only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Gt

from skinfw_networks.layers import last_linear

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class CosineHead:
    """Replace the last linear layer by the cosine between features and class weights.

    No class wins by the length of its weights, which grow with its frequency. LDAM is made for it
    (Cao et al. 2019, arXiv 1906.07413) and brings a scale of its own.

    scale: factor of the cosines; 1 for LDAM, about 16 for cross-entropy.
    """

    scale: Annotated[float, Gt(0)] = 1.0

    def modify(self, model: nn.Module) -> nn.Module:
        """Replace the layer.

        Raises SkinfwError where the network does not end in a linear layer.
        """
        from skinfw_networks.cosine_layer import CosineLinear

        holder, own, last = last_linear(model, "a cosine head replaces a linear layer")
        head = CosineLinear(last.in_features, last.out_features, self.scale)
        setattr(holder, own, head)
        return model
