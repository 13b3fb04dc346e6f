"""How logits become probabilities, and views one answer."""

import numpy as np
import pytest
import torch

from skinfw.evaluation.view_averaging import ViewAveraging

PLAIN = ViewAveraging()


def test_sigmoid_scores_are_scaled_to_sum_one() -> None:
    logits = torch.tensor([[1.0, -2.0, 0.5]], dtype=torch.float64)
    values = 1 / (1 + np.exp(-logits.numpy()))
    result = ViewAveraging(scores="sigmoid").probabilities(logits).numpy()
    assert result == pytest.approx(values / values.sum())
    assert torch.equal(PLAIN.probabilities(logits), logits.softmax(-1))


@pytest.mark.parametrize("scores", ["softmax", "sigmoid"])
@pytest.mark.parametrize("strength", [0.0, 0.5])
def test_huge_logits_still_give_probabilities(scores: str, strength: float) -> None:
    logits = torch.tensor([[-1e4, -9e3, -1e4], [1e4, 0.0, 1e4]])
    scoring = ViewAveraging((5, 2, 1), scores=scores, logit_adjustment=strength)
    result = scoring.probabilities(logits)
    assert result.sum(1).tolist() == pytest.approx([1, 1])
    assert result[0].argmax() == 1


@pytest.mark.parametrize("scores", ["softmax", "sigmoid"])
@pytest.mark.parametrize("strength", [0.25, 1.0, -1.0])
def test_adjusted_probabilities_are_divided_by_shares_to_a_power(
    scores: str, strength: float
) -> None:
    logits = torch.tensor([[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]], dtype=torch.float64)
    shares = np.array([60, 30, 10]) / 100
    plain = ViewAveraging((60, 30, 10), scores=scores).probabilities(logits).numpy()
    expected = plain / shares**strength
    scoring = ViewAveraging((60, 30, 10), scores=scores, logit_adjustment=strength)
    result = scoring.probabilities(logits).numpy()
    assert result == pytest.approx(expected / expected.sum(1, keepdims=True))


def test_a_class_without_training_images_counts_as_one_image() -> None:
    logits = torch.zeros(1, 3, dtype=torch.float64)
    result = ViewAveraging((60, 0, 1), logit_adjustment=1.0).probabilities(logits)
    assert result[0].tolist() == pytest.approx([1 / 121, 60 / 121, 60 / 121])


def test_views_are_averaged_or_vote() -> None:
    views = np.array([[[0.9, 0.1, 0.0], [0.4, 0.5, 0.1], [0.4, 0.5, 0.1]]])
    assert PLAIN.average(views)[0] == pytest.approx(views[0].mean(0))
    assert ViewAveraging(combine="vote").average(views)[0] == pytest.approx([1 / 3, 2 / 3, 0])
