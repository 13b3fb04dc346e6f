"""`skinfw.metrics` under many weightings at once, beside scikit-learn under each of them."""

import numpy as np
import pytest
from sklearn import metrics as oracle

from skinfw.metrics import RocCurve, confusion_matrix

Drawn = tuple[np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture
def drawn() -> Drawn:
    """Which images are positive, scores with many ties, and five weightings."""
    rng = np.random.default_rng(0)
    scores, positive = rng.integers(0, 12, 80) / 12, rng.random(80) < 0.3
    return positive, scores, rng.integers(0, 4, (5, 80)).astype(float)


def test_areas_are_those_of_scikit_learn(drawn: Drawn) -> None:
    positive, scores, weights = drawn
    curve = RocCurve(positive, scores, weights.T)
    areas = [oracle.roc_auc_score(positive, scores, sample_weight=row) for row in weights]
    precisions = [
        oracle.average_precision_score(positive, scores, sample_weight=row) for row in weights
    ]
    assert curve.auc() == pytest.approx(areas, abs=1e-12)
    assert curve.average_precision() == pytest.approx(precisions, abs=1e-12)


def test_what_is_reached_at_a_limit_is_the_best_point_of_the_curve(drawn: Drawn) -> None:
    positive, scores, weights = drawn
    curve = RocCurve(positive, scores, weights.T)
    for place, row in enumerate(weights):
        false, hits, _ = oracle.roc_curve(
            positive, scores, sample_weight=row, drop_intermediate=False
        )
        assert curve.sensitivity_at(0.8)[place] == pytest.approx(hits[1 - false >= 0.8].max())
        assert curve.specificity_at(0.8)[place] == pytest.approx((1 - false)[hits >= 0.8].max())


@pytest.mark.parametrize("every", [True, False])
def test_where_one_side_is_absent_nothing_is_measured(drawn: Drawn, every: bool) -> None:
    _, scores, weights = drawn
    curve = RocCurve(np.full(80, every), scores, weights.T)
    for numbers in (curve.auc(), curve.average_precision(), curve.sensitivity_at(0.5)):
        assert np.isnan(numbers).all()


def test_confusion_matrices_are_those_of_scikit_learn(drawn: Drawn) -> None:
    rng = np.random.default_rng(1)
    true, predicted, weights = rng.integers(0, 3, 80), rng.integers(0, 3, 80), drawn[2]
    predictions = confusion_matrix(true, predicted, 3, weights.T)
    for place, row in enumerate(weights):
        expected = oracle.confusion_matrix(true, predicted, sample_weight=row)
        assert predictions[:, :3, place] == pytest.approx(expected)
    assert not predictions[:, 3].any()  # nobody is predicted as nothing
