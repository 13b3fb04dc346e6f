from typing import Any

import pytest
import torch
from torch import nn

from skinfw.models import autotune as probe
from skinfw.models.backbone import ALONE
from skinfw.recipe.settings import EngineSettings
from skinfw.runtime.device import choose_hardware


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.LazyLinear(2))


@pytest.fixture
def model() -> nn.Module:
    model = network()
    model(torch.zeros(2, 3, 8, 8))
    return model


def settled(model: nn.Module, recorded: Any = None, **keys: Any) -> Any:
    settings = EngineSettings(**keys)
    return probe.autotune(model, settings, (4, 8), 100, choose_hardware(settings), recorded, ALONE)


def test_a_short_training_is_not_left_to_chance(
    model: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "has_bf16_units", lambda: True)
    monkeypatch.setattr(probe, "_WORTHWHILE", 0.0)
    outputs = settled(model, device="cpu")
    assert outputs.precision == "fp32" and not outputs.compiled


def test_the_trial_leaves_the_network_as_it_was(
    model: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "has_bf16_units", lambda: True)
    monkeypatch.setattr(probe, "_WORK", 0.0)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    outputs = settled(model, device="cpu")
    assert outputs.precision in ("fp32", "bf16")
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all(weights.grad is None for weights in model.parameters())


@pytest.mark.parametrize(("bar", "precision"), [(0.0, "bf16"), (1e9, "fp32")])
def test_the_faster_precision_is_taken_if_it_is_clearly_faster(
    model: nn.Module, monkeypatch: pytest.MonkeyPatch, bar: float, precision: str
) -> None:
    monkeypatch.setattr(probe, "has_bf16_units", lambda: True)
    monkeypatch.setattr(probe, "_WORK", 0.0)
    monkeypatch.setattr(probe, "_WORTHWHILE", bar)
    assert settled(model, device="cpu").precision == precision


def test_what_the_recipe_says_is_not_tried(
    model: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "has_bf16_units", lambda: True)
    monkeypatch.setattr(probe, "_WORK", 0.0)
    monkeypatch.setattr(probe, "_WORTHWHILE", 0.0)
    assert settled(model, device="cpu", precision="fp32").precision == "fp32"


def test_a_repeated_run_keeps_the_choices_of_the_first(model: nn.Module) -> None:
    recorded = {"device": "cpu", "precision": "bf16", "compiled": False}
    assert settled(model, recorded, device="cpu").precision == "bf16"
    assert settled(model, recorded, device="cpu", precision="fp32").precision == "fp32"
    elsewhere = {**recorded, "device": "cuda:0"}
    assert settled(model, elsewhere, device="cpu").precision == "fp32"


def test_compiling_is_measured_by_what_it_saves(
    model: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    hardware = choose_hardware(EngineSettings(device="cpu"))

    def refuse(_: Any) -> Any:
        raise RuntimeError("no compiler")

    monkeypatch.setattr(torch, "compile", refuse)
    assert not probe._compiling_pays(model, (4, 8), 10**9, hardware, ALONE)
    monkeypatch.setattr(torch, "compile", lambda network: network)
    assert not probe._compiling_pays(model, (4, 8), 0, hardware, ALONE)
