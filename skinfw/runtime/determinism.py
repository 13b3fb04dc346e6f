"""Kernels that give the same bits for the same numbers, for as long as a run lasts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_CUBLAS, _WORKSPACE = "CUBLAS_WORKSPACE_CONFIG", ":4096:8"


@contextmanager
def deterministic_kernels(wanted: bool) -> Iterator[None]:
    """Let torch take no other kernels, and put back what was set before.

    wanted: whether it shall; else nothing is changed.
    An operation that has none raises, and `guards.machine.without_deterministic_kernel` tells its
    name. cuBLAS reads the size of its workspace once in a process, so that one that has computed on
    a GPU before may not keep the promise.
    """
    if not wanted:
        yield
        return
    algorithms = torch.are_deterministic_algorithms_enabled()
    warns = torch.is_deterministic_algorithms_warn_only_enabled()
    benchmark, workspace = torch.backends.cudnn.benchmark, os.environ.get(_CUBLAS)
    os.environ.setdefault(_CUBLAS, _WORKSPACE)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False  # it chooses kernels by the clock
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(algorithms, warn_only=warns)
        torch.backends.cudnn.benchmark = benchmark
        if workspace is None:
            os.environ.pop(_CUBLAS, None)
