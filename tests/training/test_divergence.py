"""Who makes the first number that is none is named, with the images of the batch."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skinfw.errors import SkinfwError

HEAD = """
import torch
from torch import nn
from torch.nn.functional import cross_entropy

CALLS = []
"""
LOSS = (
    HEAD
    + """
class Odd(torch.autograd.Function):
    @staticmethod
    def forward(context, value):
        return value.clone()

    @staticmethod
    def backward(context, gradient):
        return gradient * float("nan")


class Mine:
    def __call__(self, logits, targets, weight):
        CALLS.append(1)
        loss = cross_entropy(logits, targets)
        return Odd.apply(loss) if len(CALLS) == 4 else loss
"""
)
STEADY = LOSS.replace("len(CALLS) == 4", "targets.sum() % 2")
OPTIMIZER = (
    HEAD
    + """
class Odd(torch.optim.SGD):
    def step(self, closure=None):
        super().step()
        self.param_groups[0]["params"][0].data[0].mul_(float("nan"))


def Mine(model):
    return Odd(model.parameters(), lr=0.1)
"""
)
MIX = (
    HEAD
    + """
class Mine:
    def mix(self, images, rng):
        return images / 0, torch.arange(len(images)), 0.5
"""
)


@pytest.mark.parametrize(
    ("kind", "code", "says"),
    [
        ("loss", STEADY, "has a gradient of NaN"),
        ("optimizer", OPTIMIZER, 'made NaN or infinity of the weight "0.weight"'),
        ("mix", MIX, "mixed images to NaN"),
    ],
)
def test_who_makes_the_first_nan_is_named(
    train: Callable[..., Any], tmp_path: Path, kind: str, code: str, says: str
) -> None:
    (tmp_path / "mine.py").write_text(code)
    with pytest.raises(SkinfwError) as error:
        train(f'{kind}={{use="./mine.py:Mine"}}')
    assert f'{kind} "Mine"' in error.value.what and says in error.value.what
    assert "in the batch of SYN_" in error.value.what
    assert "mine.py:" in error.value.why


def test_a_rate_that_is_too_large_is_nobodys_defect(train: Callable[..., Any]) -> None:
    with pytest.raises(SkinfwError, match=r"loss is|logits are not finite") as error:
        train("optimizer={use='sgd', lr=1e9}", "train.epochs=3")
    assert "diverged" in error.value.why
