"""How answers are weighed: by validation, drawn towards equal weights."""

import numpy as np
import pytest
import torch

from skinfw import Predictions
from skinfw.evaluation.combination import Combination
from skinfw_ensembles.weights import _Losses, choose_weights, rank_quantiles


def study(rng: np.random.Generator, skill: list[float], lesions: int = 150) -> list[Predictions]:
    """Answers of networks that see the truth with noise of their own; 0 sees nothing."""
    true = rng.choice(4, lesions, p=[0.6, 0.2, 0.15, 0.05])
    group = np.repeat(np.arange(lesions), rng.integers(1, 4, lesions))
    names = [str(lesion) for lesion in group]
    truth = np.eye(4)[true][group]
    shared = rng.normal(size=truth.shape)
    members = []
    for one in skill:
        logits = one * (2.5 * truth + shared) + rng.normal(size=truth.shape)
        chances = np.exp(logits - logits.max(1, keepdims=True))
        chances /= chances.sum(1, keepdims=True)
        ids = [str(place) for place in range(len(group))]
        members.append(Predictions(ids, names, true[group], chances, ("a", "b", "c", "d")))
    return members


@pytest.mark.slow
def test_members_that_differ_by_noise_keep_equal_weights() -> None:
    rng = np.random.default_rng(0)
    chosen = [choose_weights(study(rng, [1.0] * 3, 60), "probabilities", 0) for _ in range(3)]
    equal = [own.share == 0 for own in chosen]
    assert sum(equal) >= 2
    assert all(own.weights == pytest.approx([1 / 3] * 3) for own in chosen if own.share == 0)


def test_a_member_of_pure_noise_counts_little() -> None:
    chosen = choose_weights(study(np.random.default_rng(1), [1.0, 1.0, 0.0]), "probabilities", 0)
    assert chosen.weights[2] < 0.15 and chosen.share > 0.5 and chosen.gain[0] > 0
    assert sum(chosen.weights) == pytest.approx(1)


@pytest.mark.parametrize("method", ["probabilities", "logits"])
def test_the_most_likely_weights_are_those_of_a_grid(method: str) -> None:
    answers = study(np.random.default_rng(2), [1.0, 0.6])
    tensors = [torch.from_numpy(own.probabilities.copy()) for own in answers]
    losses = _Losses(tensors, torch.from_numpy(answers[0].true.copy()), method, ())  # type: ignore[arg-type]
    found = losses.fit(torch.ones(len(answers[0].ids), dtype=torch.float64))
    grid = np.linspace(0, 1, 101)
    best = min(grid, key=lambda one: losses.of(np.array([one, 1 - one])).mean())
    assert found[0] == pytest.approx(best, abs=0.011)


def test_ranks_of_equal_members_give_back_their_probabilities() -> None:
    (own,) = study(np.random.default_rng(3), [1.0])
    combination = Combination("ranks", (0.25, 0.75), rank_quantiles([own, own]))
    together = combination.predictions([own, own])
    np.testing.assert_allclose(together.probabilities, own.probabilities, atol=1e-9)
