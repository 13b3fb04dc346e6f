"""Load the network of a trained model, on the hardware that suits it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch

from skinfw.errors import SkinfwError, first_line
from skinfw.guards.machine import out_of_memory
from skinfw.inference.trained_model import TrainedModel
from skinfw.models.autotune import has_bf16_units
from skinfw.models.backbone import build_network
from skinfw.models.features import whole_image_features
from skinfw.models.forward import into_last_layer
from skinfw.recipe.settings import EngineSettings
from skinfw.runtime.device import Hardware, choose_hardware
from skinfw.training.checkpoint import load_weights


def load_network(trained_model: TrainedModel, hardware: Hardware) -> torch.nn.Module:
    """Return a run's network with its best weights, for evaluation.

    trained_model: of a run folder.
    hardware: where to put it, and in which memory format.
    """
    (component,) = trained_model.components("backbone")
    changes = trained_model.components("modify")
    size, known = trained_model.image.size, trained_model.known
    model = build_network(component, changes, trained_model.classes, size, known)
    load_weights(trained_model.weights, model)
    with component.guard():
        model.to(hardware.device).to(memory_format=hardware.memory_format)
    return model.eval()


def choose_model_hardware(trained_model: TrainedModel) -> Hardware:
    """Choose the device anew; keep the precision of the run where this one is as good at it."""
    hardware = choose_hardware(
        EngineSettings(memory_format=trained_model.tables["engine"]["memory_format"])
    )
    then = str(trained_model.hardware.get("device", "")).partition(":")[0]
    precision = trained_model.hardware.get("precision") or hardware.precision
    if then != hardware.device.type or (then == "cpu" and not has_bf16_units()):
        return hardware
    return replace(hardware, precision=precision)


class TorchPredictor:
    """Hold a run's network with its best weights, or those of the members of an ensemble."""

    def __init__(self, trained_model: TrainedModel) -> None:
        """Build the network on this machine's best device, at the precision of its run.

        trained_model: of a run folder.
        """
        self.trained_model = trained_model
        self.members = [TorchPredictor(own) for own in trained_model.members]
        if self.members:
            return
        self._hardware = choose_model_hardware(trained_model)
        self.model = load_network(trained_model, self._hardware)
        self.normalise = self._hardware.normaliser(self.model)

    @property
    def device(self) -> torch.device:
        """What the network, or the first of an ensemble, computes on."""
        return self.members[0].device if self.members else self._hardware.device

    def probabilities(
        self, images: npt.NDArray[np.uint8], metadata: npt.NDArray[np.float32] | None = None
    ) -> npt.NDArray[np.float64]:
        """Return the probabilities [M, C] of images, uint8 [M, H, W, 3], for any M.

        Of networks that look at P pictures the images are [M, P, H, W, 3].
        metadata: [M, K], NaN where a value is missing; None where all of them are.
        An ensemble is asked for its members, each of which wants images of its own.
        """
        return self._probabilities(torch.cat(list(self._logits(images, metadata))))

    def probabilities_and_features(
        self, images: npt.NDArray[np.uint8], metadata: npt.NDArray[np.float32] | None = None
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]]:
        """Return the probabilities [M, C] and what flows into the last layer, float32 [M, D].

        images, metadata: as for `probabilities`; both come from one look at each image.
        `ModelEvaluator.features` gives the same features of the images of a data set.
        One thread at a time may call it. Raises NoFeaturesError where there are none.
        """
        logits, features = [], []
        with into_last_layer(self.model) as caught:
            for own in self._logits(images, metadata):
                logits.append(own)
                features.append(whole_image_features(caught, len(own)))
        return self._probabilities(torch.cat(logits)), np.asarray(torch.cat(features).numpy())

    @torch.inference_mode()
    def _logits(
        self, images: npt.NDArray[np.uint8], metadata: npt.NDArray[np.float32] | None
    ) -> Iterator[torch.Tensor]:
        """Yield the logits of images, batch by batch."""
        given = [torch.from_numpy(images)]
        if metadata is not None and metadata.shape[1]:
            given.append(torch.from_numpy(metadata).to(self._hardware.device))
        try:
            pieces = [torch.split(one, self.trained_model.batch_size) for one in given]
            for piece, *known in zip(*pieces, strict=True):
                with self._hardware.autocast():
                    logits = self.model(self.normalise(piece), *known)
                yield logits
        except Exception as error:
            if not out_of_memory(error):
                raise
            why = first_line(error)
            cure = "lower --batch-size"
            raise SkinfwError("there is not enough memory", why=why, cure=cure) from error

    def _probabilities(self, logits: torch.Tensor) -> npt.NDArray[np.float64]:
        own = logits[:, : len(self.trained_model.classes)].float().cpu().double()
        return np.asarray(self.trained_model.view_averaging.probabilities(own).numpy())
