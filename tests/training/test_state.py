"""The state of a stopped run: gone on with where it may be one, else refused with its key."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch

from skinfw import SkinfwError
from skinfw.training.state import check_alike, check_moments, check_network, check_state, restoring

FILE = Path("run/last/state.pt")
RECORD = {"epoch": 1, "val_loss": float("nan"), "accuracy": 0.5}
STATE: dict[str, Any] = {
    "model": {}, "ema": None, "optimizer": {}, "schedule": {}, "scaler": {}, "of_a_later_one": 1,
    "progress": {"epoch": 2, "batch": 3, "step": 9, "loss": 1.5, "images": 24, "seconds": 2,
                 "lr": 0.1, "history": [RECORD]},
}  # fmt: skip


def test_a_good_state_passes_and_may_hold_more() -> None:
    check_state(STATE, FILE)


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("epoch", 0, "progress.epoch"),
        ("epoch", 3, "progress.history"),
        ("batch", -1, "progress.batch"),
        ("images", 2, "progress.images"),
        ("loss", float("nan"), "progress.loss"),
        ("lr", "0.1", "progress.lr"),
        ("history", [{**RECORD, "accuracy": None}], "progress.history.0.accuracy"),
        ("history", [{"accuracy": 0.5}], "progress.history"),
    ],
)
def test_where_a_run_stands_is_checked(key: str, value: Any, named: str) -> None:
    state = deepcopy(STATE)
    state["progress"][key] = value
    with pytest.raises(SkinfwError) as error:
        check_state(state, FILE)
    assert error.value.what == f'the key "{named}" of state.pt is wrong'
    assert error.value.cure == "run it again without --resume"


@pytest.mark.parametrize("state", [None, [], {}, {**STATE, "ema": 1}, {**STATE, "progress": {}}])
def test_anything_else_is_no_state(state: Any) -> None:
    with pytest.raises(SkinfwError, match=r"state\.pt"):
        check_state(state, FILE)


def test_weights_of_another_network_are_named() -> None:
    own = torch.nn.Linear(2, 3).state_dict()
    check_network(own, own, "model", FILE)
    with pytest.raises(SkinfwError, match="weight is float32"):
        check_network(own, torch.nn.Linear(3, 3).state_dict(), "model", FILE)


def test_an_optimizer_of_other_keys_or_shapes_is_refused() -> None:
    model = torch.nn.Linear(2, 3)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    model(torch.zeros(1, 2)).sum().backward()
    optimizer.step()
    good = optimizer.state_dict()
    groups = {"param_groups": good["param_groups"]}
    check_alike(groups, good, "optimizer", FILE)
    check_moments(optimizer, good["state"], FILE)
    bad = deepcopy(good)
    bad["param_groups"][0]["lr"] = "fast"
    with pytest.raises(SkinfwError, match=r"optimizer\.param_groups\.0\.lr"):
        check_alike(groups, bad, "optimizer", FILE)
    bad["state"][0]["exp_avg"] = torch.zeros(5, 5)
    with pytest.raises(SkinfwError, match=r"optimizer\.state\.0\.exp_avg"):
        check_moments(optimizer, bad["state"], FILE)
    with pytest.raises(SkinfwError, match="no weight of the network"):
        check_moments(optimizer, {7: {}}, FILE)


def test_what_a_component_raises_about_a_state_is_said_of_the_state() -> None:
    with pytest.raises(SkinfwError, match="the state does not fit the run"), restoring(FILE):
        raise KeyError("last_epoch")
