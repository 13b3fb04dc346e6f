"""Answer with torch, as the run that trained the network did."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from skinfw import SkinfwError
from skinfw.toolkit import TrainedModel, choose_model_hardware, load_network


class TorchPredictor:
    """Hold a run's network with its best weights."""

    def __init__(self, trained_model: TrainedModel) -> None:
        """Build the network on this machine's best device, at the precision of its run.

        trained_model: of a run folder.
        """
        self.trained_model, self._hardware = trained_model, choose_model_hardware(trained_model)
        self._model = load_network(trained_model, self._hardware)
        self._normalise = self._hardware.normaliser(self._model)

    @torch.inference_mode()
    def probabilities(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        """Return the probabilities [M, C] of images, uint8 [M, H, W, 3], for any M."""
        try:
            pieces = torch.split(torch.from_numpy(images), self.trained_model.batch_size)
            with self._hardware.autocast():
                logits = torch.cat([self._model(self._normalise(piece)) for piece in pieces])
        except torch.OutOfMemoryError as error:
            why = str(error).splitlines()[0]
            cure = "lower --batch-size"
            raise SkinfwError("the device has not enough memory", why=why, cure=cure) from error
        logits = logits[:, : len(self.trained_model.classes)].float().cpu().double()
        answers = self.trained_model.view_averaging.probabilities(logits)
        return np.asarray(answers.numpy())
