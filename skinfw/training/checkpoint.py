"""The state and the weights of a run on disk: replaced in one step, and checked when they are read.

The two last states are kept, so that a damaged one costs minutes and not the run.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import torch
from safetensors import safe_open
from safetensors.torch import save

from skinfw.errors import SkinfwError, unwritable
from skinfw.files.atomic import atomic_write
from skinfw.runtime.device import Hardware, broadcast
from skinfw.runtime.tensor_files import load_safetensors, load_tensors, misfit
from skinfw.training.state import CURE, check_state

STATES = "last"
"""The folder of a run's states."""
FILES = ("state.pt", "previous.pt")
"""The last state of a training and the one before."""
CHECKSUM = "sha256"
"""The name under which weights tell their checksum."""
_MARK = b"skinfw-sha256:"
_DIGEST_BYTES = len(_MARK) + 64
_OTHER_WEIGHTS = "install the versions that run.json names, or train again"


def save_state(folder: Path, state: Mapping[str, Any]) -> None:
    """Write the resumable state of a training; keep the one before.

    folder: of the states.
    state: tensors, numbers, texts, and lists and tables of them.
    """
    newest, previous = (folder / name for name in FILES)
    with _replace_file(newest) as partial:
        folder.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            sink = _HashingFile(file)
            try:
                torch.save(dict(state), sink)  # type: ignore[arg-type]
            except RuntimeError as error:  # torch forgets what the disk said
                if sink.error:
                    raise sink.error from error
                raise
            file.write(_MARK + sink.digest.hexdigest().encode())
        if newest.is_file():
            newest.replace(previous)


@dataclass(frozen=True)
class SavedState:
    """Hold what a run goes on from.

    state: None where none was saved.
    note: what a user must hear of it, "" where all is in order.
    """

    state: dict[str, Any] | None
    note: str = ""


def load_state(folder: Path, hardware: Hardware) -> SavedState:
    """Read the last state of a training that is whole; a damaged one is removed.

    folder: of the states.
    hardware: which process this is; all of them read what the first one finds whole.
    Raises SkinfwError where there are states and none is whole.
    """
    damaged: dict[Path, str] = {}
    state: dict[str, Any] | None = None
    for name in FILES:
        file = folder / name
        if broadcast(file.is_file(), hardware):
            state, why = _read_state(file)
            if broadcast(state is not None, hardware):
                if state is None:  # all others would go on without this process
                    raise SkinfwError("a saved state cannot be read", str(file), why)
                break
            damaged[file], state = why, None
    if not damaged:
        return SavedState(state)
    if state is None:
        raise SkinfwError(
            "no saved state of the run is whole",
            ", ".join(str(file) for file in damaged),
            "; ".join(damaged.values()),
            "look after the disk, and run it again without --resume",
        )
    ((file, why),) = damaged.items()
    if hardware.main:
        file.unlink(missing_ok=True)  # it would take the place of the one that is whole
    return SavedState(state, f"{file.name} is damaged ({why}): going on from the state before")


def _read_state(file: Path) -> tuple[dict[str, Any] | None, str]:
    """Return a state, or None and why it is none."""
    try:
        if not _is_whole(file):
            return None, "its checksum is another"
        state = load_tensors(file, CURE)
    except (OSError, SkinfwError) as error:
        return None, getattr(error, "why", "") or str(error)
    check_state(state, file)
    return dict(state), ""


def _is_whole(file: Path) -> bool:
    """Tell whether a state has the checksum at its end; older versions wrote none."""
    with file.open("rb") as content:
        left = max(0, content.seek(0, os.SEEK_END) - _DIGEST_BYTES)
        content.seek(left)
        end = content.read()
        if not end.startswith(_MARK):
            return True
        content.seek(0)
        digest = hashlib.sha256()
        while left and (piece := content.read(min(left, 1 << 20))):
            digest.update(piece)
            left -= len(piece)
    return end == _MARK + digest.hexdigest().encode()


class _HashingFile:
    """Write to a file, and know the checksum of what was meant to be written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.digest = file, hashlib.sha256()
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        try:
            return self._file.write(data)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        self._file.flush()


def save_weights(file: Path, model: torch.nn.Module, about: Mapping[str, str]) -> None:
    """Write a model's weights as safetensors, with their checksum.

    file: the target.
    about: texts to keep with the weights, such as the class names.
    """
    state = dict(model.state_dict())
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    with _replace_file(file) as partial, partial.open("wb") as sink:
        sink.writelines(_in_order(save(tensors, {**about, CHECKSUM: _checksum(tensors)})))


def _in_order(content: bytes) -> tuple[bytes, bytes, memoryview]:
    """Return the pieces of a safetensors file whose texts are in the order of their names.

    content: as the library gives it, which hashes the texts anew each time.
    """
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # tensors begin at a multiple of eight
    return len(text).to_bytes(8, "little"), text, memoryview(content)[end:]


def read_weights(file: Path) -> dict[str, torch.Tensor]:
    """Read weights written by `save_weights`.

    Raises SkinfwError where they are not what was written.
    """
    tensors = load_safetensors(file, _OTHER_WEIGHTS)
    with safe_open(file, "pt") as content:
        about = content.metadata() or {}
    if about.get(CHECKSUM) not in (None, _checksum(tensors)):  # None of older versions
        raise SkinfwError(
            f"{file.name} is damaged",
            str(file),
            "its checksum is another",
            "look after the disk; restore the file from a copy, or train again",
        )
    return tensors


def load_weights(file: Path, model: torch.nn.Module) -> None:
    """Read weights written by `save_weights` into a model of the same shape.

    Raises SkinfwError that names the first tensor that does not fit.
    """
    tensors = read_weights(file)
    if why := misfit(model.state_dict(), tensors):
        raise SkinfwError("the weights do not fit the network", str(file), why, _OTHER_WEIGHTS)
    model.load_state_dict(tensors)


def _checksum(tensors: Mapping[str, torch.Tensor]) -> str:
    """Return a checksum of names, types, shapes and values."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy())  # type: ignore[arg-type]
    return digest.hexdigest()


@contextmanager
def _replace_file(target: Path) -> Iterator[Path]:
    """Replace a file by what a library writes, which has its own errors for a full disk."""
    try:
        with atomic_write(target) as partial:
            yield partial
            partial.chmod(target.parent.stat().st_mode & 0o666)  # as readable as its folder
    except (OSError, RuntimeError) as error:
        raise unwritable(target, error) from error
