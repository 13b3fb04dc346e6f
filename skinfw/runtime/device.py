"""What to compute on: device, precision, memory format, workers, and the other processes."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import cv2
import torch
import torch.distributed as dist

from skinfw.errors import RecipeError
from skinfw.interfaces.protocols import NormalisedNetwork
from skinfw.recipe.settings import EngineSettings
from skinfw.runtime.failures import explain_lost_process
from skinfw.runtime.memory import keep_freed_memory
from skinfw.runtime.prefetch import usable_cores

PATIENCE = timedelta(hours=12)
"""How long processes wait for the first one, which may decode a large data set."""
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@dataclass(frozen=True)
class Hardware:
    """Hold the choices of one run.

    device: where to compute.
    precision: of the forward pass.
    memory_format: layout of weights and images.
    workers: threads that load images ahead.
    rank, world: which process this is, of how many.
    compiled: whether torch compiles the network for training.
    leads: whether this process fills caches before others read them.
    """

    device: torch.device
    precision: str
    memory_format: torch.memory_format
    workers: int
    rank: int = 0
    world: int = 1
    compiled: bool = False
    leads: bool = True

    @property
    def main(self) -> bool:
        """Whether this process writes the run folder."""
        return self.rank == 0

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context of a forward pass."""
        if self.precision == "fp32":
            return nullcontext()
        dtype = torch.bfloat16 if self.precision == "bf16" else torch.float16
        return torch.autocast(self.device.type, dtype)

    def normaliser(self, model: torch.nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
        """Return the function from uint8 [N, H, W, 3] to what a backbone expects.

        Several pictures [N, P, H, W, 3] become channels, [N, 3 * P, H, W].

        model: its `normalisation`, (mean, std) of values in [0, 1], is used where it has one.
        """
        mean, std = model.normalisation if isinstance(model, NormalisedNetwork) else IMAGENET
        scale = torch.tensor(std, device=self.device).mul(255).reciprocal()
        shift = -torch.tensor(mean, device=self.device).mul(255) * scale

        def normalise(images: torch.Tensor) -> torch.Tensor:
            whole = images.to(self.device, non_blocking=True).float()
            moved = whole.flatten(0, -4)
            # Whole rows at once: three channels alone would be too short for vector units.
            rows, width = moved.flatten(2), moved.shape[2]
            rows = torch.addcmul(shift.repeat(width), rows, scale.repeat(width))
            values = rows.view_as(moved).permute(0, 3, 1, 2)
            if whole.ndim == 5:
                values = values.reshape(-1, 3 * whole.shape[1], *values.shape[2:])
            return values.contiguous(memory_format=self.memory_format)

        return normalise

    def record(self) -> dict[str, Any]:
        """Return the choices for run.json."""
        gpu = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else ""
        return {
            "device": str(self.device),
            "gpu": gpu,
            "threads": torch.get_num_threads(),
            "precision": self.precision,
            "memory_format": str(self.memory_format).removeprefix("torch."),
            "compiled": self.compiled,
            "workers": self.workers,
            "processes": self.world,
        }


def choose_hardware(settings: EngineSettings) -> Hardware:
    """Choose device and precision, and join the other processes that torchrun started.

    What only the network at work can tell, bf16 and compilation on a CPU, is left to
    `skinfw.models.autotune`.

    settings: the recipe's [engine] table.
    Raises RecipeError where the recipe asks for what this machine lacks.
    """
    kind = settings.device
    if kind == "auto":
        kind = "cuda" if torch.cuda.is_available() else "cpu"
    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if not available[kind]:
        raise RecipeError(
            f'engine.device is "{kind}", which this machine does not have',
            "[engine]",
            f"torch {torch.__version__} finds no such device",
            cure='engine.device = "auto" takes what there is',
        )
    local = int(os.environ.get("LOCAL_RANK", 0))
    if kind == "cuda":
        check_gpus(local + 1)
    rank, world = _join(kind)
    device = torch.device(kind, local) if kind == "cuda" else torch.device(kind)
    cv2.setNumThreads(0)  # images are too small to share one among threads
    if kind == "cpu":
        keep_freed_memory()
    if kind == "cuda":
        torch.cuda.set_device(device)
    precision = settings.precision
    if precision == "auto":
        # Many CPUs accept bf16 and emulate it; for them a trial decides, once the network is there.
        native = kind == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        precision = "bf16" if native else "fp32"
    if precision == "fp16" and kind != "cuda":
        raise RecipeError(
            'engine.precision is "fp16", which needs a GPU',
            "[engine]",
            cure='engine.precision = "auto" takes what the device is good at',
        )
    formats = {"contiguous": torch.contiguous_format}
    memory_format = formats.get(settings.memory_format, torch.channels_last)
    workers = settings.workers
    if workers < 0:
        workers = min(8, max(1, usable_cores() - 1)) if kind == "cuda" else 0
    return Hardware(device, precision, memory_format, workers, rank, world)


def check_gpus(processes: int) -> None:
    """Raise RecipeError where this machine has fewer GPUs than processes.

    processes: of this machine; each has a GPU of its own.
    """
    if processes > (there := torch.cuda.device_count()):
        raise RecipeError(
            f"{processes} processes need as many GPUs, and there are {there}",
            "[engine]",
            cure=f'start at most {there}, or set engine.device = "cpu"',
        )


def _join(kind: str) -> tuple[int, int]:
    """Join torchrun's process group; alone where there is none."""
    world = int(os.environ.get("WORLD_SIZE", 1))
    if world == 1:
        return 0, 1
    if not dist.is_initialized():
        backend = "nccl" if kind == "cuda" else "gloo"
        with explain_lost_process(int(os.environ.get("RANK", 0)), world):
            dist.init_process_group(backend, timeout=PATIENCE)
    return dist.get_rank(), world


def broadcast(value: Any, hardware: Hardware) -> Any:
    """Return what the first process has, after all processes have come this far.

    value: this process's own; only that of the first counts.
    """
    if hardware.world == 1:
        return value
    values = [value]
    dist.broadcast_object_list(values, src=0)
    dist.barrier()
    return values[0]


def with_leaders(hardware: Hardware, folder: Path) -> Hardware:
    """Return the hardware with who fills caches.

    That is the first process of all, and the first one of each other machine whose cache is a
    folder of its own; where machines share the folder, the first process fills it for all.

    hardware: which process this is, of how many.
    folder: of the caches, as this process names it.
    """
    if hardware.world == 1:
        return hardware
    mark = folder / f"{broadcast(uuid4().hex, hardware)}.shared"
    with suppress(OSError):
        if hardware.main:
            folder.mkdir(parents=True, exist_ok=True)
            mark.touch()
    dist.barrier()
    shared = mark.exists()
    dist.barrier()
    with suppress(OSError):
        if hardware.main:
            mark.unlink()
    first_here = os.environ.get("LOCAL_RANK", "0") == "0"
    return replace(hardware, leads=hardware.main or (first_here and not shared))


@contextmanager
def leaders_first(hardware: Hardware) -> Iterator[None]:
    """Let those who fill caches do something before the others do it.

    hardware: which process this is, of how many.
    """
    if hardware.world > 1 and not hardware.leads:
        dist.barrier()
    yield
    if hardware.world > 1 and hardware.leads:
        dist.barrier()


def gather(local: torch.Tensor, total: int, hardware: Hardware) -> torch.Tensor:
    """Collect the rows that processes computed in turn, back in order, padding trimmed.

    local: rows rank, rank + world, ... of this process, padded to equal length.
    total: rows in all.
    """
    if hardware.world == 1:
        return local[:total]
    pieces = [torch.empty_like(local) for _ in range(hardware.world)]
    dist.all_gather(pieces, local.contiguous())
    return torch.stack(pieces, dim=1).flatten(0, 1)[:total]


def machine_record() -> dict[str, Any]:
    """Return what of the machine decides how numbers are rounded, and what only names it."""
    cuda = torch.version.cuda if torch.cuda.is_available() else None
    cudnn = torch.backends.cudnn.version() if cuda else None  # type: ignore[no-untyped-call]
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "cuda": cuda or "",
        "cudnn": str(cudnn or ""),
        "processor": _processor(),
    }


def _processor() -> str:
    """Return the name of the processor, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())
