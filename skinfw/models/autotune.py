"""Try on the machine itself what no table can know: precision on a CPU, compiling on a GPU."""

from __future__ import annotations

import time
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from statistics import median
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from skinfw.interfaces.values import Modalities
from skinfw.models.backbone import black_images
from skinfw.models.depthwise import keep_depthwise_gradients_fast
from skinfw.recipe.settings import EngineSettings
from skinfw.runtime.device import Hardware, broadcast

_IMAGES = 16
_REPEATS = 3
_WORTHWHILE = 1.3
_WORK = 1e13
"""Operations forward of a whole training below which nobody would notice what bf16 gains.

Counted, not timed, so that a busy machine does not change the numbers of short trainings.
"""


def autotune(
    model: nn.Module,
    settings: EngineSettings,
    shape: tuple[int, int],
    steps: int,
    hardware: Hardware,
    recorded: Mapping[str, Any] | None,
    modalities: Modalities,
) -> Hardware:
    """Return the hardware with what "auto" means for this network; a changed model is a copy.

    shape: images per batch of this process, and the side of an image.
    steps: of the whole training.
    recorded: the choices of the run that this one repeats or goes on with, which it keeps.
    modalities: what the network gets beside one picture.
    """
    recorded = broadcast(recorded, hardware)  # which another process may see being written
    auto_precision = settings.precision == "auto" and hardware.device.type == "cpu"
    # Which of the two is faster says the clock, and they round otherwise.
    timed = hardware.device.type == "cuda" and not settings.deterministic
    auto_compile = settings.compile == "auto" and timed and not settings.sync_batch_norm
    compiled = settings.compile == "on"
    if recorded and str(recorded.get("device")) == str(hardware.device):
        precision = recorded["precision"] if auto_precision else hardware.precision
        compiled = bool(recorded.get("compiled")) if auto_compile else compiled
        return replace(hardware, precision=precision, compiled=compiled)
    precision = hardware.precision
    if auto_precision and hardware.main and has_bf16_units():
        precision = _faster_precision(model, shape, steps, hardware, modalities)
    hardware = replace(hardware, precision=broadcast(precision, hardware), compiled=compiled)
    if auto_compile:
        worth = hardware.main and _compiling_pays(model, shape, steps, hardware, modalities)
        hardware = replace(hardware, compiled=broadcast(worth, hardware))
    return hardware


def has_bf16_units() -> bool:
    """Return whether the CPU computes in bf16; others accept it and are ten times slower."""
    names = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return any(getattr(torch.cpu, name, bool)() for name in names)


def _faster_precision(
    model: nn.Module,
    shape: tuple[int, int],
    steps: int,
    hardware: Hardware,
    modalities: Modalities,
) -> str:
    """Time both on a small batch; bf16 must be clearly faster, so that chance does not choose."""
    trial = deepcopy(model).train()
    if steps * shape[0] * _operations(trial, shape[1], hardware, modalities) < _WORK:
        return "fp32"
    shape = (min(_IMAGES, shape[0]), shape[1])
    single = replace(hardware, precision="fp32")
    plain = _step_seconds(trial, trial, shape, single, modalities)
    half = replace(hardware, precision="bf16")
    keep_depthwise_gradients_fast(trial, half)
    mixed = _step_seconds(trial, trial, shape, half, modalities)
    return "bf16" if plain / mixed > _WORTHWHILE else "fp32"


def _operations(model: nn.Module, size: int, hardware: Hardware, modalities: Modalities) -> float:
    """Return the operations of a forward pass of one image."""
    inputs = black_images(2, size, modalities, hardware)  # one alone is no batch to normalise by
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(*inputs)
    both: int = counter.get_total_flops()
    return both / 2


def _compiling_pays(
    model: nn.Module,
    shape: tuple[int, int],
    steps: int,
    hardware: Hardware,
    modalities: Modalities,
) -> bool:
    """Tell whether compiled steps save more than compiling costs."""
    trial = deepcopy(model).train()
    plain = _step_seconds(trial, trial, shape, hardware, modalities)
    started = time.perf_counter()
    try:
        compiled = _step_seconds(torch.compile(trial), trial, shape, hardware, modalities)
    except Exception:  # compilers are missing or fail in many ways, and plain always works
        return False
    cost = time.perf_counter() - started
    return steps * (plain - compiled) > 2 * cost


def _step_seconds(
    network: Any,
    model: nn.Module,
    shape: tuple[int, int],
    hardware: Hardware,
    modalities: Modalities,
) -> float:
    """Return the median time of a forward and backward pass, the first one not counted."""
    inputs = black_images(*shape, modalities, hardware)
    seconds = []
    for _ in range(1 + _REPEATS):
        started = time.perf_counter()
        with hardware.autocast():
            loss = network(*inputs).float().square().mean()
        loss.backward()
        model.zero_grad(set_to_none=True)
        if hardware.device.type == "cuda":
            torch.cuda.synchronize(hardware.device)
        seconds.append(time.perf_counter() - started)
    return median(seconds[1:])
