"""Metrics of TorchMetrics: its numbers under names of ours."""

import math
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from skinfw import Predictions, SkinfwError
from skinfw.recipe.parameters import parameters
from skinfw_bridges import torchmetrics_metrics

CLASSES = ("MEL", "NV", "DF", "VASC")
VALUES: dict[str, dict[str, Any]] = {
    "FBetaScore": {"beta": 2.0},
    "PrecisionAtFixedRecall": {"min_recall": 0.5},
    "RecallAtFixedPrecision": {"min_precision": 0.5},
    "SensitivityAtSpecificity": {"min_specificity": 0.5},
    "SpecificityAtSensitivity": {"min_sensitivity": 0.5},
}


def make(variant: str, **values: Any) -> torchmetrics_metrics.TorchMetric:
    build = torchmetrics_metrics.member(variant)
    arguments, complaints = parameters(build).read(values)
    assert not complaints, (variant, complaints)
    metric: torchmetrics_metrics.TorchMetric = build(**arguments)
    return metric


@pytest.fixture(scope="module")
def predictions() -> Predictions:
    """200 images, of which none is VASC."""
    rng = np.random.default_rng(0)
    ids = [str(number) for number in range(200)]
    true = rng.integers(0, 3, 200)
    return Predictions(ids, ids, true, rng.dirichlet(np.ones(4), 200), CLASSES)


def test_every_metric_gives_numbers_under_names_of_its_own(predictions: Predictions) -> None:
    names: list[str] = []
    for variant in torchmetrics_metrics.variants():
        numbers = make(variant, **VALUES.get(variant, {}))(predictions)
        assert numbers, variant
        whole = {name: value for name, value in numbers.items() if "/" not in name}
        assert all(math.isfinite(value) for value in whole.values()), variant
        absent = {name: value for name, value in numbers.items() if name.endswith("/VASC")}
        assert all(math.isnan(value) for value in absent.values()), variant
        names += numbers
    assert len(names) == len(set(names))
    assert all(name.startswith("torchmetrics_") for name in names)


def test_numbers_are_those_of_another_library(predictions: Predictions) -> None:
    true, called = predictions.true, predictions.predicted
    kappa = sklearn_metrics.cohen_kappa_score(true, called, weights="quadratic")
    assert make("CohenKappa", weights="quadratic")(predictions) == {
        "torchmetrics_cohen_kappa": pytest.approx(kappa, abs=1e-6)
    }
    f1 = sklearn_metrics.f1_score(true, called, average=None, labels=range(4), zero_division=0)
    found = make("F1Score", average="none")(predictions)
    assert list(found) == [f"torchmetrics_f1_score/{name}" for name in CLASSES]
    assert list(found.values())[:3] == pytest.approx(f1[:3], abs=1e-6)
    mcc = sklearn_metrics.matthews_corrcoef(true, called)
    assert make("MatthewsCorrCoef")(predictions) == {
        "torchmetrics_matthews_corr_coef": pytest.approx(mcc, abs=1e-6)
    }


def test_sums_that_round_above_one_are_still_probabilities() -> None:
    sure = np.array([[1 + 1e-9, 0.0], [0.0, 1.0], [0.6, 0.4], [0.3, 0.7]])
    own = Predictions("abcd", "abcd", np.array([0, 1, 0, 1]), sure, ("A", "B"))
    assert make("AUROC")(own) == {"torchmetrics_auroc": 1.0}
    spread = make("CalibrationError", norm="l1")(own)["torchmetrics_calibration_error"]
    assert spread == pytest.approx((0 + 0 + 0.4 + 0.3) / 4, abs=1e-6)


def test_what_is_better_small_can_choose_no_epoch() -> None:
    small = make("HammingDistance").smaller_is_better
    assert small == ("torchmetrics_hamming_distance",)
    assert make("CohenKappa").smaller_is_better == ()


def test_wrong_values_are_refused_before_anything_is_measured() -> None:
    with pytest.raises(SkinfwError, match="TorchMetrics refuses what FBetaScore is given") as error:
        make("FBetaScore", beta=-1.0)
    assert "beta" in error.value.why
