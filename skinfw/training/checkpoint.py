"""The state of a run on disk: replaced atomically, so that a kill leaves the old one whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from skinfw.errors import SkinfwError, unwritable
from skinfw.files.atomic import atomic_write
from skinfw.runtime.tensor_files import load_safetensors, load_tensors, misfit
from skinfw.training.state import CURE, check_state

FILE = "state.pt"


def save_state(folder: Path, state: Mapping[str, Any]) -> None:
    """Write the resumable state of a run.

    folder: the run folder; the state goes into `last/`.
    state: tensors, numbers, texts, and lists and tables of them.
    """
    target = folder / "last" / FILE
    with _replace_file(target) as partial:
        target.parent.mkdir(exist_ok=True)
        torch.save(dict(state), partial)


def load_state(folder: Path) -> dict[str, Any] | None:
    """Read the resumable state of a run; None where it ended before the first was saved.

    folder: the run folder.
    """
    file = folder / "last" / FILE
    if not file.is_file():
        return None
    state = load_tensors(file, CURE)
    check_state(state, file)
    return dict(state)


def save_weights(file: Path, model: torch.nn.Module, about: Mapping[str, str]) -> None:
    """Write a model's weights as safetensors.

    file: the target.
    about: texts to keep with the weights, such as the class names.
    """
    state = dict(model.state_dict())
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    with _replace_file(file) as partial:
        save_file(tensors, partial, dict(about))


def load_weights(file: Path, model: torch.nn.Module) -> None:
    """Read weights written by `save_weights` into a model of the same shape.

    Raises SkinfwError that names the first tensor that does not fit.
    """
    tensors = load_safetensors(file, "install the versions that run.json names, or train again")
    if why := misfit(model.state_dict(), tensors):
        cure = "install the versions that run.json names, or train again"
        raise SkinfwError("the weights do not fit the network", str(file), why, cure)
    model.load_state_dict(tensors)


@contextmanager
def _replace_file(target: Path) -> Iterator[Path]:
    """Replace a file by what a library writes, which has its own errors for a full disk."""
    try:
        with atomic_write(target) as partial:
            yield partial
            partial.chmod(target.parent.stat().st_mode & 0o666)  # as readable as its folder
    except (RuntimeError, SafetensorError) as error:
        raise unwritable(target, error) from error
