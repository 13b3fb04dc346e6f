"""The mean of a network's weights over the last epochs."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel


class StochasticWeightAverage:
    """Average the weights that a network has at the end of each of the last epochs.

    Izmailov et al. 2018 (arXiv 1803.05407). torch keeps the mean; the statistics of batch
    normalisation, which a mean of weights has none of, are computed anew by whoever evaluates it.
    """

    def __init__(self, model: nn.Module, share: float, epochs: int) -> None:
        """Begin with a copy.

        model: the network that learns.
        share: of the epochs that are averaged, at the end; one of them at least.
        epochs: of the whole training.
        """
        self._learning = model
        self._average = AveragedModel(model)
        self.model = self._average.module.requires_grad_(False)
        self.first = epochs + 1 - max(1, math.floor(share * epochs + 0.5))

    def update(self, epoch: int) -> None:
        """Let the weights at the end of an epoch count; nothing is done before the first one."""
        if epoch >= self.first:
            count = torch.tensor(epoch - self.first)
            self._average.n_averaged.copy_(count)  # a resumed training has one more, too
            self._average.update_parameters(self._learning)
