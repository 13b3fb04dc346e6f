"""What train.batch_size = "auto" comes to, and that a run keeps it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from skinfw.errors import RecipeErrors, SkinfwError
from skinfw.interfaces.values import Modalities
from skinfw.recipe.plan import load_plan
from skinfw.runtime.device import Hardware
from skinfw.runtime.memory import available_bytes
from skinfw.training import batch_size
from skinfw.training.batch_size import choose_batch_size
from skinfw.workflows.run import execute_run
from skinfw.workflows.run_folder import RunFolder

MEGABYTE = 2**20


def hardware(device: str = "cpu", world: int = 1) -> Hardware:
    made = Hardware(torch.device("cpu"), "fp32", torch.contiguous_format, 0, 0, 1)
    if device != "cpu":
        object.__setattr__(made, "device", Device(device))
    return made


class Device:
    """Say that it is a GPU, where there is none."""

    def __init__(self, kind: str) -> None:
        self.type = kind


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.LazyLinear(2))


def chosen(room: float, monkeypatch: pytest.MonkeyPatch, images: int = 10_000) -> int:
    monkeypatch.setattr(batch_size, "available_bytes", lambda: int(room))
    model = network()
    model(torch.zeros(2, 3, 64, 64))
    return choose_batch_size(model, 64, images, hardware(), Modalities())


def test_a_cpu_takes_what_its_memory_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    # Of an image of 64 x 64 a forward pass keeps 16 maps of floats, 256 KiB, and the image itself.
    each = 64 * 64 * (3 + 16) * 4
    weights = 4 * (3 * 16 * 9 + 16 + 2 * 16 * 64 * 64 + 2) * 4
    for count in (4, 16):
        room = (2 * count * each + weights) / 0.75
        assert chosen(room + MEGABYTE // 8, monkeypatch) == count
        assert chosen(room - MEGABYTE // 8, monkeypatch) == count // 2
    assert chosen(1e12, monkeypatch) == 32 and chosen(0, monkeypatch) == 2
    assert chosen(1e12, monkeypatch, images=100) == 4  # an epoch keeps sixteen batches


def test_a_gpu_takes_the_largest_batch_whose_step_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []

    class Large(nn.Linear):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            tried.append(len(images))
            if len(images) > 32:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            return super().forward(images.mean((2, 3)))

    def peak(device: Any) -> float:
        return 0.1 * tried[-1]

    monkeypatch.setattr(
        batch_size, "black_images", lambda count, **_: (torch.zeros(count, 3, 2, 2),)
    )
    answers: dict[str, Callable[..., Any]] = {
        "empty_cache": lambda: None, "reset_peak_memory_stats": lambda device: None,
        "mem_get_info": lambda device: (3.0, 3.0), "memory_allocated": lambda device: 0.0,
        "synchronize": lambda device: None, "max_memory_allocated": peak,
    }  # fmt: skip
    for name, answer in answers.items():
        monkeypatch.setattr(torch.cuda, name, answer)
    model = Large(3, 2)
    assert choose_batch_size(model, 2, 10_000, hardware("cuda"), Modalities()) == 16
    assert tried == [128, 64, 32, 16]  # 32 images fit, but leave less than a quarter
    assert model.weight.grad is None


def test_a_run_keeps_what_auto_came_to(
    train: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    result, folder = train("train.batch_size=auto", "train.epochs=1", said=said)
    record = json.loads((folder.path / "run.json").read_text())
    assert record["recipe"]["train"]["batch_size"] == 2  # 39 images in sixteen batches
    assert any("train.batch_size = 2" in line for line in said)
    monkeypatch.setattr(batch_size, "BATCHES", 4)  # today it would be another
    plan = load_plan(folder.path)
    again = execute_run(plan, RunFolder.create(folder.path.parent, plan), lambda _: None)
    assert again and again.history[0]["val_loss"] == result.history[0]["val_loss"]


def test_other_words_are_refused(tiny: Path) -> None:
    with pytest.raises((RecipeErrors, SkinfwError), match="batch_size must be") as error:
        load_plan(tiny, ["train.batch_size=large"])
    assert 'an integer of at least 2 or "auto"' in str(error.value)


def test_memory_of_a_container_counts(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text("MemTotal: 99 kB\nMemAvailable:   4000 kB\n")
    assert available_bytes(tmp_path) == 4000 * 1024
    groups = tmp_path / "sys" / "fs" / "cgroup"
    groups.mkdir(parents=True)
    (groups / "memory.current").write_text("1000\n")
    (groups / "memory.max").write_text("max\n")
    assert available_bytes(tmp_path) == 4000 * 1024
    (groups / "memory.max").write_text("5000\n")
    assert available_bytes(tmp_path) == 4000
    assert available_bytes() > 0
