"""Features of a frozen network, computed once for a state of its weights and files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from skinfw.data.loader import EvalImages
from skinfw.errors import SkinfwError
from skinfw.files.sources import source_path
from skinfw.models.backbone import digest_weights
from skinfw.models.forward import forward_batches, in_batches, into_last_layer
from skinfw.models.freezing import head_name
from skinfw.models.input_pipeline import PixelPipeline
from skinfw.recipe.component import PlannedComponent
from skinfw.runtime.device import Hardware

Floats = npt.NDArray[np.float32]
Keep = Callable[[str, Callable[[], Floats], Callable[[str], None]], Floats]


class FeatureStore:
    """Compute features, or find them where an earlier run left them."""

    def __init__(
        self,
        keep: Keep,
        backbone: PlannedComponent[nn.Module],
        model: nn.Module,
        about: Any,
        hardware: Hardware,
    ) -> None:
        """Take the network whose trunk is frozen.

        keep: (key, compute, say) -> what is kept under the key, or is computed now.
        backbone: the component of the network.
        model: the network.
        about: whatever decides the features beside weights and files, as JSON can say it.
        """
        self.keep, self.backbone = keep, backbone
        self.model, self.hardware = model, hardware
        head = head_name(model)
        digest = hashlib.sha256(json.dumps([about, hardware.precision], default=str).encode())
        self._network = digest_weights(digest, model, f"{head}.")

    def get(self, images: EvalImages, batch_size: int, say: Callable[[str], None]) -> Floats:
        """Return the features of all views of all images of a part, float32 [N, V, D].

        say: told what is computed.
        """
        digest = self._network.copy()
        digest.update(b"first view" if images.first else b"all views")
        for path in images.source.paths:
            digest.update(_stamp(path).encode())

        def compute() -> Floats:
            say(f"features of {len(images.labels):,} images are computed, once")
            with self.backbone.guard():  # the cache, which calls this, is not to blame
                return self._compute(images, batch_size)

        return self.keep(digest.hexdigest()[:32], compute, say)

    def _compute(self, images: EvalImages, batch_size: int) -> Floats:
        """Catch what flows into the last layer."""
        head = self.model.get_submodule(head_name(self.model))
        batches = in_batches(len(images.labels), batch_size)
        pipeline, features = PixelPipeline(images, self.hardware), []
        with into_last_layer(self.model) as caught:
            for batch, logits in forward_batches(self.model, pipeline, batches, self.hardware):
                own = caught.pop()
                if not self._ends_in(head, own, logits):
                    raise SkinfwError(
                        "the features of this network cannot be remembered",
                        why="its last module with weights does not end it",
                        cure="set engine.cache = false to compute them in each epoch",
                    )
                features.append(own.float().view(*batch.images.shape[:2], -1).cpu())
        return np.asarray(torch.cat(features).numpy(), np.float32)

    def _ends_in(self, head: nn.Module, features: torch.Tensor, logits: torch.Tensor) -> bool:
        """Tell whether a layer makes the network's answers of what flows into it."""
        if features.ndim != 2:
            return False
        with torch.inference_mode(), self.hardware.autocast():
            again = head(features).float()
        return torch.allclose(again, logits, rtol=1e-2, atol=1e-3)


def _stamp(path: str) -> str:
    """Return what tells one state of a file from another; a path that is no file is itself."""
    try:
        status = source_path(path).stat()
    except OSError:
        return f"{path}\n"
    return f"{path}\t{status.st_size}\t{status.st_mtime_ns}\n"
