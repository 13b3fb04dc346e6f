"""Seesaw loss beside the equations of its paper, without care for large logits."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from skinfw_acme.seesaw import Seesaw

CLASSES = ("MEL", "NV", "DF", "VASC")
COUNTS = (100, 900, 10, 3)
WEIGHT = (2.0, 0.3, 1.0, 1.5)
K = len(CLASSES)


def batch(images: int = 30) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(0, 2.5, (images, K)), rng.integers(0, K, images)


def factors(logits: np.ndarray, i: int, p: float = 0.8, q: float = 2.0) -> np.ndarray:
    """Return S of each class for an image of class i: equations 6 to 8, as loops."""
    probabilities = np.exp(logits) / np.exp(logits).sum()
    result = np.ones(K)
    for j in range(K):
        if COUNTS[i] > COUNTS[j]:
            result[j] *= (COUNTS[j] / COUNTS[i]) ** p
        if probabilities[j] > probabilities[i]:
            result[j] *= (probabilities[j] / probabilities[i]) ** q
    return result


def answer(logits: np.ndarray, i: int, p: float = 0.8, q: float = 2.0) -> float:
    """Return the probability that the loss looks at, that of class i among its rivals."""
    own = factors(logits, i, p, q)
    rivals = sum(own[j] * np.exp(logits[j]) for j in range(K) if j != i)
    return float(np.exp(logits[i]) / (rivals + np.exp(logits[i])))


@pytest.mark.parametrize(("p", "q"), [(0.8, 2.0), (0.8, 0.0), (0.0, 2.0), (1.5, 0.5)])
def test_it_is_the_paper_s(p: float, q: float) -> None:
    logits, targets = batch()
    expected = np.mean(
        [-np.log(answer(row, i, p, q)) for row, i in zip(logits, targets, strict=True)]
    )
    loss = Seesaw(CLASSES, COUNTS, p=p, q=q)
    assert float(loss(torch.tensor(logits), torch.tensor(targets), None)) == pytest.approx(expected)


def test_images_are_weighted_by_class() -> None:
    logits, targets = batch()
    values = [-np.log(answer(row, i)) for row, i in zip(logits, targets, strict=True)]
    expected = np.average(values, weights=np.array(WEIGHT)[targets])
    weight = torch.tensor(WEIGHT, dtype=torch.float64)
    value = Seesaw(CLASSES, COUNTS)(torch.tensor(logits), torch.tensor(targets), weight)
    assert float(value) == pytest.approx(expected)


def test_its_gradient_holds_the_factors_constant() -> None:
    logits, targets = batch()
    own = torch.tensor(logits, requires_grad=True)
    value = Seesaw(CLASSES, COUNTS)(own, torch.tensor(targets), None)
    (gradient,) = torch.autograd.grad(value, own)
    for row, i, found in zip(logits, targets, gradient.numpy(), strict=True):
        share = answer(row, i)
        expected = factors(row, i) * np.exp(row) / np.exp(row[i]) * share
        expected[i] = share - 1
        assert found == pytest.approx(expected / len(targets))


def test_without_its_powers_it_is_cross_entropy() -> None:
    logits, targets = map(torch.tensor, batch())
    value = Seesaw(CLASSES, COUNTS, p=0, q=0)(logits, targets, None)
    assert torch.allclose(value, cross_entropy(logits, targets))


def test_rare_classes_are_spared_unless_they_are_mistaken_for_a_frequent_one() -> None:
    def push(rare: float, p: float) -> float:
        """Return the gradient of the rarest class's logit for an image of the most frequent."""
        logits = torch.tensor([[0.0, 1.0, 0.0, rare]], requires_grad=True)
        value = Seesaw(CLASSES, COUNTS, p=p)(logits, torch.tensor([1]), None)
        return float(torch.autograd.grad(value, logits)[0][0, 3])

    assert 0 < push(-1.0, p=0.8) < 0.05 * push(-1.0, p=0)
    assert push(5.0, p=0.8) > 0.9 * push(5.0, p=0)


def test_it_is_finite_for_huge_logits() -> None:
    logits = torch.tensor([[-1e4, 1e4, 0.0, 0.0], [1e4, -1e4, 0.0, 0.0]], requires_grad=True)
    loss = Seesaw(CLASSES, COUNTS)
    wrong = loss(logits, torch.tensor([0, 1]), None)
    mitigation = 0.8 * np.log(100 / 900) / 2  # of the second image alone
    assert wrong.item() == pytest.approx(3 * 2e4 + mitigation, rel=1e-6)
    assert loss(logits, torch.tensor([1, 0]), None).item() == 0
    assert torch.autograd.grad(wrong, logits)[0].isfinite().all()


def test_a_class_without_images_counts_as_one() -> None:
    logits, targets = map(torch.tensor, batch())
    empty, one = (Seesaw(CLASSES, (100, 900, 10, least)) for least in (0, 1))
    assert torch.equal(empty(logits, targets, None), one(logits, targets, None))
