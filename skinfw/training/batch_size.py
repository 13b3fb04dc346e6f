"""What batch_size = "auto" comes to: the largest power of two that memory and images allow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import partial

import torch
from torch import nn

from skinfw.guards.machine import out_of_memory
from skinfw.interfaces.values import Modalities
from skinfw.models.backbone import black_images
from skinfw.runtime.device import Hardware, broadcast
from skinfw.runtime.memory import available_bytes

MOST: Mapping[str, int] = {"cpu": 32}
"""Larger batches gain a CPU no time, and make it slow to stop."""
MOST_ELSEWHERE = 128
BATCHES = 16
"""The fewest batches of an epoch; the optimizer needs steps."""
_SHARE = 0.75  # of the memory that is free; the rest is for what no trial sees
_OVERHEAD = 2.0  # gradients and work space beside what the backward pass needs
_COPIES = 4  # weights, gradients, and two moments of an optimizer


def choose_batch_size(
    model: nn.Module,
    size: int,
    images: int,
    hardware: Hardware,
    modalities: Modalities,
    shown: int = 1,
) -> int:
    """Return the images per batch of all processes.

    Trials a step on a GPU; on a CPU, where too much memory would end the process, counts what one
    step keeps.

    model: on its device; a copy is tried.
    size: the largest side of an image in training.
    images: of the training part.
    modalities: what the network gets beside one picture.
    shown: images that the network gets for each one drawn.
    """
    share = 2
    if hardware.main:
        trial = deepcopy(model).train()
        measure = partial(black_images, size=size, modalities=modalities, hardware=hardware)
        fits = _fits_gpu if hardware.device.type == "cuda" else _fits_cpu
        most = MOST.get(hardware.device.type, MOST_ELSEWHERE)
        most = max(2, min(most, images // BATCHES // hardware.world))
        share = _largest(most, fits(trial, measure, shown, hardware))
    return int(broadcast(share, hardware)) * hardware.world


def _largest(most: int, fits: Callable[[int], bool]) -> int:
    """Return the largest power of two that fits; two where none does, to fail with a clear error.

    most: its bound.
    """
    count = 1 << (most.bit_length() - 1)
    while count > 2 and not fits(count):
        count //= 2
    return count


Inputs = Callable[[int], tuple[torch.Tensor, ...]]


def _fits_gpu(
    model: nn.Module, inputs: Inputs, shown: int, hardware: Hardware
) -> Callable[[int], bool]:
    def fits(count: int) -> bool:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(hardware.device)
        free, _ = torch.cuda.mem_get_info(hardware.device)
        before = torch.cuda.memory_allocated(hardware.device)
        try:
            with hardware.autocast():
                loss = model(*inputs(count * shown)).float().square().mean()
            loss.backward()
            torch.cuda.synchronize(hardware.device)
        except Exception as error:
            if not out_of_memory(error):
                raise
            return False
        finally:
            model.zero_grad(set_to_none=True)
        return torch.cuda.max_memory_allocated(hardware.device) - before <= _SHARE * free

    return fits


def _fits_cpu(
    model: nn.Module, inputs: Inputs, shown: int, hardware: Hardware
) -> Callable[[int], bool]:
    weights = sum(own.numel() * own.element_size() for own in model.parameters())
    each = shown * _bytes_per_image(model, inputs, hardware)
    room = _SHARE * available_bytes() - _COPIES * weights
    return lambda count: _OVERHEAD * count * each <= room


def _bytes_per_image(model: nn.Module, inputs: Inputs, hardware: Hardware) -> float:
    """Return what a forward pass keeps of each image for the backward pass."""
    own = {tensor.untyped_storage().data_ptr() for tensor in model.state_dict().values()}
    kept: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    count = 2  # batch normalisation needs two
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor), hardware.autocast():
        answer = model(*inputs(count))
    del answer
    return sum(kept.values()) / count
