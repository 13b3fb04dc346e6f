"""What a saved state must hold to go on with: checked before anything is set to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import torch
from pydantic import BaseModel, ConfigDict, Field

from skinfw.errors import SkinfwError, first_line
from skinfw.files.json_files import check_schema
from skinfw.runtime.tensor_files import misfit

CURE = "run it again without --resume"

Count = Annotated[int, Field(ge=0, lt=1 << 53)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Schema(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class _Progress(_Schema):
    epoch: Annotated[int, Field(ge=1, lt=1 << 31)]
    batch: Count
    step: Count
    loss: Finite
    right: Annotated[Finite, Field(ge=0)] = 0.0
    images: Count
    seconds: Annotated[Finite, Field(ge=0)]
    lr: Finite
    numbers: dict[str, float] = {}
    history: list[dict[str, float]]


class _State(_Schema):
    model: dict[str, Any]
    ema: dict[str, Any] | None
    optimizer: dict[str, Any]
    schedule: dict[str, Any]
    scaler: dict[str, Any]
    loss: dict[str, Any] = {}
    progress: _Progress


def check_state(state: Any, file: Path) -> None:
    """Raise SkinfwError that names the key of a state that cannot be gone on with."""
    check_schema(_State, state, file.name, str(file), CURE)
    at = state["progress"]
    epochs = [record.get("epoch") for record in at["history"]]
    if epochs != list(range(1, at["epoch"])):
        _refuse(file, "progress.history", f"it should have the {at['epoch'] - 1} epochs before")
    if any(record.keys() != at["history"][0].keys() for record in at["history"]):
        _refuse(file, "progress.history", "each epoch should have the same numbers")
    if at["images"] < at["batch"]:
        _refuse(file, "progress.images", f"it should be {at['batch']} at least")


def check_network(own: Mapping[str, torch.Tensor], given: Any, key: str, file: Path) -> None:
    """Raise SkinfwError where the weights of a state are not those of the network.

    own: of the network.
    key: of the state.
    """
    if why := misfit(own, given):
        _refuse(file, key, why)


def check_alike(own: Any, given: Any, key: str, file: Path) -> None:
    """Raise SkinfwError where what is to be set has other keys or types than what is there.

    own, given: tables, lists, numbers and texts of an optimizer or a schedule.
    key: of the state.
    """
    if isinstance(own, Mapping):
        if not isinstance(given, Mapping):
            _refuse(file, key, f"it should be a table, and is a {type(given).__name__}")
        if lacking := [name for name in own if name not in given]:
            _refuse(file, key, f"it lacks {lacking[0]}")
        for name, value in own.items():
            check_alike(value, given[name], f"{key}.{name}", file)
    elif isinstance(own, list | tuple):
        if not isinstance(given, list | tuple):
            _refuse(file, key, f"it should be a list, and is a {type(given).__name__}")
        for place, (mine, value) in enumerate(zip(own, given, strict=False)):
            check_alike(mine, value, f"{key}.{place}", file)
    elif isinstance(own, bool | int | float | str):
        numbers = (int, float, torch.Tensor)
        if not isinstance(given, str if isinstance(own, str) else numbers):
            _refuse(file, key, f"it should be a {type(own).__name__}, and is {str(given)[:60]!r}")


def check_moments(optimizer: torch.optim.Optimizer, given: Any, file: Path) -> None:
    """Raise SkinfwError where what an optimizer remembers of a weight has not its shape."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    for place, moments in given.items():
        if place not in range(len(weights)) or not isinstance(moments, Mapping):
            _refuse(file, "optimizer.state", f"{place!r} is no weight of the network")
        for name, value in moments.items():
            own = weights[place].shape
            if not isinstance(value, torch.Tensor) or value.ndim != len(own) or value.numel() == 1:
                continue  # a count of steps, or a moment in a form of the optimizer's own
            if any(mine not in (1, side) for mine, side in zip(value.shape, own, strict=True)):
                why = f"it is {list(value.shape)}, and its weight {list(own)}"
                _refuse(file, f"optimizer.state.{place}.{name}", why)


@contextmanager
def restoring(file: Path) -> Iterator[None]:
    """Say that a state cannot be gone on with, whatever optimizer or schedule raise."""
    try:
        yield
    except SkinfwError:
        raise
    except Exception as error:
        why = first_line(error) or type(error).__name__
        what = "the state does not fit the run"
        raise SkinfwError(what, str(file), why[:300], CURE) from error


def _refuse(file: Path, key: str, why: str) -> NoReturn:
    raise SkinfwError(f'the key "{key}" of {file.name} is wrong', str(file), why, CURE)
