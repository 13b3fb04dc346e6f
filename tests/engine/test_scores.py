"""How logits become probabilities, and views one answer."""

import numpy as np
import pytest
import torch

from skinfw.engine.scores import combined, probabilities


def test_sigmoid_scores_are_scaled_to_sum_one() -> None:
    logits = torch.tensor([[1.0, -2.0, 0.5]], dtype=torch.float64)
    values = 1 / (1 + np.exp(-logits.numpy()))
    assert probabilities(logits, "sigmoid").numpy() == pytest.approx(values / values.sum())
    assert torch.equal(probabilities(logits, "softmax"), logits.softmax(-1))


@pytest.mark.parametrize("scores", ["softmax", "sigmoid"])
def test_huge_logits_still_give_probabilities(scores: str) -> None:
    logits = torch.tensor([[-1e4, -9e3, -1e4], [1e4, 0.0, 1e4]])
    found = probabilities(logits, scores)
    assert found.sum(1).tolist() == pytest.approx([1, 1])
    assert found[0].argmax() == 1


def test_views_are_averaged_or_vote() -> None:
    views = np.array([[[0.9, 0.1, 0.0], [0.4, 0.5, 0.1], [0.4, 0.5, 0.1]]])
    assert combined(views, "average")[0] == pytest.approx(views[0].mean(0))
    assert combined(views, "vote")[0] == pytest.approx([1 / 3, 2 / 3, 0])
