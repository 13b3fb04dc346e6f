"""Load pretrained weights from a file, and explain a hub that cannot be reached."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinfw import SkinfwError

if TYPE_CHECKING:
    import torch

_CURE = "a .pth must hold tensors only; save model.state_dict()"
_DEEPEST = 3  # a checkpoint may hold itself
_WRAPPERS = ("state_dict", "model_state_dict", "model")


def load_file(model: torch.nn.Module, file: Path) -> None:
    """Load weights of the same architecture; a head for other classes stays as it is.

    model: with its new head.
    file: .safetensors, or a .pth of tensors, also inside a checkpoint or with DataParallel's
        `module.` prefix.
    """
    tensors = _read(file)
    own = model.state_dict()
    fitting = {
        name: tensor
        for name, tensor in tensors.items()
        if name in own and own[name].shape == tensor.shape
    }
    head = {name for name in own if name.split(".")[0] in ("classifier", "fc", "head", "heads")}
    missing = sorted(own.keys() - fitting.keys() - head)
    if missing:
        raise SkinfwError(
            f"the weights in {file.name} do not fit the backbone",
            str(file),
            f"{len(missing)} of {len(own)} tensors are missing or differ in shape, "
            f"the first is {missing[0]}",
            "name the architecture that these weights belong to",
        )
    model.load_state_dict({**own, **fitting})


def _read(file: Path) -> dict[str, torch.Tensor]:
    import torch

    from skinfw.toolkit import load_safetensors, load_tensors

    if not file.is_file():
        raise SkinfwError(
            "the weights do not exist", str(file), cure="set backbone.pretrained to a file"
        )
    if file.suffix == ".safetensors":
        return load_safetensors(file, "fetch it again from where it came")
    loaded: Any = load_tensors(file, _CURE)
    for _ in range(_DEEPEST):
        if isinstance(loaded, Mapping) and (inner := [k for k in _WRAPPERS if k in loaded]):
            loaded = loaded[inner[0]]
    named = loaded if isinstance(loaded, Mapping) else {}
    tensors = {
        str(name).removeprefix("module."): tensor
        for name, tensor in named.items()
        if isinstance(tensor, torch.Tensor) and tensor.layout == torch.strided
    }
    if not tensors:
        what = f"it holds a {type(loaded).__name__} without tensors"
        raise SkinfwError(f"{file.name} holds no weights", str(file), what, _CURE)
    return tensors


@contextmanager
def reachable(name: str, host: str) -> Iterator[None]:
    """Turn the failures of a model hub into an error with its cures.

    Where the host does not answer, only the local cache is tried, instead of minutes of retries.

    name: the weights that were asked for.
    host: where they are downloaded from.
    """
    from huggingface_hub import constants

    answers, before = _answers(host), constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = before or not answers
    try:
        yield
    except SkinfwError:
        raise
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0]
        why = f"{type(error).__name__}: {reason}"[:160]
        if not answers:
            why = f"{host} does not answer, and they are not in the local cache"
        raise SkinfwError(
            f"the pretrained weights of {name} cannot be downloaded",
            why=why,
            cure='set backbone.pretrained = "weights.safetensors" to a file from elsewhere, or '
            "backbone.pretrained = false to start at random; lite/efficientnet-lite0 works offline",
        ) from error
    finally:
        constants.HF_HUB_OFFLINE = before


def _answers(host: str) -> bool:
    """Tell whether a host can be reached; a proxy is trusted to know."""
    if urllib.request.getproxies():
        return True
    try:
        socket.create_connection((host, 443), timeout=5).close()
    except OSError:
        return False
    return True
