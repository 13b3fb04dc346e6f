import math
from typing import Any

import pytest
import torch

from skinfw_optimize.optimizers import adamw, nadam, rmsprop
from skinfw_optimize.schedules import constant, cosine, multistep, one_cycle


def rates(make: Any, steps: int, epochs: int, **options: Any) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = make(optimizer, steps, epochs, **options)
    result = []
    for _ in range(steps):
        result.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return result


def test_cosine_is_its_formula() -> None:
    result = rates(cosine, 100, 10, warmup=0.1, final=0.2)
    assert result[:10] == pytest.approx([(i + 1) / 11 for i in range(10)])
    expected = [0.2 + 0.8 * (1 + math.cos(math.pi * i / 90)) / 2 for i in range(90)]
    assert result[10:] == pytest.approx(expected)


def test_multistep_drops_when_epochs_begin() -> None:
    result = rates(multistep, 40, 4, milestones=(2, 4))
    assert result == pytest.approx([1.0] * 10 + [0.1] * 20 + [0.01] * 10)


def test_one_cycle_goes_up_and_far_down() -> None:
    result = rates(one_cycle, 100, 10, rise=0.25, start=0.1, final=0.001)
    assert result[0] == pytest.approx(0.1) and max(result) == pytest.approx(1.0)
    assert result.index(max(result)) == 25 and result[-1] == pytest.approx(0.001)


def test_one_cycle_agrees_with_torch() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 1.0, total_steps=101, pct_start=26 / 101, div_factor=10, final_div_factor=100,
        cycle_momentum=False,
    )  # fmt: skip
    expected = []
    for _ in range(101):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if theirs.last_epoch < 100:
            theirs.step()
    ours = rates(one_cycle, 101, 10, rise=25 / 101, start=0.1, final=0.001)
    assert ours == pytest.approx(expected, abs=1e-9)


def test_constant_stays_after_its_warm_up() -> None:
    assert rates(constant, 10, 1) == [1.0] * 10
    assert rates(constant, 10, 1, warmup=0.2)[2:] == [1.0] * 8


def test_adamw_spares_biases_and_norms() -> None:
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    decays = {
        id(weights): group["weight_decay"]
        for group in adamw(model, weight_decay=0.1).param_groups
        for weights in group["params"]
    }
    assert decays[id(model[0].weight)] == 0.1
    assert {decays[id(w)] for w in (model[0].bias, model[1].weight, model[1].bias)} == {0.0}


def test_nadam_and_rmsprop_step_by_their_formulas() -> None:
    """The oracles are the updates of Dozat 2016 and of Tieleman and Hinton 2012, written out."""
    slopes = [0.3, -0.1, 0.7, 0.2]
    model = torch.nn.Linear(1, 1, bias=False).double()
    torch.nn.init.ones_(model.weight)

    def steps(optimizer: torch.optim.Optimizer) -> float:
        for slope in slopes:
            model.weight.grad = torch.full_like(model.weight, slope)
            optimizer.step()
        value = float(model.weight.detach())
        torch.nn.init.ones_(model.weight)
        return value

    weight, square = 1.0, 0.0
    for slope in slopes:
        square = 0.9 * square + 0.1 * slope**2
        weight -= 0.01 * slope / (math.sqrt(square) + 1e-8)
    assert steps(rmsprop(model, lr=0.01)) == pytest.approx(weight)

    weight, mean, square, product = 1.0, 0.0, 0.0, 1.0
    for step, slope in enumerate(slopes, 1):
        now, following = (0.9 * (1 - 0.5 * 0.96 ** (at * 0.004)) for at in (step, step + 1))
        product *= now
        mean, square = 0.9 * mean + 0.1 * slope, 0.999 * square + 0.001 * slope**2
        root = math.sqrt(square / (1 - 0.999**step)) + 1e-8
        weight -= 0.01 * (1 - now) * slope / (1 - product) / root
        weight -= 0.01 * following * mean / (1 - product * following) / root
    assert steps(nadam(model, lr=0.01)) == pytest.approx(weight)
