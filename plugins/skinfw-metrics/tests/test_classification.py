import math

import numpy as np
import pytest
from cases import make, of_a_network
from sklearn import metrics as oracle

from skinfw_metrics.classification import Classification

CLASSES = ("MEL", "NV", "BCC", "AK")


@pytest.mark.parametrize("seed", range(20))
def test_numbers_equal_scikit_learn(seed: int) -> None:
    predictions = of_a_network(seed)
    numbers = Classification()(predictions)
    true, called, chances = predictions.true, predictions.predicted, predictions.probabilities
    assert numbers["accuracy"] == pytest.approx(oracle.accuracy_score(true, called))
    assert numbers["balanced_accuracy"] == pytest.approx(
        oracle.balanced_accuracy_score(true, called)
    )
    assert numbers["macro_f1"] == pytest.approx(oracle.f1_score(true, called, average="macro"))
    assert numbers["macro_auc"] == pytest.approx(
        oracle.roc_auc_score(true, chances, multi_class="ovr")
    )
    precision, recall, f1, _ = oracle.precision_recall_fscore_support(
        true, called, zero_division=math.nan
    )
    for label, name in enumerate(CLASSES):
        others = oracle.recall_score(true != label, called != label)
        assert numbers[f"sensitivity/{name}"] == pytest.approx(recall[label])
        assert numbers[f"specificity/{name}"] == pytest.approx(others)
        assert numbers[f"precision/{name}"] == pytest.approx(precision[label], nan_ok=True)
        assert numbers[f"f1/{name}"] == pytest.approx(f1[label])
        assert numbers[f"auc/{name}"] == pytest.approx(
            oracle.roc_auc_score(true == label, chances[:, label])
        )


def test_an_absent_class_is_not_measured_and_not_zero() -> None:
    predictions = of_a_network(0)
    keep = predictions.true != 3
    numbers = Classification()(make(predictions.true[keep], predictions.probabilities[keep]))
    assert math.isnan(numbers["sensitivity/AK"]) and math.isnan(numbers["auc/AK"])
    present = [numbers[f"sensitivity/{name}"] for name in CLASSES[:3]]
    assert numbers["balanced_accuracy"] == pytest.approx(np.mean(present))


def test_specificity_is_not_precision() -> None:
    """The published code printed one under the name of the other."""
    true = np.array([0] * 10 + [1] * 90)
    called = np.array([0] * 10 + [0] * 10 + [1] * 80)
    numbers = Classification()(make(true, np.eye(2)[called]))
    assert numbers["precision/MEL"] == pytest.approx(0.5)
    assert numbers["specificity/MEL"] == pytest.approx(80 / 90)
