"""From the answers of several networks to one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from skinfw.interfaces.values import Auxiliary, Predictions

if TYPE_CHECKING:
    from torch import Tensor

CombinationMethod = Literal["probabilities", "logits", "ranks"]
SMALLEST = 1e-12
"""Stands for a probability of zero, which votes of several views may give."""


@dataclass(frozen=True)
class Combination:
    """Make one answer of what several networks say of an image.

    method: what is averaged. "probabilities" is the linear pool. "logits" is the mean of their
        logarithms, scaled to sum one: the logarithmic pool (Genest and Zidek 1986). "ranks" turns
        each probability into its rank among the member's own validation answers for the class,
        and the mean rank back into a probability by the mean quantile function.
    weights: of the networks, which sum to one.
    quantiles: [M, C, K] at evenly spaced ranks from 0 to 1, for "ranks" alone.
    """

    method: CombinationMethod = "probabilities"
    weights: tuple[float, ...] = (1.0,)
    quantiles: Sequence[Sequence[Sequence[float]]] = ()

    def probabilities(self, answers: Sequence[Tensor]) -> Tensor:
        """Return the probabilities of the classes, which sum to one.

        answers: of each network, float [..., C].
        """
        # Differences from the first are summed: equal answers stay what they are, to the last bit.
        first, *others = answers
        weights = self.weights[1:]
        if self.method == "probabilities":
            together = first
            for weight, own in zip(weights, others, strict=True):
                together = together + weight * (own - first)
            return together
        if self.method == "ranks":
            return self._by_ranks(answers)
        first = first.clamp_min(SMALLEST)
        change = first.new_zeros(())
        for weight, own in zip(weights, others, strict=True):
            change = change + weight * (own.clamp_min(SMALLEST).log() - first.log())
        together = first * change.exp()
        return together * (first.sum(-1, keepdim=True) / together.sum(-1, keepdim=True))

    def _by_ranks(self, answers: Sequence[Tensor]) -> Tensor:
        quantiles = [answers[0].new_tensor(own) for own in self.quantiles]
        steps = quantiles[0].shape[1] - 1
        rank, mean = answers[0] * 0, quantiles[0] * 0
        for weight, own, of in zip(self.weights, answers, quantiles, strict=True):
            rank = rank + weight * _ramps(own, of[:, :-1], of[:, 1:]).sum(-1) / steps
            mean = mean + weight * of
        ends = mean.new_tensor([step / steps for step in range(steps + 1)]).expand_as(mean)
        rises = _ramps(rank, ends[:, :-1], ends[:, 1:]) * mean.diff(dim=1)
        together = (mean[:, 0] + rises.sum(-1)).clamp_min(SMALLEST)
        return together / together.sum(-1, keepdim=True)

    def predictions(self, answers: Sequence[Predictions]) -> Predictions:
        """Return what several networks say together of the same images.

        answers: of each network; auxiliary outputs that all have are averaged.
        """
        first = answers[0]
        names = [name for name in first.auxiliary if all(name in own.auxiliary for own in answers)]
        return replace(
            first,
            probabilities=self.arrays([own.probabilities for own in answers]),
            loss=float("nan"),
            auxiliary={name: self._auxiliary([own.auxiliary[name] for own in answers])
                       for name in names},
        )  # fmt: skip

    def _auxiliary(self, answers: Sequence[Auxiliary]) -> Auxiliary:
        together = replace(self, method="probabilities")
        return replace(
            answers[0], probabilities=together.arrays([own.probabilities for own in answers])
        )

    def arrays(self, answers: Sequence[Any]) -> Any:
        """Return for arrays [..., C] what `probabilities` returns for tensors."""
        import torch

        given = [torch.from_numpy(np.array(own, np.float64)) for own in answers]
        return self.probabilities(given).numpy()

    def record(self) -> dict[str, Any]:
        """Return it for run.json."""
        return {"method": self.method, "weights": self.weights, "quantiles": self.quantiles}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Combination:
        """Read what `record` returned; one network alone has none."""
        if not record:
            return cls()
        return cls(record["method"], tuple(record["weights"]), record.get("quantiles", ()))


def _ramps(values: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Return how far each value is on the way through each interval, from 0 to 1.

    values: [..., C].
    low, high: [C, K].
    Returns [..., C, K]; an interval of no width is a step.
    """
    width = (high - low).clamp_min(SMALLEST)
    return ((values.unsqueeze(-1) - low) / width).clamp(0, 1)
