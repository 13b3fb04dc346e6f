"""Means over seeds: their intervals hold the truth over lesions and trainings together."""

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from benchmarks.seed_intervals import Case, SimulatedRecipe, World, study
from skinfw import Interval, Predictions, confidence_intervals
from skinfw.metrics import WeightedMetric, by_image, ratio
from skinfw.statistics.seeds import combine_seeds, seed_numbers
from skinfw_evaluation.seeds import seed_differences

NONE = np.full((3, 2), math.nan)


class Accuracy(WeightedMetric):
    """The share of images that are right, alone and cheap."""

    def resample(self, predictions: Predictions, weights: Any) -> dict[str, Any]:
        right = (predictions.predicted == predictions.true).astype(float)
        return {"accuracy": ratio(right @ by_image(weights), weights.sum(1))}


def test_without_shared_lesions_the_interval_is_that_of_students_t() -> None:
    values = [0.70, 0.74, 0.81, 0.77]
    around = [Interval(value - 0.001, value + 0.001) for value in values]
    one = combine_seeds(values, around, np.full((4, 2), math.nan), np.eye(4))
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert one.interval == pytest.approx((expected.low, expected.high))
    assert one.mean == pytest.approx(np.mean(values))
    assert one.deviation == pytest.approx(np.std(values, ddof=1))


def test_seeds_that_are_the_same_on_the_same_lesions_have_the_interval_of_one() -> None:
    same = combine_seeds([0.8] * 3, [Interval(0.7, 0.86)] * 3, NONE, np.ones((3, 3)))
    assert same.interval == pytest.approx((0.7, 0.86))


def test_an_interval_at_the_edge_has_a_width_and_stays_within_the_range() -> None:
    perfect = combine_seeds(
        [1.0] * 3, [Interval(0.7, 1.0)] * 3, np.ones((3, 50)), np.ones((3, 3)), (0, 1)
    )
    assert perfect.interval == pytest.approx((0.7, 1.0))
    apart = combine_seeds(
        [1.0, 1.0, 0.8], [Interval(0.7, 1.0)] * 3, np.ones((3, 50)), np.eye(3), (0, 1)
    )
    assert apart.interval[0] < 0.75 and apart.interval[1] == 1.0


def test_seeds_that_agree_by_luck_are_not_taken_for_certain() -> None:
    lucky = combine_seeds([0.8] * 3, [Interval(0.7, 0.9)] * 3, NONE, np.eye(3))
    assert lucky.interval[1] - lucky.interval[0] == pytest.approx(0.7 * 0.2 / math.sqrt(3))


def test_the_interval_of_a_mean_needs_two_measured_seeds() -> None:
    nan = Interval(math.nan, math.nan)
    one = combine_seeds(
        [0.8, math.nan], [Interval(0.7, 0.9), nan], np.ones((2, 5)), np.ones((2, 2))
    )
    assert one.mean == 0.8 and math.isnan(one.deviation) and math.isnan(one.interval[0])
    two = combine_seeds(
        [0.8, 0.7, math.nan], [Interval(0.7, 0.9), Interval(0.6, 0.8), nan], NONE, np.ones((3, 3))
    )
    assert two.mean == pytest.approx(0.75) and two.interval[0] < 0.75 < two.interval[1]
    without = combine_seeds([0.8, 0.7], [Interval(0.7, 0.9), nan], np.ones((2, 5)), np.ones((2, 2)))
    assert all(map(math.isnan, without.interval))


@pytest.mark.parametrize("seeds", [3, 10])
@pytest.mark.parametrize(("shared", "spread"), [(0.2, 0.1), (0.2, 3.0), (0.7, 0.1), (0.7, 3.0)])
def test_normal_numbers_are_held_as_often_as_is_said(
    seeds: int, shared: float, spread: float
) -> None:
    rng, studies, held = np.random.default_rng(0), 400, 0
    together = np.full((seeds, seeds), shared) + (1 - shared) * np.eye(seeds)
    unknown = np.full((seeds, 2), math.nan)
    for _ in range(studies):
        values = rng.normal(0, math.sqrt(shared)) + rng.normal(0, math.sqrt(1 - shared), seeds)
        values += rng.normal(0, math.sqrt(spread), seeds)
        around = [Interval(value - 1.96, value + 1.96) for value in values.tolist()]
        low, high = combine_seeds(values.tolist(), around, unknown, together).interval
        held += low <= 0 <= high
    assert 0.93 <= held / studies <= 0.985


@pytest.mark.parametrize("own_parts", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_intervals_over_lesions_and_seeds_hold_and_those_of_one_seed_do_not(
    own_parts: bool,
) -> None:
    metric, case = Accuracy(), Case(80, "large", own_parts)
    truth, better = (recipe.truth(metric, 200)["accuracy"] for recipe in case.recipes)
    held = dict.fromkeys(("seeds", "difference", "one seed"), 0)
    for seed in range(20):
        ours, theirs = study(np.random.default_rng(seed), case.recipes, 80, own_parts, 3)
        number = seed_numbers(metric, ours, 100, seed)["accuracy"]
        apart = seed_differences(metric, theirs, ours, 100, seed)["accuracy"]
        alone = confidence_intervals(metric, ours[0], 100, seed)["accuracy"]
        for name, value, (low, high) in (
            ("seeds", truth, number.interval),
            ("difference", better - truth, apart.interval),
            ("one seed", truth, alone),
        ):
            assert high > low
            held[name] += low <= value <= high
    assert held["seeds"] >= 17 and held["difference"] >= 17
    assert held["one seed"] <= 15


def test_differences_are_those_of_pairs_on_the_same_lesions() -> None:
    rng, metric = np.random.default_rng(0), Accuracy()
    world = World.draw(rng, 40)
    ours = [SimulatedRecipe(1.0, 0.1).train(rng, world) for _ in range(3)]
    theirs = [SimulatedRecipe(2.0, 0.1).train(rng, world) for _ in range(3)]
    apart = seed_differences(metric, theirs, ours, 200)["accuracy"]
    pairs = zip(theirs, ours, strict=True)
    expected = [metric(one)["accuracy"] - metric(other)["accuracy"] for one, other in pairs]
    assert apart.values == pytest.approx(expected)
    assert apart.mean == pytest.approx(np.mean(expected)) and apart.interval[0] > 0


def test_without_draws_seeds_have_no_interval_and_differences_stay_in_their_range() -> None:
    def answers(right: int) -> Predictions:
        ids = [str(number) for number in range(60)]
        true = np.arange(60) % 2
        called = np.where(np.arange(60) < right, true, 1 - true)
        return Predictions(ids, ids, true, np.eye(2)[called], ("A", "B"))

    apart, turned = [answers(35), answers(58)], [answers(57), answers(33)]
    without = seed_numbers(Accuracy(), apart, 0)["accuracy"]
    assert without.mean == pytest.approx(0.775) and without.interval.reason
    difference = seed_differences(Accuracy(), apart, turned, 50)["accuracy"]
    assert -1 <= difference.interval[0] < difference.mean < difference.interval[1] <= 1
