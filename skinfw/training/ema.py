"""A moving average of a network's weights."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import nn


class ExponentialMovingAverage:
    """Follow a network, more slowly the older the average is."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        """Begin with a copy.

        model: the network that learns.
        decay: of the average in the end.
        """
        self.model, self._decay = deepcopy(model).requires_grad_(False), decay
        own, new = self.model.state_dict().values(), model.state_dict().values()
        both = list(zip(own, new, strict=True))
        floats = [pair for pair in both if pair[0].is_floating_point()]
        self._own, self._new = [own for own, _ in floats], [new for _, new in floats]
        self._others = [pair for pair in both if not pair[0].is_floating_point()]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move towards the network; young averages follow faster.

        step: optimizer steps that are done.
        """
        decay = min(self._decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._own, self._new, 1 - decay)
        for old, current in self._others:
            old.copy_(current)
