"""Batch normalisation over processes computes what torch's does, here with one process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import nn

from skinfw.models.synchronised_norm import synchronised_norm


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[None]:
    """A group of this process alone."""
    store = dist.FileStore(str(tmp_path / "store"), 1)
    dist.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.mark.parametrize("shape", [(6, 4), (3, 4, 5), (3, 4, 5, 2)])
@pytest.mark.usefixtures("alone")
def test_it_is_what_torch_computes(shape: tuple[int, ...]) -> None:
    kinds = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d}
    answers = []
    values = torch.randn(shape, generator=torch.Generator().manual_seed(1)) * 3 + 1
    for active in (False, True):
        torch.manual_seed(0)
        norm = kinds[len(shape)](4, momentum=0.3)
        nn.init.uniform_(norm.weight)
        own = values.clone().requires_grad_()
        with synchronised_norm(active):
            answer = norm(own)
        answer.pow(3).sum().backward()
        answers.append([answer, own.grad, norm.weight.grad, norm.bias.grad, *norm.buffers()])
    for one, two in zip(*answers, strict=True):
        torch.testing.assert_close(two, one)


@pytest.mark.usefixtures("alone")
def test_what_is_evaluated_uses_what_was_learned() -> None:
    norm = nn.BatchNorm2d(3).eval()
    values = torch.randn(2, 3, 4, 4)
    with synchronised_norm(True):
        assert torch.equal(norm(values), nn.BatchNorm2d(3).eval()(values))
