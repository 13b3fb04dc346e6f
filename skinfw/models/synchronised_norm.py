"""Batch normalisation over the images of all processes, whatever module asks for it.

torch's own SyncBatchNorm computes on GPUs alone, and takes the place of modules of which networks
have many kinds. Here the function that all of them call is another one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch.nn.functional import batch_norm
from torch.overrides import TorchFunctionMode


@contextmanager
def synchronised_norm(active: bool) -> Iterator[None]:
    """Let modules that normalise by their batch take the one of all processes.

    active: whether to; nothing changes otherwise.
    """
    if not active:
        yield
        return
    with _OverProcesses():
        yield


class _OverProcesses(TorchFunctionMode):
    """Put another function in the place of torch's batch normalisation."""

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        values: Sequence[Any] = (),
        named: Mapping[str, Any] | None = None,
    ) -> Any:
        function = _normalise if function is batch_norm else function
        return function(*values, **(named or {}))


def _normalise(
    values: torch.Tensor,
    running_mean: torch.Tensor | None,
    running_var: torch.Tensor | None,
    weight: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> torch.Tensor:
    """Compute what `torch.nn.functional.batch_norm` does, with the images of all processes.

    Ioffe and Szegedy 2015 (arXiv 1502.03167), algorithm 1. Sums are over the channels' values
    [N, C, ...] of all processes, the variance about the mean of all.
    """
    if not training:
        return batch_norm(
            values, running_mean, running_var, weight, bias, False, momentum, eps
        )  # fmt: skip
    wide = values.float()
    others = [axis for axis in range(values.ndim) if axis != 1]
    own = torch.tensor([float(values.numel() // values.shape[1])], device=values.device)
    sums = _sum(torch.cat([wide.sum(others), own]))
    count = sums[-1].detach()
    mean = sums[:-1] / count
    shape = [1, -1, *[1] * (values.ndim - 2)]
    centred = wide - mean.view(shape)
    variance = _sum(centred.square().sum(others)) / count
    if running_mean is not None and running_var is not None:
        with torch.no_grad():
            running_mean.lerp_(mean.to(running_mean.dtype), momentum)
            unbiased = variance * (count / (count - 1))
            running_var.lerp_(unbiased.to(running_var.dtype), momentum)
    scale = (variance + eps).rsqrt()
    if weight is not None:
        scale = scale * weight
    normal = centred * scale.view(shape)
    if bias is not None:
        normal = normal + bias.view(shape)
    return normal.to(values.dtype)


class _Sum(torch.autograd.Function):
    """Add tensors of all processes; what depends on the sum depends on each of them."""

    @staticmethod
    def forward(_: Any, values: torch.Tensor) -> torch.Tensor:
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(_: Any, gradient: torch.Tensor) -> torch.Tensor:
        total = gradient.clone()
        dist.all_reduce(total)
        return total


def _sum(values: torch.Tensor) -> torch.Tensor:
    total: torch.Tensor = _Sum.apply(values)
    return total
