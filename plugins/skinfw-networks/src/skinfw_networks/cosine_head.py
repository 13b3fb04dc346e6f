"""The cosine head in a network."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import linear, normalize

from skinfw_networks.layers import last_linear


def replace_last_layer(model: nn.Module, scale: float) -> nn.Module:
    """Replace the last linear layer by cosines.

    scale: factor of the cosines.
    Raises SkinfwError where the network does not end in a linear layer.
    """
    holder, own, last = last_linear(model, "a cosine head replaces a linear layer")
    setattr(holder, own, CosineLinear(last.in_features, last.out_features, scale))
    return model


class CosineLinear(nn.Module):
    """Return the cosine between features and the weights of each class."""

    def __init__(self, features: int, classes: int, scale: float) -> None:
        """Draw the weights; only their directions matter."""
        super().__init__()
        self.scale = scale
        self.weight = nn.Parameter(torch.empty(classes, features))
        nn.init.kaiming_uniform_(self.weight)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return scale times the cosines, [N, C], of features [N, D]."""
        return self.scale * linear(normalize(features), normalize(self.weight))
