"""What drops."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.functional import max_pool2d


class Dropping:
    """Drop squares of what leaves a module while that trains."""

    def __init__(self, probability: float, block: int, ramp: float) -> None:
        """Keep the settings; nothing is dropped before `set_progress` was told of some."""
        self.most, self.block, self.ramp = probability, block, ramp
        self.now = 0.0

    def set_progress(self, done: float) -> dict[str, float]:
        """Set the probability by the share of the training that is done; return it by name."""
        self.now = self.most * min(1.0, done / self.ramp)
        return {"drop_block": self.now}

    def drop(self, module: nn.Module, inputs: Any, output: torch.Tensor) -> torch.Tensor:
        """Return the output of a module [N, C, H, W] without the squares that are drawn."""
        if not module.training or not self.now:
            return output
        shape = (len(output), 1, *output.shape[2:])
        centres = torch.rand(shape, device=output.device) < self.now / self.block**2
        gone = max_pool2d(centres.float(), self.block, stride=1, padding=self.block // 2)
        kept = 1 - gone
        scale = kept.numel() / kept.sum().clamp(min=1)
        return output * (kept * scale).to(output)
