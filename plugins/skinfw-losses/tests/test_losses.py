import numpy as np
import pytest
import torch

from skinfw_losses.cross_entropy import CrossEntropy
from skinfw_losses.weightings import InverseFrequency

CLASSES = ("MEL", "NV", "DF")


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
def test_cross_entropy_is_its_formula(smoothing: float, weighted: bool) -> None:
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(0, 2, (20, 3)), rng.integers(0, 3, 20)
    weight = np.array([2.0, 0.3, 1.0]) if weighted else np.ones(3)
    log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    hard = -weight[targets] * log_p[np.arange(20), targets]
    soft = -(weight * log_p).sum(1) / 3
    expected = ((1 - smoothing) * hard + smoothing * soft).sum() / weight[targets].sum()
    value = CrossEntropy(CLASSES, label_smoothing=smoothing)(
        torch.tensor(logits), torch.tensor(targets), torch.tensor(weight) if weighted else None
    )
    assert float(value) == pytest.approx(expected, rel=1e-9)


def test_inverse_frequency_gives_the_published_weights() -> None:
    """ISIC 2018 with power 1.2, MEL NV BCC AKIEC BKL DF VASC."""
    counts = [1113, 6705, 514, 327, 1099, 115, 142]
    expected = [0.19403, 0.02249, 0.49034, 0.84372, 0.19700, 2.95677, 2.29566]
    weights = InverseFrequency(power=1.2).weights(counts, 1, 70)
    assert weights == pytest.approx(expected, abs=1e-4)


def test_an_absent_class_weighs_nothing() -> None:
    assert InverseFrequency().weights([10, 0, 10], 1, 1) == pytest.approx([1.5, 0.0, 1.5])
