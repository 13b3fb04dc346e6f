"""The bilateral-branch network: the last stage twice."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import torch
from torch import nn

from skinfw import SkinfwError
from skinfw_networks.layers import last_linear, last_stages

Loss = Callable[[torch.Tensor, torch.Tensor, torch.Tensor | None], torch.Tensor]


def double_last_stage(model: nn.Module) -> nn.Module:
    """Double the last stage, and the width of the linear layer that ends the network.

    Raises SkinfwError where other layers stand between the two.
    """
    cure = "choose a ResNet or a RegNet of timm"
    (name,) = last_stages(model, 1, cure)
    stage = model.get_submodule(name)
    holder, own, linear = last_linear(model, "two branches double its inputs")
    branches = Branches(stage, deepcopy(stage))
    parent, _, last = name.rpartition(".")
    setattr(model.get_submodule(parent), last, branches)
    bias = linear.bias is not None
    setattr(holder, own, nn.Linear(2 * linear.in_features, linear.out_features, bias))
    try:
        was_training = model.training
        with torch.no_grad():
            model.eval()(torch.zeros(1, 3, 64, 64))
        model.train(was_training)
    except RuntimeError as error:
        raise SkinfwError(
            f"the last stage of the backbone, {name}, cannot be doubled",
            why=f"the layers after it do not take twice the channels: {error}",
            cure=cure,
        ) from error
    model.takes_pairs = True  # type: ignore[assignment]
    model.cam_layer = name  # type: ignore[assignment]
    model.training_loss = branches.training_loss  # type: ignore[assignment]
    return model


class Branches(nn.Module):
    """Hold two stages side by side; their channels follow each other."""

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        """Take the stage and its copy; the first one has the whole say until it is told."""
        super().__init__()
        self.first, self.second = first, second
        self.share = 1.0

    def set_progress(self, done: float) -> dict[str, float]:
        """Set the share of the first branch by what is done of the training; return it."""
        self.share = 1 - done**2
        return {"first_branch": self.share}

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Return [N, 2 * D, H, W] of N images; in training, of N pairs [2 * N, ...].

        The pooling and the linear layer that follow are linear, so that weighing maps weighs
        features.
        """
        if not self.training:
            return torch.cat([self.first(maps), self.second(maps)], 1)
        images, partners = maps.chunk(2)
        weighed = [
            2 * self.share * self.first(images),
            2 * (1 - self.share) * self.second(partners),
        ]
        return torch.cat(weighed, 1)

    def training_loss(
        self, loss: Loss, logits: torch.Tensor, targets: torch.Tensor, weight: torch.Tensor | None
    ) -> torch.Tensor:
        """Return the mixed loss of N pairs.

        logits: [N, C].
        targets: [2 * N], those of the partners last.
        """
        own, partners = targets.chunk(2)
        first, second = loss(logits, own, weight), loss(logits, partners, weight)
        return self.share * first + (1 - self.share) * second
