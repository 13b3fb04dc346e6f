"""What the tests of a league say, against formulas, scipy, published tables and simulation."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from skinfw_league.statistics import cliques, holm, rank_over_sets, two_way_effect


def test_one_training_is_tested_over_lesions_alone() -> None:
    draws = np.random.default_rng(0).normal(0.1, 0.04, (1, 500))
    effect = two_way_effect(np.array([0.1]), draws)
    spread = draws.std(ddof=1)
    assert effect.p == pytest.approx(2 * stats.norm.sf(0.1 / spread), rel=1e-6)
    assert effect.low == pytest.approx(0.1 - 1.959964 * spread, rel=1e-6)


def test_where_lesions_change_nothing_it_is_the_t_test_of_seeds() -> None:
    values = np.array([0.02, 0.05, 0.01, 0.04])
    effect = two_way_effect(values, np.zeros((4, 50)))
    known = stats.ttest_1samp(values, 0)
    assert effect.p == pytest.approx(known.pvalue, rel=1e-6)
    low, high = known.confidence_interval(0.95)
    assert (effect.low, effect.high) == pytest.approx((low, high), rel=1e-6)


def test_the_interval_ends_at_zero_where_p_is_five_percent() -> None:
    rng = np.random.default_rng(1)
    draws = rng.normal(0, 0.02, 400) + rng.normal(0, 0.01, (3, 400))
    values = np.array([0.0, 0.01, -0.02])
    margin = two_way_effect(values, draws).high - values.mean()
    shifted = two_way_effect(values - values.mean() + margin, draws)
    assert shifted.low == pytest.approx(0, abs=1e-9)
    assert shifted.p == pytest.approx(0.05, rel=1e-6)


def test_two_equal_recipes_do_not_differ() -> None:
    effect = two_way_effect(np.zeros(3), np.zeros((3, 100)))
    assert (effect.mean, effect.p) == (0, 1)


def test_chance_is_called_a_difference_in_five_of_hundred() -> None:
    rng = np.random.default_rng(2)
    trainings, lesions, drawn, tries = 3, 80, 100, 300
    wrong = 0
    for _ in range(tries):
        shared, own = rng.normal(size=lesions), rng.normal(size=(trainings, lesions))
        answers = shared + own + 0.1 * rng.normal(size=(trainings, 1))
        weights = rng.multinomial(lesions, [1 / lesions] * lesions, drawn)
        draws = answers @ weights.T / lesions
        wrong += two_way_effect(answers.mean(1), draws).p < 0.05
    # A true level of 5 % gives more than 28 of 300 in 1 of 1,000 tries.
    assert 2 < wrong <= 28


def test_holm_is_the_closed_test_of_bonferroni() -> None:
    chances = [0.012, 0.5, 0.001, 0.04, 0.013]

    def closed(place: int) -> float:
        others = [other for other in range(len(chances)) if other != place]
        subsets = itertools.chain.from_iterable(
            itertools.combinations(others, size) for size in range(len(chances))
        )
        return max(
            min(1.0, (len(own) + 1) * min(chances[one] for one in (*own, place))) for own in subsets
        )

    assert holm(chances) == pytest.approx([closed(place) for place in range(len(chances))])


def test_what_cannot_be_tested_is_not_counted() -> None:
    assert holm([math.nan, 0.03])[1] == 0.03
    assert math.isnan(holm([math.nan, 0.03])[0])


def test_bars_join_neighbours_of_which_no_two_differ() -> None:
    apart = np.zeros((5, 5), bool)
    for one, other in ((0, 2), (0, 3), (0, 4), (1, 4), (2, 4), (3, 4)):
        apart[one, other] = apart[other, one] = True
    assert cliques(apart) == [(0, 1), (1, 3)]


def test_ranks_over_data_sets_are_those_of_demsar() -> None:
    # Demsar 2006, table 6: AUC of four ways to prune C4.5 on 14 data sets; means of ranks, and the
    # critical difference of four classifiers, 2.569 * sqrt(4 * 5 / (6 * 14)), are his.
    values = np.array([
        [0.763, 0.768, 0.771, 0.798], [0.599, 0.591, 0.590, 0.569], [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657], [0.882, 0.888, 0.886, 0.898], [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685], [0.583, 0.583, 0.563, 0.625], [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000], [0.940, 0.962, 0.965, 0.962], [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9751, 0.975], [0.957, 0.978, 0.946, 0.970],
    ])  # fmt: skip
    test = rank_over_sets(values)
    assert test.ranks == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    assert test.critical == pytest.approx(2.569 * math.sqrt(20 / 84), abs=1e-3)
    assert test.p == pytest.approx(stats.friedmanchisquare(*values.T).pvalue)


def test_recipes_that_are_all_alike_have_no_ranks() -> None:
    assert rank_over_sets(np.ones((3, 4))).p == 1
