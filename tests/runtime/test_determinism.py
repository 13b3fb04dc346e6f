"""Kernels that repeat their bits: for as long as a run, and named where there are none."""

import os
from typing import Any

import pytest
import torch

from skinfw.errors import RecipeError
from skinfw.interfaces.hooks import hookimpl
from skinfw.runtime.determinism import deterministic_kernels


class Watch:
    def __init__(self) -> None:
        self.seen: list[Any] = []

    @hookimpl
    def epoch_end(self) -> None:
        self.seen.append(flags())


def flags() -> tuple[Any, ...]:
    cudnn, workspace = torch.backends.cudnn, os.environ.get("CUBLAS_WORKSPACE_CONFIG")
    return torch.are_deterministic_algorithms_enabled(), cudnn.benchmark, workspace


def test_a_run_computes_so_and_leaves_nothing_behind(train: Any) -> None:
    before, watch = flags(), Watch()
    few = ("train.epochs=1", "explainer=[]", "engine.deterministic=true")
    _, folder = train(*few, listeners=(watch,))
    assert watch.seen == [(True, False, ":4096:8")]
    assert flags() == before and not before[0]
    assert folder.record["recipe"]["engine"]["deterministic"] is True


def test_what_was_set_before_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    before = flags()
    with pytest.raises(ZeroDivisionError), deterministic_kernels(True):
        assert flags() == (True, False, ":16:8")
        raise ZeroDivisionError
    assert flags() == before
    with deterministic_kernels(False):
        assert flags() == before


def test_an_operation_without_such_a_kernel_is_named_with_its_component(
    train: Any, tmp_path: Any
) -> None:
    (tmp_path / "scatter.py").write_text(
        "import torch\n\ndef loss(classes, *, part: float = 1.0):\n"
        "    '''Weigh the logits.\n\n    part: of what.\n    '''\n"
        "    return lambda logits, targets, weight: part * torch.zeros(4).put_(\n"
        "        torch.tensor([0, 0]), logits[0, :2]\n    ).sum()\n"
    )
    with pytest.raises(RecipeError) as error:
        train("loss.use=./scatter.py:loss", "engine.deterministic=true")
    assert "put_ has no kernel that repeats its bits" in error.value.what
    assert "loss.use" in error.value.where and "scatter.py:" in error.value.why
