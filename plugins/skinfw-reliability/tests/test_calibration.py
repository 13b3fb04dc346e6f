"""What is fitted on validation: temperature, thresholds and prediction sets."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skinfw import Predictions, Result, at_temperature
from skinfw_reliability.calibration import Calibration
from skinfw_reliability.calibration_errors import CalibrationErrors
from skinfw_reliability.conformal import PredictionSets, class_limits, least_lesions
from skinfw_reliability.curves import reliability_curve, wilson
from skinfw_reliability.temperature import HIGHEST, LOWEST, fit_temperature
from skinfw_reliability.thresholds import OperatingPoints, threshold_for

CLASSES = ("MEL", "NV", "DF")


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def predictions(true, probabilities, lesions=None, classes=CLASSES) -> Predictions:
    ids = [f"I{place}" for place in range(len(true))]
    return Predictions(ids, lesions or ids, np.asarray(true), np.asarray(probabilities), classes)


def drawn(count: int, seed: int, temperature: float = 1.0, shares=(0.2, 0.7, 0.1)) -> Predictions:
    """Predictions whose probabilities are true where the temperature is one."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (count, 3)) + np.log(shares)
    true = (softmax(logits).cumsum(1) > rng.random((count, 1))).argmax(1)
    return predictions(true, softmax(logits * temperature))


def result(folder: Path, **parts: Predictions) -> Result:
    return Result(folder, "demo", CLASSES, [], 1, "accuracy", parts, marks=["a quick look"])


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_the_temperature_of_overconfident_probabilities_is_found(temperature: float) -> None:
    val, test = drawn(8000, 1, temperature), drawn(8000, 2, temperature)
    outcome = fit_temperature(val.probabilities, val.true)
    assert outcome == pytest.approx(temperature, rel=0.06)
    scaled = replace(test, probabilities=at_temperature(test.probabilities, outcome))
    before, after = CalibrationErrors()(test), CalibrationErrors()(scaled)
    assert (scaled.predicted == test.predicted).all()
    assert after["ece"] < 0.03 and after["adaptive_ece"] < 0.03
    if temperature != 1:
        assert after["nll"] < before["nll"] and after["brier"] < before["brier"]


def test_the_temperature_is_the_one_with_the_lowest_loss() -> None:
    val = drawn(500, 3, 3.0)
    outcome = fit_temperature(val.probabilities, val.true)

    def loss(temperature: float) -> float:
        scaled = at_temperature(val.probabilities, temperature)
        return CalibrationErrors()(replace(val, probabilities=scaled))["nll"]

    assert loss(outcome) <= min(loss(outcome * 1.01), loss(outcome * 0.99), loss(1.0))


def test_a_loss_without_a_minimum_gives_an_end_and_zeros_do_no_harm() -> None:
    true = np.array([0, 1, 2])
    assert fit_temperature(np.eye(3)[true] * 0.7 + 0.1, true) == LOWEST
    assert fit_temperature(np.eye(3)[(true + 1) % 3] * 0.7 + 0.1, true) == HIGHEST
    votes = np.array([[1, 0, 0], [0.5, 0.5, 0], [0, 0, 1], [1, 0, 0]])
    outcome = fit_temperature(votes, np.array([0, 1, 2, 1]))
    assert np.isfinite(at_temperature(votes, outcome)).all()


def test_calibration_errors_are_those_of_a_count_by_hand() -> None:
    sure = [0.95, 0.95, 0.75, 0.75]
    outcome = predictions([0, 1, 0, 0], [[p, 1 - p] for p in sure], classes=("A", "B"))
    numbers = CalibrationErrors(bins=10)(outcome)
    # Half of the images at 0.95 are right, and all of those at 0.75.
    assert numbers["ece"] == pytest.approx(0.5 * 0.45 + 0.5 * 0.25)
    assert numbers["brier"] == pytest.approx(2 * np.mean([0.05**2, 0.95**2, 0.25**2, 0.25**2]))
    assert numbers["nll"] == pytest.approx(-np.mean(np.log([0.95, 0.05, 0.75, 0.75])))
    curve = reliability_curve(np.array(sure), np.array([True, False, True, True]), 10)
    assert [(part.images, part.accuracy) for part in curve] == [(2, 1.0), (2, 0.5)]
    assert curve[0].confidence == pytest.approx(0.75)


def test_wilson_s_interval_is_that_of_the_tables() -> None:
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0, 0.2775), abs=1e-4)
    assert wilson(10, 10) == pytest.approx((0.7225, 1), abs=1e-4)


def test_a_threshold_reaches_the_wanted_sensitivity_and_no_more() -> None:
    scores = np.linspace(0.01, 1, 100)
    threshold = threshold_for(scores, scores > 0.6, 0.95)
    assert (scores[scores > 0.6] >= threshold).sum() == 38
    assert threshold_for(scores, scores > 0.6, 1.0) == pytest.approx(0.61)
    assert np.isnan(threshold_for(scores, scores > 2, 0.95))


def test_operating_points_are_those_of_a_count_by_hand() -> None:
    outcome = predictions([0, 0, 1, 1, 1], [[p, 1 - p] for p in (0.9, 0.2, 0.6, 0.1, 0.1)],
                        classes=("A", "B"))  # fmt: skip
    numbers = OperatingPoints({"A": 0.5, "B": float("nan")})(outcome)
    assert numbers["sensitivity/A"] == 0.5 and numbers["specificity/A"] == pytest.approx(2 / 3)
    assert numbers["ppv/A"] == 0.5 and numbers["npv/A"] == pytest.approx(2 / 3)
    assert "sensitivity/B" not in numbers


