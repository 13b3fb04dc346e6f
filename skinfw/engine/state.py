"""The state of a run on disk: replaced atomically, so that a kill leaves the old one whole."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from skinfw.errors import SkinfwError

FILE = "state.pt"


def save_state(folder: Path, state: Mapping[str, Any]) -> None:
    """Write the resumable state of a run.

    folder: the run folder; the state goes into `last/`.
    state: tensors, numbers, texts, and lists and tables of them.
    """
    target = folder / "last" / FILE
    target.parent.mkdir(exist_ok=True)
    partial = target.with_suffix(".partial")
    torch.save(dict(state), partial)
    _settle(partial, target)


def load_state(folder: Path) -> dict[str, Any]:
    """Read the resumable state of a run.

    folder: the run folder.
    Raises SkinfwError where there is none.
    """
    file = folder / "last" / FILE
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise SkinfwError(
            "the run has no state to resume from",
            str(file),
            "it ended before its first state was saved",
            "run it again without --resume",
        ) from error
    except (UnpicklingError, RuntimeError, OSError, ValueError, EOFError) as error:
        raise SkinfwError(
            "the state of the run cannot be read", str(file), str(error), "run it again"
        ) from error
    return dict(state)


def save_weights(file: Path, model: torch.nn.Module, about: Mapping[str, str]) -> None:
    """Write a model's weights as safetensors.

    file: the target.
    about: texts to keep with the weights, such as the class names.
    """
    partial = file.with_suffix(".partial")
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in _state(model).items()}
    save_file(tensors, partial, dict(about))
    _settle(partial, file)


def load_weights(file: Path, model: torch.nn.Module) -> None:
    """Read weights written by `save_weights` into a model of the same shape."""
    model.load_state_dict(load_file(file))


def _state(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return dict(model.state_dict())


def _settle(partial: Path, target: Path) -> None:
    """Make sure that the bytes are on the disk, then give them their name."""
    with partial.open("rb") as handle:
        os.fsync(handle.fileno())
    partial.replace(target)
