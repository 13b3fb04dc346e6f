"""Gradients that the processes of a run average."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from skinfw.runtime.device import Hardware


def share_gradients(network: nn.Module, hardware: Hardware) -> nn.Module:
    """Return a network whose backward pass averages gradients over all processes of a run.

    network: as it computes, on its device.
    hardware: what computes it; with one process the network stays as it is.

    torch puts the gradients into other buckets after the first step that a process makes, and more
    than two processes add them in an order that depends on the buckets: the first step of a resumed
    run would differ from the same step of one that was not stopped in the last bits. Where it looks
    for parameters that got no gradient, the buckets stay. That costs a walk through the graph in
    each step, and is done where bits repeat at all: on CPUs, and by `engine.deterministic`.
    """
    if hardware.world == 1:
        return network
    repeats = hardware.device.type == "cpu" or torch.are_deterministic_algorithms_enabled()
    return DistributedDataParallel(network, find_unused_parameters=repeats)
