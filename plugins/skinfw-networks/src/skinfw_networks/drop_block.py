"""DropBlock in a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.functional import max_pool2d

from skinfw import SkinfwError
from skinfw_networks.layers import last_stages

if TYPE_CHECKING:
    from skinfw_networks.components import DropBlock


def drop_squares(model: nn.Module, component: DropBlock) -> nn.Module:
    """Let what leaves some modules lose squares.

    Raises SkinfwError where a module does not exist.
    """
    known = dict(model.named_modules())
    children = ", ".join(dict(model.named_children()))
    cure = f'after = ["..."] names modules: {children}'
    names = component.after or last_stages(model, component.stages, cure)
    for name in names:
        if name not in known:
            raise SkinfwError(
                f"the backbone has no module {name}", cure=f"after names modules such as {children}"
            )
    for name in names:
        # No layer of its own, which a sequence of layers would call; and methods, so that a
        # copied network has copies of them, with a progress of its own.
        squares = DropSquares(component.probability, component.block, component.ramp)
        known[name].register_forward_hook(squares.drop)
        known[name].set_progress = squares.set_progress
    return model


class DropSquares:
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
