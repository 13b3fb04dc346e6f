"""How much each member counts: chosen by validation, and drawn towards equal weights.

docs/adr/0032-ensembles.md tells what this costs and gains in simulations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from skinfw import Predictions
from skinfw.toolkit import Combination, CombinationMethod, stream

if TYPE_CHECKING:
    import torch

Floats = npt.NDArray[np.float64]
FOLDS = 10
SHARES = tuple(step / 10 for step in range(11))
"""How far weights go from equal ones towards the most likely ones."""

LEVELS = 65
STEPS = 200


@dataclass(frozen=True)
class ChosenWeights:
    """Hold weights, and what they rest on.

    weights: of the members, which sum to one.
    share: how far they went from equal weights towards the most likely ones.
    gain: log-likelihood of a lesion that the folds show beyond equal weights, with its standard
        error; zero where the weights are equal.
    """

    weights: tuple[float, ...]
    share: float
    gain: tuple[float, float]


def rank_quantiles(answers: Sequence[Predictions]) -> list[list[list[float]]]:
    """Return the quantiles [M, C, K] of each member's probabilities of each class.

    answers: of each member, for the validation images. The ends are 0 and 1.
    """
    levels = np.linspace(0, 1, LEVELS)
    quantiles = np.stack([np.quantile(own.probabilities, levels, axis=0).T for own in answers])
    quantiles[:, :, 0], quantiles[:, :, -1] = 0, 1
    return [member.tolist() for member in quantiles]


def choose_weights(
    answers: Sequence[Predictions], method: CombinationMethod, seed: int
) -> ChosenWeights:
    """Choose weights by the log-likelihood of lesions that the weights were not fitted on.

    Of every tenth of the lesions it is asked how much they gain by the most likely weights of the
    other nine, gone towards for a share of the way from equal weights. The smallest share is
    taken whose gain is within one standard error of the best, and none where the best is not two
    standard errors above zero: so equal members keep equal weights.

    answers: of each member, for the validation images; each lesion counts the same.
    method: how the answers are combined.
    seed: of the folds.
    """
    import torch

    first, count = answers[0], len(answers)
    lesions, group = np.unique(np.array(first.lesions), return_inverse=True)
    share_of_image = 1 / np.bincount(group)[group]
    probabilities = [torch.from_numpy(own.probabilities.copy()) for own in answers]
    true = torch.from_numpy(first.true.copy())
    quantiles = rank_quantiles(answers) if method == "ranks" else ()
    losses = _Losses(probabilities, true, method, quantiles)
    fold = stream(seed, "ensemble").permutation(len(lesions)) % FOLDS
    gains = np.zeros((len(SHARES), len(lesions)))
    for held in range(FOLDS):
        kept, out = fold[group] != held, fold[group] == held
        if not out.any() or not kept.any():
            continue
        likely = losses.fit(torch.from_numpy(share_of_image * kept))
        equal = losses.of(np.full(count, 1 / count))
        for place, share in enumerate(SHARES):
            weights = (1 - share) / count + share * likely
            gain = (equal - losses.of(weights)) * share_of_image
            gains[place] += np.bincount(group[out], gain[out], len(lesions))
    place = _smallest_share(gains)
    likely = losses.fit(torch.from_numpy(share_of_image))
    weights = (1 - SHARES[place]) / count + SHARES[place] * likely
    error = gains[place].std(ddof=1) / np.sqrt(len(lesions))
    return ChosenWeights(
        tuple((weights / weights.sum()).tolist()), SHARES[place], (gains[place].mean(), error)
    )


def _smallest_share(gains: Floats) -> int:
    """Return the place of the share to take.

    gains: [S, L], of each share and lesion; the first share is that of equal weights.
    """
    root, mean = np.sqrt(gains.shape[1]), gains.mean(1)
    best = int(mean.argmax())
    if mean[best] <= 2 * gains[best].std(ddof=1) / root:
        return 0
    behind = (gains[best] - gains).std(axis=1, ddof=1) / root
    return int(np.flatnonzero(mean >= mean[best] - behind)[0])


class _Losses:
    """Measure weights by the negative log-likelihood of the images."""

    def __init__(
        self,
        answers: Sequence[torch.Tensor],
        true: torch.Tensor,
        method: CombinationMethod,
        quantiles: Sequence[Sequence[Sequence[float]]],
    ) -> None:
        self.answers, self.true, self.method, self.quantiles = answers, true, method, quantiles

    def of(self, weights: Floats) -> Floats:
        """Return the loss of each image under some weights."""
        import torch

        return np.asarray(self._losses(torch.from_numpy(weights)).numpy())

    def fit(self, importance: torch.Tensor) -> Floats:
        """Return the most likely weights, by exponentiated gradients (Kivinen and Warmuth 1997).

        importance: of each image.
        """
        import torch

        count = len(self.answers)
        weights = torch.full((count,), 1 / count, dtype=torch.float64)
        importance, step = importance / importance.sum(), 1.0
        loss, slope = self._slope(weights, importance)
        for _ in range(STEPS):
            tried = weights * (-step * (slope - slope.min())).exp()
            tried = tried / tried.sum()
            lower, new = self._slope(tried, importance)
            if lower > loss:
                step /= 2
            else:
                weights, loss, slope = tried, lower, new
        return np.asarray(weights.numpy())

    def _slope(self, weights: torch.Tensor, importance: torch.Tensor) -> tuple[float, torch.Tensor]:
        """Return the mean loss under some weights, and how it changes with them."""
        import torch

        weights = weights.clone().requires_grad_()
        loss = (self._losses(weights) * importance).sum()
        (slope,) = torch.autograd.grad(loss, weights)
        return float(loss.detach()), slope

    def _losses(self, weights: torch.Tensor) -> torch.Tensor:
        combination = Combination(self.method, tuple(weights), self.quantiles)
        own = combination.probabilities(self.answers).gather(1, self.true[:, None])[:, 0]
        return -own.clamp_min(1e-12).log()
