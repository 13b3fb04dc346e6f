"""Features of a frozen network, computed once and remembered on the disk."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from skinfw.data.loader import EvalImages, Loader
from skinfw.errors import SkinfwError
from skinfw.files.atomic import atomic_write
from skinfw.models.features import into_last_layer
from skinfw.models.freezing import head_name
from skinfw.runtime.device import Hardware

Floats = npt.NDArray[np.float32]


class FeatureStore:
    """Compute features, or find them where an earlier run left them."""

    def __init__(self, folder: Path, model: nn.Module, about: Any, hardware: Hardware) -> None:
        """Take the network whose trunk is frozen.

        folder: where the files lie.
        about: whatever decides the features beside weights and files, as JSON can say it.
        """
        self.folder, self.model, self.hardware = folder, model, hardware
        head = head_name(model)
        digest = hashlib.sha256(json.dumps([about, hardware.precision], default=str).encode())
        for name, tensor in model.state_dict().items():
            if not name.startswith(f"{head}."):
                digest.update(name.encode())
                digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        self._network = digest

    def get(self, images: EvalImages, batch_size: int, told: Callable[[str], None]) -> Floats:
        """Return the features of all views of all images of a part, float32 [N, V, D].

        told: hears what is computed.
        """
        digest = self._network.copy()
        digest.update(b"first view" if images.first else b"all views")
        for path in images.source.paths:
            digest.update(_stamp(path).encode())
        file = self.folder / f"{digest.hexdigest()[:32]}.npy"
        if file.is_file():
            try:
                found: Floats = np.load(file)
                os.utime(file)
                return found
            except (OSError, ValueError, EOFError):  # half a file; it is made anew
                pass
        told(f"features of {len(images.labels):,} images are computed, once")
        found = self._compute(images, batch_size)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with atomic_write(file) as partial, partial.open("wb") as handle:
                np.save(handle, found)
        except (OSError, SkinfwError) as error:
            why = error.why if isinstance(error, SkinfwError) else error.strerror
            told(f"note: features cannot be kept for the next run: {why}")
        return found

    @torch.inference_mode()
    def _compute(self, images: EvalImages, batch_size: int) -> Floats:
        """Catch what flows into the last layer."""
        head = self.model.get_submodule(head_name(self.model))
        normalise = self.hardware.normaliser(self.model)
        was_training = self.model.training
        self.model.eval()
        count = len(images.labels)
        cut = [
            range(start, min(start + batch_size, count)) for start in range(0, count, batch_size)
        ]
        found = []
        try:
            for views, *_ in Loader(images, self.hardware).load(cut):
                with into_last_layer(self.model) as caught, self.hardware.autocast():
                    logits = self.model(normalise(views.flatten(0, 1)))
                if caught[-1].ndim != 2 or not torch.allclose(
                    head(caught[-1]).float(), logits.float(), rtol=1e-2, atol=1e-3
                ):
                    raise SkinfwError(
                        "the features of this network cannot be remembered",
                        why="its last module with weights does not end it",
                        cure="set engine.cache = false to compute them in each epoch",
                    )
                found.append(caught[-1].float().view(*views.shape[:2], -1).cpu())
        finally:
            self.model.train(was_training)
        return np.asarray(torch.cat(found).numpy(), np.float32)


def _stamp(path: str) -> str:
    """Return what tells one state of a file from another; a path that is no file is itself."""
    try:
        found = Path(path).stat()
    except OSError:
        return f"{path}\n"
    return f"{path}\t{found.st_size}\t{found.st_mtime_ns}\n"
