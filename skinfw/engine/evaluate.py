"""Predict a part of the data: every view of an image, probabilities averaged, exact under DDP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import torch

from skinfw.contracts import Predictions
from skinfw.engine.data import EvalImages, Loader
from skinfw.engine.device import Hardware, gather
from skinfw.errors import SkinfwError


class Evaluator:
    """Predict one part of the data with any model, as often as asked."""

    def __init__(
        self,
        rows: pd.DataFrame,
        images: EvalImages,
        classes: tuple[str, ...],
        loss: Callable[..., torch.Tensor],
        batch_size: int,
        hardware: Hardware,
    ) -> None:
        """Cut the part into batches and open its loader.

        rows: the part's table; `images` are in the same order.
        """
        self.rows, self.classes, self.loss, self.hardware = rows, classes, loss, hardware
        self.images = images
        self.loader = Loader(images, hardware)
        total, world, rank = len(rows), hardware.world, hardware.rank
        # Processes take rows in turn; the last ones repeat row 0 as padding, trimmed in gather.
        own = [i if i < total else 0 for i in range(rank, -(-total // world) * world, world)]
        share = max(1, batch_size // world)
        self.batches = [own[start : start + share] for start in range(0, len(own), share)]

    @torch.inference_mode()
    def predict(self, model: torch.nn.Module) -> Predictions:
        """Return what the model says of every image of the part."""
        was_training = model.training
        model.eval()
        normalise = self.hardware.normaliser(model)
        found = []
        for views, targets in self.loader.load(self.batches):
            count, repeats = views.shape[:2]
            with self.hardware.autocast():
                logits = model(normalise(views.flatten(0, 1))).float()
            probabilities = logits.softmax(1).unflatten(0, (count, repeats)).mean(1)
            targets = targets.to(logits.device, non_blocking=True)
            wide = targets.repeat_interleave(repeats)
            losses = torch.stack(
                [
                    self.loss(logits[wide_slice], wide[wide_slice], None).float()
                    for wide_slice in _images(count, repeats)
                ]
            )
            found.append(torch.cat([probabilities, losses[:, None], targets[:, None]], 1))
        model.train(was_training)
        table = gather(torch.cat(found), len(self.rows), self.hardware).cpu().double().numpy()
        if not np.isfinite(table[:, :-2]).all():
            raise SkinfwError(
                "the network's logits are not finite",
                why="the optimisation diverged, or the backbone divides by zero",
                cure="lower optimizer.lr, or set train.clip_norm = 1.0",
            )
        probabilities = table[:, :-2] / table[:, :-2].sum(1, keepdims=True)
        return Predictions(
            ids=self.rows["id"].tolist(),
            lesions=self.rows["lesion"].tolist(),
            true=table[:, -1].astype(np.int64),
            probabilities=probabilities,
            classes=self.classes,
            loss=float(table[:, -2].mean()),
        )


def _images(count: int, repeats: int) -> list[slice]:
    return [slice(i * repeats, (i + 1) * repeats) for i in range(count)]


def measure(metrics: list[Any], predictions: Predictions) -> dict[str, float]:
    """Return the named numbers of all metrics.

    metrics: pairs of plan and object.
    predictions: of one part.
    """
    numbers: dict[str, float] = {}
    for planned, metric in metrics:
        with planned.guard():
            numbers |= {str(name): float(value) for name, value in metric(predictions).items()}
    return numbers
