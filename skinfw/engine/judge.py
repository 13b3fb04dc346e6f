"""Judge images of any data set with the network of a run."""

from __future__ import annotations

from typing import Any

import pandas as pd
import torch

from skinfw.contracts import Predictions
from skinfw.engine.data import EvalImages, Source, labels_of
from skinfw.engine.evaluate import Evaluator
from skinfw.engine.feed import PixelFeed
from skinfw.engine.modalities import Beside, recorded
from skinfw.engine.network import hardware_of, trained
from skinfw.engine.prepare import decoding
from skinfw.engine.saved import Saved
from skinfw.table import drawing


def judge(saved: Saved, rows: pd.DataFrame, dataset: Any) -> Predictions:
    """Return what the network says of images whose classes are known.

    saved: of a run folder.
    rows: a table with columns id, path, label, lesion, and what the network gets beside; every
        label is one of its classes.
    dataset: the object that made the table.
    """
    modalities = recorded(saved.modalities)
    hardware = hardware_of(saved)
    how = decoding(saved.image, saved.preparations)
    pictures = saved.tables.get("modalities", {}).get("pictures", ())
    source = Source.of(rows, drawing(dataset), how, pictures=pictures)
    view = saved.view.make(size=saved.image.size)
    images = EvalImages(source, labels_of(rows, saved.classes), view)
    evaluator = Evaluator(
        rows,
        PixelFeed(images, hardware),
        saved.classes,
        _no_loss,
        saved.batch_size,
        hardware,
        saved.view.host,
        Beside(modalities, 1.0, rows, hardware.device),
    )
    return evaluator.predict(trained(saved, hardware))


def _no_loss(logits: torch.Tensor, targets: torch.Tensor, weight: Any) -> torch.Tensor:
    """Stand for the loss, which says something of a training only."""
    return logits.new_tensor(float("nan"))
