"""Multi-sample dropout before the last layer of a network."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn.functional import dropout

from skinfw import SkinfwError
from skinfw_networks.layers import last_linear

Loss = Callable[[torch.Tensor, torch.Tensor, torch.Tensor | None], torch.Tensor]


def sample_dropout(model: nn.Module, samples: int, share: float) -> nn.Module:
    """Let the last linear layer see several dropouts of the same features in training.

    samples: how many.
    share: of the features that are dropped.
    Raises SkinfwError where the network does not end in a linear layer, or has a loss of its own.
    """
    if hasattr(model, "training_loss"):
        raise SkinfwError(
            "the network has a loss of its own already",
            why="the loss of several samples is their mean",
            cure="leave out one of the two components of [[modify]]",
        )
    holder, own, last = last_linear(model, "dropout is sampled before it")
    sampling = SampledLinear(last, samples, share)
    setattr(holder, own, sampling)
    model.training_loss = sampling.training_loss  # type: ignore[assignment]
    return model


class SampledLinear(nn.Module):
    """Answer several times for the same features, some of which are dropped each time."""

    def __init__(self, linear: nn.Linear, samples: int, share: float) -> None:
        """Keep the layer, which all samples share."""
        super().__init__()
        self.linear, self.samples, self.share = linear, samples, share

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the logits of features [N, D]; in training [samples * N, C], sample by sample."""
        if self.training:
            features = dropout(features.repeat(self.samples, 1), self.share)
        logits: torch.Tensor = self.linear(features)
        return logits

    def training_loss(
        self, loss: Loss, logits: torch.Tensor, targets: torch.Tensor, weight: torch.Tensor | None
    ) -> torch.Tensor:
        """Return the mean of the losses of the samples.

        logits: [samples * N, C].
        targets: [N].
        """
        own = [loss(part, targets, weight) for part in logits.chunk(self.samples)]
        return torch.stack(own).mean()
