from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from skinfw import Predictions
from skinfw_metrics.isic2024 import Isic2024Challenge


def official(positive: np.ndarray, chances: np.ndarray) -> float:
    """The number as the challenge's page of evaluation defines it, from scikit-learn's area."""
    most = 0.2
    stretched = roc_auc_score(1 - positive, 1 - chances, max_fpr=most)
    least = 0.5 * most**2
    return least + (most - least) * (stretched - 0.5) / 0.5


def predictions(
    true: np.ndarray, chances: np.ndarray, classes: tuple[str, ...] = ("benign", "malignant")
) -> Predictions:
    ids = [str(number) for number in range(len(true))]
    return Predictions(ids, ids, true, np.stack([1 - chances, chances], 1), classes)


@pytest.mark.parametrize("seed", range(40))
def test_the_number_is_the_official_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(20, 400))
    true = (rng.random(count) < rng.uniform(0.02, 0.5)).astype(np.int64)
    true[:2] = 0, 1
    chances = np.clip(rng.normal(0.4 + 0.15 * true, 0.2), 0, 1)
    if seed % 2:
        chances = chances.round(1)  # ties, and a threshold between two points of the curve
    found = Isic2024Challenge()(predictions(true, chances))["isic2024_pauc"]
    assert found == pytest.approx(official(true, chances), abs=1e-12)


def test_it_goes_from_nothing_to_a_fifth_and_a_guess_has_a_fiftieth() -> None:
    true = np.arange(1000) % 2
    metric = Isic2024Challenge()
    assert metric(predictions(true, true.astype(float)))["isic2024_pauc"] == pytest.approx(0.2)
    assert metric(predictions(true, 1.0 - true))["isic2024_pauc"] == 0
    assert metric(predictions(true, np.full(1000, 0.3)))["isic2024_pauc"] == pytest.approx(0.02)


def test_replicates_are_the_number_of_images_that_are_there_as_often() -> None:
    rng = np.random.default_rng(7)
    true, chances = rng.integers(0, 2, 60), rng.random(60).round(2)
    weights = rng.integers(0, 4, (5, 60)).astype(float)
    found = Isic2024Challenge().resample(predictions(true, chances), weights)["isic2024_pauc"]
    for own, row in zip(found, weights.astype(int), strict=True):
        assert own == pytest.approx(official(true.repeat(row), chances.repeat(row)), abs=1e-12)


def test_the_malignant_classes_are_summed() -> None:
    rng = np.random.default_rng(3)
    true, shares = rng.integers(0, 3, 90), rng.dirichlet([1, 1, 1], 90)
    ids = [str(number) for number in range(90)]
    own = Predictions(ids, ids, true, shares, ("MEL", "NV", "BCC"))
    chances = shares[:, 0] + shares[:, 2]
    wanted = official((true != 1).astype(int), chances)
    assert Isic2024Challenge()(own)["isic2024_pauc"] == pytest.approx(wanted, abs=1e-12)
    alone = official((true == 0).astype(int), shares[:, 0])
    assert Isic2024Challenge(malignant=("MEL",))(own)["isic2024_pauc"] == pytest.approx(alone)
    nothing = Predictions(ids, ids, true, shares, ("a", "NV", "c"))
    assert Isic2024Challenge()(nothing) == {}
