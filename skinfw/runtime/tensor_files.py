"""Read files of tensors that may come from anywhere; none of them runs code."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from skinfw.errors import SkinfwError, first_line


def load_safetensors(file: Path, cure: str) -> dict[str, torch.Tensor]:
    """Read the tensors of a safetensors file.

    cure: what the reader of an error can do.
    Raises SkinfwError where it is absent or damaged.
    """
    from safetensors.torch import load_file

    try:
        return dict(load_file(file))
    except Exception as error:  # the library has many ways to say that a header is wrong
        raise _unreadable(file, error, cure) from error


def load_tensors(file: Path, cure: str) -> Any:
    """Read what torch.save wrote: tensors, numbers, texts, and lists and tables of them.

    cure: what the reader of an error can do.
    Raises SkinfwError where it is absent or damaged, holds anything else, or would unpack to more
    than it is.
    """
    try:
        _check_zip(file)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of tensors that nobody here saves
            return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # bytes from anywhere make the reader of pickles raise anything
        raise _unreadable(file, error, cure) from error


def _check_zip(file: Path) -> None:
    """Refuse a zip with compressed members: torch writes none, and a bomb is made of them."""
    if not zipfile.is_zipfile(file):
        return
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f'its member "{member.filename[:60]}" is compressed')


def _unreadable(file: Path, error: Exception, cure: str) -> SkinfwError:
    if isinstance(error, FileNotFoundError):
        return SkinfwError(f"there is no {file.name}", str(file), "", cure)
    said = first_line(error) or type(error).__name__
    return SkinfwError(f"{file.name} cannot be read", str(file), said[:300], cure)


def misfit(own: Mapping[str, torch.Tensor], tensors: Any) -> str:
    """Return what of some tensors does not fit those of a network, "" where all of them do.

    own: the network's.
    tensors: from a file.
    """
    if not isinstance(tensors, Mapping):
        return f"there is a {type(tensors).__name__} in place of tensors"
    if lacking := [name for name in own if name not in tensors]:
        return f"{len(lacking)} of {len(own)} tensors are absent, such as {lacking[0]}"
    if others := [name for name in tensors if name not in own]:
        return f"{len(others)} tensors are not the network's, such as {str(others[0])[:100]}"
    for name, mine in own.items():
        given = tensors[name]
        if not isinstance(given, torch.Tensor):
            return f"{name} is a {type(given).__name__}"
        if given.layout != torch.strided or given.is_meta:
            return f"{name} is {'without values' if given.is_meta else given.layout}"
        if given.shape != mine.shape or given.dtype != mine.dtype:
            return f"{name} is {_about(given)} in the file and {_about(mine)} in the network"
    return ""


def _about(tensor: torch.Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"