@pytest.mark.parametrize("method", ["lac", "aps"])
def test_sets_hold_each_class_as_often_as_promised(method: str) -> None:
    shares, held, images = (0.28, 0.66, 0.06), np.zeros((100, 3)), np.zeros(3, int)
    for seed in range(100):
        val, test = (drawn(500, 2 * seed + part, 3.0, shares) for part in (0, 1))
        sets = PredictionSets(
            class_limits(val.probabilities, val.true, val.lesions, 0.9, method), method
        )
        numbers = sets(test)
        held[seed] = [numbers[f"coverage/{name}"] for name in CLASSES]
        images += np.bincount(val.true, minlength=3)
        assert method == "lac" or numbers["empty"] == 0
    # Coverage promises the mean over calibrations; each has a spread of about
    # sqrt(0.9 * 0.1 * (1 / n + 1 / m)), so that a hundred give a tenth of that.
    tolerance = 3 * np.sqrt(0.09 * 2 / (images / 100)) / 10
    excess = 1 / (images / 100 + 1)  # ties and rounding up cover at most so much more
    assert (held.mean(0) > 0.9 - tolerance).all()
    if method == "lac":
        assert (held.mean(0) < 0.9 + tolerance + excess).all()


def test_a_class_with_too_few_lesions_stands_in_every_set() -> None:
    assert least_lesions(0.9) == 9
    for count, limited in ((0, False), (8, False), (9, True)):
        true = np.array([0] * 50 + [1] * count)
        outcome = np.tile([0.7, 0.3], (len(true), 1))
        limits = class_limits(outcome, true, [str(i) for i in range(len(true))], 0.9, "lac")
        assert np.isfinite(limits).tolist() == [True, limited]
    sets = PredictionSets(np.array([0.1, np.inf]), "lac").of(np.array([[1.0, 0.0], [0.3, 0.7]]))
    assert sets.tolist() == [[True, True], [False, True]]


def test_lesions_weigh_the_same_however_many_images_they_have() -> None:
    # Nine lesions, one of which has a hundred images that fit badly.
    misfits = np.array([0.1 * i for i in range(1, 9)] + [0.95] * 100)
    outcome = np.column_stack([1 - misfits, misfits])
    lesions = [str(min(i, 8)) for i in range(108)]
    limits = class_limits(outcome, np.zeros(108, int), lesions, 0.8, "lac")
    assert limits[0] == pytest.approx(0.8)


def test_test_images_change_nothing_that_is_fitted(tmp_path: Path) -> None:
    outcome = []
    for seed in (8, 9):
        Calibration().write(result(tmp_path, val=drawn(400, 7), test=drawn(60, seed)), tmp_path)
        text = json.loads((tmp_path / "calibration.json").read_text())
        points, sets = text["thresholds"]["classes"], text["prediction_sets"]["classes"]
        outcome.append([text["temperature"], [points[name]["threshold"] for name in CLASSES],
                      [sets[name]["limit"] for name in CLASSES]])  # fmt: skip
    assert outcome[0] == outcome[1]


def test_the_report_says_what_was_fitted_on_how_many_and_what_it_gives(tmp_path: Path) -> None:
    val, test = drawn(900, 1, 3.0, (0.3, 0.6998, 0.0002)), drawn(700, 2, 3.0)
    Calibration().write(result(tmp_path, val=val, test=test), tmp_path)
    record = json.loads((tmp_path / "calibration.json").read_text())
    assert record["temperature"] == pytest.approx(3.0, rel=0.15)
    assert not record["temperature_at_bound"] and record["marks"] == ["a quick look"]
    for name in ("nll", "brier", "ece", "adaptive_ece"):
        assert record["after"][name]["value"] < record["before"][name]["value"]
        assert record["after"][name]["low"] < record["after"][name]["high"]
    melanoma = record["thresholds"]["classes"]["MEL"]
    assert melanoma["val"]["sensitivity"] >= 0.95
    assert melanoma["test"]["sensitivity"]["value"] == pytest.approx(0.95, abs=0.06)
    sets = record["prediction_sets"]
    assert sets["classes"]["MEL"]["guaranteed"] and 1 <= sets["all"]["set_size"]["value"] <= 3
    rare = sets["classes"]["DF"]
    assert rare["val_lesions"] == int((val.true == 2).sum()) < 9
    assert rare["always_in_the_set"] and rare["limit"] is None and not rare["guaranteed"]
    assert rare["coverage"]["value"] == 1
    assert sum(part["images"] for part in record["curve_before"]) == 700
    with Image.open(tmp_path / "reliability.png") as image:
        assert min(image.size) > 300 and len(np.unique(np.asarray(image.convert("L")))) > 50


def test_a_class_that_a_part_lacks_is_not_measured(tmp_path: Path) -> None:
    val = drawn(200, 1, shares=(0.5, 0.5, 1e-9))
    Calibration().write(result(tmp_path, val=val, test=val), tmp_path)
    record = json.loads((tmp_path / "calibration.json").read_text())
    assert record["images"]["test"]["DF"] == 0
    assert record["thresholds"]["classes"]["DF"] == {"threshold": None, "val_lesions": 0,
                                                    "val": {}, "test": {}}  # fmt: skip
    assert record["prediction_sets"]["classes"]["DF"]["coverage"]["value"] is None


def test_nothing_is_fitted_on_the_test_part(tmp_path: Path) -> None:
    Calibration().write(result(tmp_path, test=drawn(100, 1)), tmp_path)
    record = json.loads((tmp_path / "calibration.json").read_text())
    assert (
        list(record) == ["absent"]
        and "apart from the images that are evaluated" in record["absent"]
    )
    assert not (tmp_path / "reliability.png").exists()
