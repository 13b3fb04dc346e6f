"""What was fitted on validation is kept in run.json and used as its formulas say."""

import json
import math

import numpy as np
import pytest

from skinfw import FittedCalibration, at_temperature, misfit
from skinfw.interfaces.calibration import combine

CHANCES = np.array([[0.7, 0.2, 0.1], [0.4, 0.35, 0.25], [1.0, 0.0, 0.0]])
CLASSES = ("A", "B", "C")


def test_a_temperature_divides_logits() -> None:
    logits = np.log(np.maximum(CHANCES, 1e-12)) / 2
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert np.allclose(at_temperature(CHANCES, 2.0), expected)
    assert (at_temperature(CHANCES, 0.3).argmax(1) == CHANCES.argmax(1)).all()
    assert np.array_equal(FittedCalibration().scale(CHANCES), CHANCES)


def test_misfits_are_those_of_the_papers() -> None:
    assert misfit(CHANCES, "lac")[0].tolist() == pytest.approx([0.3, 0.8, 0.9])
    assert misfit(CHANCES, "aps")[1].tolist() == pytest.approx([0.0, 0.75, 1.0])


def test_sets_hold_what_fits_and_what_nothing_is_known_of() -> None:
    fitted = FittedCalibration(limits={"A": 0.5, "B": 0.7, "C": math.inf})
    assert fitted.prediction_sets(CHANCES, CLASSES) == [("A", "C"), ("B", "C"), ("A", "C")]
    assert FittedCalibration().prediction_sets(CHANCES, CLASSES) is None


def test_an_image_may_be_unknown_where_no_class_stands_out() -> None:
    unsure = FittedCalibration(unknown=0.5).may_be_unknown(CHANCES)
    assert unsure is not None and unsure.tolist() == [False, True, False]
    assert FittedCalibration().may_be_unknown(CHANCES) is None


def test_it_comes_back_from_json() -> None:
    whole = FittedCalibration(1.5, {"A": 0.5, "B": math.inf}, "aps", 0.9, 0.4)
    again = FittedCalibration.from_record(json.loads(json.dumps(whole.record())))
    assert again == whole
    nothing = FittedCalibration.from_record(json.loads(json.dumps(FittedCalibration().record())))
    assert repr(nothing) == repr(FittedCalibration()) == repr(FittedCalibration.from_record({}))


def test_the_first_report_that_fits_something_is_heard() -> None:
    both = combine(
        [None, FittedCalibration(unknown=0.4), FittedCalibration(2.0, {"A": 0.1}, "aps", 0.8, 0.9)]
    )
    assert both == FittedCalibration(2.0, {"A": 0.1}, "aps", 0.8, 0.4)
