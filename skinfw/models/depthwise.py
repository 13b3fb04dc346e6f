"""Depthwise convolutions of a CPU: in bf16 their gradients take many times as long as in fp32."""

from __future__ import annotations

import torch
from torch import nn

from skinfw.runtime.device import Hardware


class _SinglePrecision(nn.Conv2d):
    """Compute in fp32 within autocast, where gradients will be asked for."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not (torch.is_grad_enabled() and (x.requires_grad or self.weight.requires_grad)):
            return super().forward(x)
        with torch.autocast("cpu", enabled=False):
            return super().forward(x.float()).to(x.dtype)


def keep_depthwise_gradients_fast(model: nn.Module, hardware: Hardware) -> None:
    """Let the depthwise convolutions of a network in bf16 on a CPU learn in fp32.

    All else of it gains by bf16 units; these have no fast gradient there. Weights, their names and
    the network's answers without gradients stay as they are.

    model: changed in place.
    hardware: what it is trained on.
    """
    if hardware.device.type != "cpu" or hardware.precision != "bf16":
        return
    kinds: dict[type, type] = {}
    for module in model.modules():
        if isinstance(module, nn.Conv2d) and 1 < module.groups == module.in_channels:
            own = type(module)
            if own not in kinds:
                kinds[own] = type(own.__name__, (_SinglePrecision, own), {})
            module.__class__ = kinds[own]
