"""Predict a part of the data: every view of an image, probabilities averaged, exact under DDP."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext

import numpy as np
import pandas as pd
import torch

from skinfw.errors import SkinfwError
from skinfw.evaluation.view_averaging import ViewAveraging
from skinfw.interfaces.values import Auxiliary, Predictions
from skinfw.models.forward import Guard, forward_batches
from skinfw.models.input_pipeline import InputPipeline
from skinfw.models.modalities import ModalityData
from skinfw.runtime.device import Hardware, gather


class NotFiniteError(SkinfwError):
    """Say that a network answers with NaN or infinity."""


class Evaluator:
    """Predict one part of the data with any model, as often as asked."""

    def __init__(
        self,
        rows: pd.DataFrame,
        pipeline: InputPipeline,
        classes: tuple[str, ...],
        loss: Callable[..., torch.Tensor] | None,
        batch_size: int,
        hardware: Hardware,
        view_averaging: ViewAveraging,
        modalities: ModalityData,
        guard: Guard = nullcontext,
    ) -> None:
        """Cut the part into batches.

        rows: the part's table; the images of `pipeline` are in the same order.
        loss: of the training; None measures none.
        view_averaging: what makes one answer of the logits of the views.
        modalities: what is known of the part beside its images.
        guard: names who made the network in whatever it raises.
        """
        self.rows, self.pipeline, self.classes, self.loss = rows, pipeline, classes, loss
        self.hardware, self.view_averaging, self.modalities = hardware, view_averaging, modalities
        self.guard = guard
        total, world, rank = len(rows), hardware.world, hardware.rank
        # Processes take rows in turn; the last ones repeat row 0 as padding, trimmed in gather.
        own = [i if i < total else 0 for i in range(rank, -(-total // world) * world, world)]
        # Views count, too, so that many of them fit into memory.
        self.most = share = max(1, batch_size // world)
        self.batches = [own[start : start + share] for start in range(0, len(own), share)]

    @torch.inference_mode()
    def predict(self, model: torch.nn.Module) -> Predictions:
        """Return what the model says of every image of the part."""
        answers = []
        for batch, logits in forward_batches(
            model,
            self.pipeline,
            self.batches,
            self.hardware,
            self.modalities.inputs,
            self.most,
            self.guard,
        ):
            targets = batch.targets.to(logits.device, non_blocking=True)
            answers.append(torch.cat([logits.reshape(len(targets), -1), targets[:, None]], 1))
        table = gather(torch.cat(answers), len(self.rows), self.hardware)
        true = table[:, -1].long()
        classes, width = len(self.classes), logits.shape[1]
        everything = table[:, :-1].reshape(len(true), -1, width)
        logits, others = everything[..., :classes], everything[..., classes:]
        if not bool(everything.isfinite().all()):
            raise NotFiniteError(
                "the network's logits are not finite",
                why="the optimisation diverged, or the backbone divides by zero",
                cure="lower optimizer.lr, or set train.clip_norm = 1.0",
            )
        wide = true.repeat_interleave(logits.shape[1])
        # A copy: tensors of inference mode do not tell who writes into them.
        loss = self.loss(logits.flatten(0, 1).clone(), wide, None) if self.loss else math.nan
        # float32 logits are exact in float64, and so are its rows' sums.
        views = self.view_averaging.probabilities(logits.cpu().double()).numpy()
        return Predictions(
            ids=self.rows["id"].tolist(),
            # What is joined to a lesion by more than its name is drawn together with it.
            lesions=self.rows["component" if "component" in self.rows else "lesion"].tolist(),
            true=true.cpu().numpy().astype(np.int64),
            probabilities=self.view_averaging.average(views),
            classes=self.classes,
            loss=float(loss),
            auxiliary=auxiliary_answers(self.modalities, others),
            paths=self.rows["path"].tolist(),
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
