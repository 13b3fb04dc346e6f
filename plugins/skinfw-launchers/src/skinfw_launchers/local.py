"""Tasks side by side on one machine, whose cores and GPUs are dealt to them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Interval

from skinfw import RecipeError, Task, TaskEnd
from skinfw_launchers.processes import TaskProcess, end_all, wait_for_any


@dataclass(frozen=True)
class Slot:
    """Hold what one task at a time computes on.

    cores: those that it is pinned to; empty where the system pins nothing.
    gpus: names of GPUs as CUDA_VISIBLE_DEVICES has them.
    """

    cores: tuple[int, ...]
    gpus: tuple[str, ...]

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables of its tasks."""
        return {"CUDA_VISIBLE_DEVICES": ",".join(self.gpus)} if self.gpus else {}

    def __str__(self) -> str:
        """Return the slot in words."""
        named = [("core", self.cores), ("GPU", self.gpus)]
        return ", ".join(
            f"{name}{'s' if len(own) > 1 else ''} {' '.join(map(str, own))}"
            for name, own in named
            if own
        )


@dataclass(frozen=True, kw_only=True)
class Local:
    """Carry out tasks side by side on this machine, each on cores and GPUs of its own.

    workers: how many at a time.
    threads: cores of each; 0 divides those that this process may use.
    gpus: numbers of the GPUs that are dealt to the workers; none takes all that are visible.
    """

    workers: Annotated[int, Interval(ge=1, le=256)] = 2
    threads: Annotated[int, Ge(0)] = 0
    gpus: tuple[Annotated[int, Ge(0)], ...] = ()

    def launch(self, tasks: Iterable[Task], say: Callable[[str], None]) -> Iterator[TaskEnd]:
        """Carry out tasks as processes, as many at a time as there are workers."""
        waiting, free = iter(tasks), self.slots()
        running: dict[TaskProcess, Slot] = {}
        try:
            while True:
                while free and (task := next(waiting, None)):
                    slot = free.pop(0)
                    running[TaskProcess(task, slot.cores, slot.variables)] = slot
                if not running:
                    return
                process = wait_for_any(running)
                slot = running.pop(process)
                free.append(slot)
                yield TaskEnd(process.task, process.wait(), str(slot))
        finally:
            end_all(running)

    def slots(self) -> list[Slot]:
        """Return what each worker computes on."""
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        if self.workers * self.threads > len(cores) > 0:
            raise RecipeError(
                f"{self.workers} workers with {self.threads} threads need more cores",
                why=f"this process may use {len(cores)}",
                cure="set fewer workers or threads; threads = 0 divides the cores",
            )
        own = self.threads or max(1, len(cores) // self.workers)
        gpus = self._visible_gpus()
        return [
            Slot(
                tuple(cores[(place * own + one) % len(cores)] for one in range(own) if cores),
                # More workers than GPUs share them in turn.
                tuple(gpus[place :: self.workers] or gpus[place % len(gpus) :][:1]) if gpus else (),
            )
            for place in range(self.workers)
        ]

    def _visible_gpus(self) -> list[str]:
        import torch

        if self.gpus:
            return [str(number) for number in self.gpus]
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        if visible is not None:
            return [name.strip() for name in visible.split(",") if name.strip()]
        return [str(number) for number in range(torch.cuda.device_count())]
