"""A teacher: soft labels of the training images, which the loss draws the network towards."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.nn.functional import kl_div

from skinfw.data.teacher_table import UNLABELLED, read_teacher_table
from skinfw.errors import RecipeError, SkinfwError
from skinfw.evaluation.view_averaging import ViewAveraging
from skinfw.interfaces.protocols import NetworkWithLoss, PairedNetwork
from skinfw.recipe.plan import Plan
from skinfw.training.trainer import Loss

_SMALLEST = 1e-12  # in place of zero, whose logarithm is none


class Teacher:
    """Hold a teacher's answers for the training part (Hinton et al. 2015, arXiv 1503.02531)."""

    def __init__(
        self, plan: Plan, rows: pd.DataFrame, scoring: ViewAveraging, device: torch.device
    ) -> None:
        """Read the answers.

        plan: the checked recipe, with a [teacher].
        rows: of the training part.
        scoring: what makes probabilities of the network's logits; the teacher's are answers, too.
        device: of the training.
        Raises SkinfwError where an image has no answer.
        """
        table, settings = read_teacher_table(plan), plan.teacher
        absent = [name for name in rows["id"] if name not in table.answers]
        if absent:
            raise SkinfwError(
                f"the teacher has no answer for {len(absent):,} training images",
                plan.recipe.origin("teacher", "answers").text,
                f"such as {absent[0]}",
                "ask it again: skinfw distil",
            )
        self._share, self._temperature = settings.share, settings.temperature
        self._scoring = scoring
        answers = torch.from_numpy(np.stack([table.answers[name] for name in rows["id"]]))
        soft = (answers.clamp_min(_SMALLEST).log() / settings.temperature).log_softmax(1)
        self._soft = soft.float().to(device)
        unlabelled = rows[UNLABELLED] if UNLABELLED in rows else pd.Series(False, rows.index)
        self._labelled = torch.from_numpy(~unlabelled.to_numpy(bool)).to(device)
        self._all_labelled = not unlabelled.any()

    def loss_of(self, labels: Loss, rows: torch.Tensor) -> Loss:
        """Return the loss of some images.

        labels: the loss of the recipe.
        rows: int [N], their positions in the training part.
        """
        rows = rows.to(self._soft.device, non_blocking=True)

        def loss(logits: torch.Tensor, targets: torch.Tensor, weight: Any) -> torch.Tensor:
            student = self._scoring.adjusted(logits.float()) / self._temperature
            apart = kl_div(
                student.log_softmax(1), self._soft[rows], reduction="none", log_target=True
            ).sum(1)
            apart = self._temperature**2 * apart  # as large gradients as those of the labels
            if self._all_labelled:
                hard = labels(logits, targets, weight) if self._share < 1 else 0.0
                return self._share * apart.mean() + (1 - self._share) * hard
            known = self._labelled[rows]
            together = (apart * torch.where(known, self._share, 1.0)).mean()
            if self._share < 1 and bool(known.any()):
                hard = labels(logits[known], targets[known], weight)
                together = together + (1 - self._share) * known.float().mean() * hard
            return together

        return loss


def check_student(plan: Plan, model: torch.nn.Module) -> None:
    """Raise RecipeError for a network that computes its loss in a way of its own."""
    if isinstance(model, NetworkWithLoss | PairedNetwork):
        raise RecipeError(
            "the network cannot learn from a teacher",
            plan.recipe.origin("teacher").text,
            "a component of [[modify]] computes its loss in a way of its own",
            "leave the component or [teacher] out",
        )
