"""Two states are kept; a damaged one is told, and costs no more than the time since the other."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn

from skinfw import hookimpl
from skinfw.errors import SkinfwError
from skinfw.evaluation.evaluator import Evaluator
from skinfw.recipe.plan import load_plan
from skinfw.training.checkpoint import read_weights, save_weights
from skinfw.workflows.run import execute_run, open_run
from skinfw.workflows.run_folder import RunFolder

Train = Callable[..., Any]


class StopAfter:
    """Send SIGTERM after some batches."""

    def __init__(self, batches: int) -> None:
        self.left = batches

    @hookimpl
    def step_end(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGTERM)


def damage(file: Path, at: int = 0) -> None:
    """Turn one bit, in the middle unless told otherwise."""
    content = bytearray(file.read_bytes())
    content[at or len(content) // 2] ^= 1
    file.write_bytes(content)


def resume(folder: Path, said: list[str] | None = None) -> tuple[Any, RunFolder]:
    again = open_run(folder)
    lines = [] if said is None else said
    return execute_run(load_plan(folder), again, lines.append, resume=True), again


@pytest.mark.slow
def test_a_damaged_state_costs_the_time_since_the_one_before(train: Train) -> None:
    whole, straight = train("train.epochs=3")
    _, stopped = train("train.epochs=3", listeners=(StopAfter(8),))  # three batches into the second
    assert {file.name for file in (stopped.path / "last").iterdir()} == {"state.pt", "previous.pt"}
    for kind in ("one bit", "cut", "gone"):
        folder = stopped.path.with_name(kind)
        shutil.copytree(stopped.path, folder)
        state = folder / "last" / "state.pt"
        if kind == "one bit":
            damage(state)
        elif kind == "cut":
            os.truncate(state, state.stat().st_size // 2)
        else:
            state.unlink()
        said: list[str] = []
        resumed, again = resume(folder, said)
        assert any("resuming in epoch 2 after 0 batches" in line for line in said)
        assert any("state.pt is damaged" in line for line in said) == (kind != "gone")
        assert again.record["status"] == "done"
        assert resumed.history[-1]["val_loss"] == whole.history[-1]["val_loss"]
        one, two = (load_file(own / "best.safetensors") for own in (straight.path, folder))
        assert all(torch.equal(one[name], two[name]) for name in one)


def test_a_run_whose_states_are_all_damaged_says_so(train: Train) -> None:
    _, stopped = train("train.epochs=3", listeners=(StopAfter(8),))
    for name in ("state.pt", "previous.pt"):
        damage(stopped.path / "last" / name)
    with pytest.raises(SkinfwError, match="no saved state of the run is whole") as error:
        resume(stopped.path)
    assert len(str(error.value).splitlines()) == 4 and "without --resume" in error.value.cure


def test_damaged_weights_are_told_before_hours_of_training(train: Train) -> None:
    _, stopped = train("train.epochs=3", listeners=(StopAfter(8),))
    best = stopped.path / "best.safetensors"
    damage(best, best.stat().st_size - 3)
    with pytest.raises(SkinfwError, match=r"best\.safetensors is damaged"):
        resume(stopped.path)


def test_equal_weights_are_equal_files(tmp_path: Path) -> None:
    model, about = torch.nn.Linear(3, 2), {name: "Ä\n" for name in "hgfedcba"}
    files = [tmp_path / f"{number}.safetensors" for number in range(3)]
    for file in files:
        save_weights(file, model, about)
    assert len({file.read_bytes() for file in files}) == 1
    assert torch.equal(load_file(files[0])["weight"], model.weight)
    with safe_open(files[0], "pt") as content:
        assert about.items() <= content.metadata().items()


def test_weights_hold_their_checksum(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).to(torch.bfloat16)
    file = tmp_path / "best.safetensors"
    save_weights(file, model, {"classes": "A,B"})
    assert all(
        torch.equal(read_weights(file)[name], own) for name, own in model.state_dict().items()
    )
    size = file.stat().st_size
    for at in range(0, size, max(1, size // 40)):
        copy = tmp_path / "copy.safetensors"
        shutil.copy(file, copy)
        damage(copy, at or 1)
        try:
            read = read_weights(copy)
        except SkinfwError as error:
            assert error.where == str(copy)
        else:  # the texts beside the weights may have suffered
            assert all(torch.equal(read[name], own) for name, own in model.state_dict().items())


def test_sigterm_stops_a_run_as_ctrl_c_does(train: Train) -> None:
    nothing, stopped = train("train.epochs=3", listeners=(StopAfter(2),))
    assert nothing is None and stopped.record["status"] == "stopped"
    assert stopped.record["signal"] == "SIGTERM" and stopped.exit_code == 143
    assert not (stopped.path / "run.lock").exists()


def test_validation_is_stopped_at_once_and_nothing_is_trained_twice(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = ("train.epochs=2", "train.select=val_loss")
    whole, first = train(*sets)
    with monkeypatch.context() as patch:
        patch.setattr(Evaluator, "predict", lambda *_: signal.raise_signal(signal.SIGTERM))
        with pytest.raises(KeyboardInterrupt):
            train(*sets)
    (folder,) = (own for own in (tmp_path / "runs").iterdir() if own != first.path)
    said: list[str] = []
    resumed, again = resume(folder, said)
    assert any("resuming in epoch 1 after 5 batches" in line for line in said)
    for name in ("train_loss", "train_accuracy", "val_loss"):
        assert [row[name] for row in resumed.history] == [row[name] for row in whole.history]
    assert "signal" not in again.record and again.record["status"] == "done"


def test_two_runs_in_one_folder_are_kept_apart(train: Train) -> None:
    _, stopped = train("train.epochs=3", listeners=(StopAfter(2),))
    before = (stopped.path / "run.json").read_bytes()
    with stopped.hold(), pytest.raises(SkinfwError, match="another run is at work"):
        resume(stopped.path)
    assert (stopped.path / "run.json").read_bytes() == before
    resumed, _ = resume(stopped.path)
    assert resumed is not None
