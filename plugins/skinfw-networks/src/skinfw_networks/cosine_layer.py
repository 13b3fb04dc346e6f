"""The layer of the cosine head."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import linear, normalize


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
