import math

import numpy as np
import pytest
from sklearn import metrics as oracle

from skinfw import Predictions
from skinfw_evaluate.classification import Classification, confusion

CLASSES = ("MEL", "NV", "DF", "VASC")


def predictions(seed: int, count: int = 300, classes: tuple[str, ...] = CLASSES) -> Predictions:
    rng = np.random.default_rng(seed)
    true = rng.choice(len(classes), count, p=[0.2, 0.6, 0.15, 0.05][: len(classes)])
    logits = rng.normal(0, 1, (count, len(classes)))
    logits[np.arange(count), true] += rng.choice([0.3, 2.0])
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    names = [str(index) for index in range(count)]
    return Predictions(names, names, true, probabilities, classes)


@pytest.mark.parametrize("seed", range(20))
def test_numbers_equal_scikit_learn(seed: int) -> None:
    found = predictions(seed)
    numbers = Classification()(found)
    true, called, chances = found.true, found.predicted, found.probabilities
    assert numbers["accuracy"] == pytest.approx(oracle.accuracy_score(true, called))
    assert numbers["balanced_accuracy"] == pytest.approx(
        oracle.balanced_accuracy_score(true, called)
    )
    assert numbers["macro_f1"] == pytest.approx(oracle.f1_score(true, called, average="macro"))
    assert numbers["macro_auc"] == pytest.approx(
        oracle.roc_auc_score(true, chances, multi_class="ovr")
    )
    matrix = oracle.confusion_matrix(true, called)
    assert (confusion(true, called, 4) == matrix).all()
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
    found = predictions(0)
    keep = found.true != 3
    names = [name for name, kept in zip(found.ids, keep, strict=True) if kept]
    part = Predictions(names, names, found.true[keep], found.probabilities[keep], CLASSES)
    numbers = Classification()(part)
    assert math.isnan(numbers["sensitivity/VASC"]) and math.isnan(numbers["auc/VASC"])
    present = [numbers[f"sensitivity/{name}"] for name in CLASSES[:3]]
    assert numbers["balanced_accuracy"] == pytest.approx(np.mean(present))


def test_specificity_is_not_precision() -> None:
    """The published code printed one under the name of the other."""
    true = np.array([0] * 10 + [1] * 90)
    called = np.array([0] * 10 + [0] * 10 + [1] * 80)
    names = [str(index) for index in range(100)]
    numbers = Classification()(Predictions(names, names, true, np.eye(2)[called], ("MEL", "NV")))
    assert numbers["precision/MEL"] == pytest.approx(0.5)
    assert numbers["specificity/MEL"] == pytest.approx(80 / 90)
