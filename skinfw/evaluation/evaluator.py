"""Predict a part of the data: every view of an image, probabilities averaged, exact under DDP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch

from skinfw.data.loader import Loader
from skinfw.errors import SkinfwError
from skinfw.evaluation.view_averaging import ViewAveraging
from skinfw.interfaces.values import Auxiliary, Predictions
from skinfw.models.input_pipeline import InputPipeline
from skinfw.models.modalities import ModalityData
from skinfw.recipe.component import PlannedComponent
from skinfw.runtime.device import Hardware, gather
from skinfw.statistics.intervals import Interval, bootstrap


class Evaluator:
    """Predict one part of the data with any model, as often as asked."""

    def __init__(
        self,
        rows: pd.DataFrame,
        feed: InputPipeline,
        classes: tuple[str, ...],
        loss: Callable[..., torch.Tensor],
        batch_size: int,
        hardware: Hardware,
        scoring: ViewAveraging,
        beside: ModalityData,
    ) -> None:
        """Cut the part into batches and open its loader.

        rows: the part's table; the images of `feed` are in the same order.
        scoring: what makes one answer of the logits of the views.
        beside: what is known of the part beside its images.
        """
        self.scoring, self.beside = scoring, beside
        self.rows, self.classes, self.loss, self.hardware = rows, classes, loss, hardware
        self.feed = feed
        self.loader = Loader(feed.images, hardware)
        total, world, rank = len(rows), hardware.world, hardware.rank
        # Processes take rows in turn; the last ones repeat row 0 as padding, trimmed in gather.
        own = [i if i < total else 0 for i in range(rank, -(-total // world) * world, world)]
        # Views count, too, so that many of them fit into memory.
        self.most = share = max(1, batch_size // world)
        self.batches = [own[start : start + share] for start in range(0, len(own), share)]

    @torch.inference_mode()
    def predict(self, model: torch.nn.Module) -> Predictions:
        """Return what the model says of every image of the part."""
        was_training = model.training
        model.eval()
        prepare, network = self.feed.prepare(model), self.feed.network(model)
        found = []
        for views, targets, own in self.loader.load(self.batches):
            flat = (views.flatten(0, 1), *self.beside.inputs(own, views.shape[1]))
            cut = zip(*(torch.split(tensor, self.most) for tensor in flat), strict=True)
            with self.hardware.autocast():
                answers = [network(prepare(part), *known).float() for part, *known in cut]
            logits = torch.cat(answers)
            targets = targets.to(logits.device, non_blocking=True)
            rows = logits.reshape(len(targets), -1)
            found.append(torch.cat([rows, targets[:, None]], 1))
        model.train(was_training)
        table = gather(torch.cat(found), len(self.rows), self.hardware)
        true = table[:, -1].long()
        classes, width = len(self.classes), logits.shape[1]
        everything = table[:, :-1].reshape(len(true), -1, width)
        logits, others = everything[..., :classes], everything[..., classes:]
        if not bool(everything.isfinite().all()):
            raise SkinfwError(
                "the network's logits are not finite",
                why="the optimisation diverged, or the backbone divides by zero",
                cure="lower optimizer.lr, or set train.clip_norm = 1.0",
            )
        wide = true.repeat_interleave(logits.shape[1])
        loss = self.loss(logits.flatten(0, 1), wide, None)
        # float32 logits are exact in float64, and so are its rows' sums.
        said = self.scoring.probabilities(logits.cpu().double()).numpy()
        return Predictions(
            ids=self.rows["id"].tolist(),
            # What is joined to a lesion by more than its name is drawn together with it.
            lesions=self.rows["component" if "component" in self.rows else "lesion"].tolist(),
            true=true.cpu().numpy().astype(np.int64),
            probabilities=self.scoring.average(said),
            classes=self.classes,
            loss=float(loss),
            auxiliary=auxiliary_answers(self.beside, others),
        )


def auxiliary_answers(modalities: ModalityData, logits: torch.Tensor) -> dict[str, Auxiliary]:
    """Return what a network says beside the class of all rows of a part.

    modalities: of the part.
    logits: [N, V, A] of all views, in the order of the rows.
    """
    views = ViewAveraging()
    return {
        name: Auxiliary(
            values, true, views.average(views.probabilities(own.cpu().double()).numpy())
        )
        for name, values, true, own in modalities.auxiliary(logits)
    }


def compute_metrics(
    metrics: Sequence[tuple[PlannedComponent, Any]], predictions: Predictions
) -> dict[str, float]:
    """Return the named numbers of all metrics.

    metrics: pairs of plan and object.
    predictions: of one part.
    """
    numbers: dict[str, float] = {}
    for component, metric in metrics:
        with component.guard():
            numbers |= {str(name): float(value) for name, value in metric(predictions).items()}
    return numbers


def compute_intervals(
    metrics: Sequence[tuple[PlannedComponent, Any]],
    predictions: Predictions,
    replicates: int,
    seed: int,
) -> dict[str, Interval]:
    """Return the 95 % intervals of the numbers of all metrics.

    metrics: pairs of plan and object.
    predictions: of one part.
    replicates, seed: of the lesions that are drawn again, the same for all metrics.
    """
    found: dict[str, Interval] = {}
    for component, metric in metrics:
        with component.guard():
            found |= bootstrap(metric, predictions, replicates, seed)
    return found
