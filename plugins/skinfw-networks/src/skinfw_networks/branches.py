"""The two last stages of the bilateral-branch network."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

Loss = Callable[[torch.Tensor, torch.Tensor, torch.Tensor | None], torch.Tensor]


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
