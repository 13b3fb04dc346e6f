"""The first step of a resumed run is that of one which was never stopped, to the bit."""

import subprocess
import sys
from pathlib import Path

import pytest

STEPS = '''
from copy import deepcopy
from types import SimpleNamespace

import torch
import torch.distributed as dist
from torch import nn

from skinfw.training.gradient_sharing import share_gradients

dist.init_process_group("gloo")
rank, world = dist.get_rank(), dist.get_world_size()
torch.set_num_threads(1)
torch.manual_seed(0)
hardware = SimpleNamespace(world=world, device=torch.device("cpu"))
network = nn.Sequential(
    nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(),
    nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 8),
)


def gradients(shared, own, step):
    """Return the gradients of one step, whose images are a function of step and process."""
    dice = torch.Generator().manual_seed(100 * step + rank)
    images = torch.randn(4, 3, 32, 32, generator=dice)
    own.zero_grad()
    nn.functional.cross_entropy(shared(images), torch.arange(4)).backward()
    return torch.cat([weights.grad.flatten() for weights in own.parameters()])


shared, differ = share_gradients(network, hardware), 0
for step in range(6):
    resumed = deepcopy(network)
    whole = gradients(shared, network, step)
    differ += not torch.equal(whole, gradients(share_gradients(resumed, hardware), resumed, step))
    with torch.no_grad():
        for weights in network.parameters():
            weights -= 0.1 * weights.grad
if rank == 0:
    print("differ:", differ)
dist.destroy_process_group()
'''


@pytest.mark.slow
def test_the_first_step_after_a_start_adds_in_the_same_order(tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text(STEPS)
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=4",
         "steps.py"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["differ:", "0"]
