"""The numbers of the challenges are those of isic-challenge-scoring."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cases import make, of_a_network, tables
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from isic_challenge_scoring.classification import ClassificationScore
from isic_challenge_scoring.metrics import balanced_multiclass_accuracy

from skinfw import Predictions, SkinfwError
from skinfw.metrics import RocCurve
from skinfw_metrics.isic import Isic2017Challenge, IsicChallenge

Scores = tuple[float, pd.DataFrame]


def official(predictions: Predictions, weights: Any = None, asked: Any = None) -> Scores:
    """Return the official balanced accuracy, and a row of numbers for each class with images.

    weights: of the images; where none counts, a class has no images.
    asked: the classes to score; all unless given.
    """
    truth, said = tables(predictions)
    counted = pd.Series(1.0 if weights is None else weights, truth.index)
    goal = balanced_multiclass_accuracy(truth, said, counted)
    present = [name for name in asked or truth if (truth[name] * counted).any()]
    # The scoring itself fails on classes without images; its ROC curves are not looked at here.
    rows = [
        ClassificationScore._category_score(truth[name], said[name], counted, name)
        for name in (present if len(present) > 1 else ())
    ]
    return goal, pd.DataFrame(rows)


def assert_equal(ours: Mapping[str, float], table: pd.DataFrame, prefix: str) -> None:
    """Compare the numbers of all classes that have images, and their means."""
    for number in table:
        for name in table.index:
            same = pytest.approx(table.at[name, number], abs=1e-9)
            assert ours[f"{prefix}_{number}/{name}"] == same, (number, name)
        assert ours[f"{prefix}_{number}"] == pytest.approx(table[number].mean(), abs=1e-9), number


@st.composite
def predictions(draw: st.DrawFn) -> Predictions:
    """Draw predictions with ties, absent classes and certain answers."""
    classes = draw(st.integers(2, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(2, 60))
    some = rng.permutation(classes)[: draw(st.integers(1, classes))]
    true = rng.choice(some, count)
    kind = draw(st.sampled_from(["smooth", "coarse", "one-hot", "halves", "even"]))
    if kind == "one-hot":
        chances = np.eye(classes)[rng.integers(classes, size=count)]
    elif kind == "halves":  # exactly at the threshold
        pairs = np.argsort(rng.random((count, classes)), 1)[:, :2]
        chances = np.zeros((count, classes))
        np.put_along_axis(chances, pairs, 0.5, 1)
    elif kind == "even":
        chances = np.full((count, classes), 1 / classes)
    else:
        chances = rng.dirichlet(np.full(classes, draw(st.sampled_from([0.1, 1.0, 10.0]))), count)
    if kind == "coarse":
        chances = np.round(chances * 4) / 4
    return make(true, chances)


SOME, MANY = (
    settings(max_examples=examples, deadline=None, derandomize=True,
             suppress_health_check=list(HealthCheck))
    for examples in (40, 300)
)  # fmt: skip


@SOME
@given(predictions())
def test_some_numbers_equal_the_official_scoring(result: Predictions) -> None:
    check_official(result)


@pytest.mark.slow
@MANY
@given(predictions())
def test_all_numbers_equal_the_official_scoring(result: Predictions) -> None:
    check_official(result)


def check_official(result: Predictions) -> None:
    ours, (goal, table) = IsicChallenge()(result), official(result)
    assert ours["isic_balanced_accuracy"] == pytest.approx(goal, abs=1e-9)
    assert_equal(ours, table, "isic")
    absent = set(result.classes) - {result.classes[label] for label in result.true}
    for name in absent:
        assert all(math.isnan(ours[key]) for key in ours if key.endswith(f"/{name}"))


@pytest.mark.parametrize("seed", range(5))
def test_replicates_equal_the_official_scoring_under_their_weights(seed: int) -> None:
    outputs = of_a_network(seed, classes=8)
    rng = np.random.default_rng(seed)
    weights = rng.integers(0, 4, (3, len(outputs.ids))).astype(float)
    weights[2, outputs.true == 5] = 0
    many = IsicChallenge().resample(outputs, weights)
    for place, row in enumerate(weights):
        ours = {name: values[place] for name, values in many.items()}
        goal, table = official(outputs, row)
        assert ours["isic_balanced_accuracy"] == pytest.approx(goal, abs=1e-9)
        assert_equal(ours, table, "isic")


def test_an_undecided_image_is_wrong() -> None:
    result = make([0, 0, 1], [[0.5, 0.5], [0.9, 0.1], [0.2, 0.8]])
    assert IsicChallenge()(result)["isic_balanced_accuracy"] == pytest.approx(0.75)


def test_the_two_questions_of_2017() -> None:
    outputs = of_a_network(3, classes=3)
    outputs = Predictions(outputs.ids, outputs.lesions, outputs.true, outputs.probabilities,
                        ("MEL", "NV", "SK"))  # fmt: skip
    ours = Isic2017Challenge()(outputs)
    _, table = official(outputs, asked=("MEL", "SK"))
    assert list(table.index) == ["MEL", "SK"]
    assert_equal(ours, table, "isic2017")


def test_a_data_set_without_the_classes_of_2017_is_told() -> None:
    with pytest.raises(SkinfwError, match="there is no class SK") as error:
        Isic2017Challenge()(of_a_network(0, classes=3))
    assert "isic-challenge" in error.value.cure


def test_the_area_above_a_sensitivity_is_never_below_zero() -> None:
    for images in range(3, 12):  # every positive below every negative; 8 of them gave -2e-16
        for positives in range(1, images):
            curve = RocCurve(
                np.arange(images) < positives, np.arange(images) / images, np.ones((images, 1))
            )
            assert curve.auc_above(0.8)[0] == 0
