"""Judge images of any data set with the network of a run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
import torch

from skinfw.data.loader import EvalImages, Source, labels_of
from skinfw.data.preparation import decoding
from skinfw.data.table import drawing
from skinfw.evaluation.evaluator import Evaluator
from skinfw.inference.torch_model import hardware_of, trained
from skinfw.inference.trained_model import TrainedModel
from skinfw.interfaces.values import UNKNOWN, Features, Predictions
from skinfw.models.features import penultimate
from skinfw.models.input_pipeline import PixelPipeline
from skinfw.models.modalities import ModalityData, recorded
from skinfw.runtime.device import Hardware
from skinfw.statistics.intervals import add_unknown_class


@dataclass(frozen=True)
class ModelEvaluator:
    """Ask a trained network about images whose labels are known.

    saved: of a run folder.
    """

    saved: TrainedModel

    def predictions(self, rows: pd.DataFrame, dataset: Any) -> Predictions:
        """Return what the network says of some images.

        rows: a table with columns id, path, label, lesion, and what the network gets beside; every
            label is one of its classes, or UNK, which then is a last class without probability.
        dataset: the object that made the table.
        """
        evaluator = Evaluator(
            rows,
            PixelPipeline(self._images(rows, dataset), self._hardware),
            self.saved.classes,
            _no_loss,
            self.saved.batch_size,
            self._hardware,
            self.saved.scoring,
            self._beside(rows),
        )
        found = evaluator.predict(self._network)
        return add_unknown_class(found) if (rows["label"] == UNKNOWN).any() else found

    def features(self, rows: pd.DataFrame, dataset: Any) -> Features:
        """Return what the last layer of the network gets and gives for some images.

        rows, dataset: as for `predictions`.
        """
        return penultimate(
            self._network,
            self._images(rows, dataset),
            self._beside(rows),
            len(self.saved.classes),
            self.saved.batch_size,
            self._hardware,
        )

    @cached_property
    def _hardware(self) -> Hardware:
        return hardware_of(self.saved)

    @cached_property
    def _network(self) -> torch.nn.Module:
        return trained(self.saved, self._hardware)

    def _images(self, rows: pd.DataFrame, dataset: Any) -> EvalImages:
        how = decoding(self.saved.image, self.saved.preparations)
        pictures = self.saved.tables.get("modalities", {}).get("pictures", ())
        source = Source.of(rows, drawing(dataset), how, pictures=pictures)
        classes = self.saved.classes
        labels = labels_of(rows, classes if UNKNOWN in classes else (*classes, UNKNOWN))
        return EvalImages(source, labels, self.saved.view.make(size=self.saved.image.size))

    def _beside(self, rows: pd.DataFrame) -> ModalityData:
        return ModalityData(recorded(self.saved.modalities), 1.0, rows, self._hardware.device)


def _no_loss(logits: torch.Tensor, targets: torch.Tensor, weight: Any) -> torch.Tensor:
    """Stand for the loss, which says something of a training only."""
    return logits.new_tensor(float("nan"))
