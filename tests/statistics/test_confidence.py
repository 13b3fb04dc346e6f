"""Intervals of rates, areas, means and differences: by formulas, other programs and simulation."""

import copy
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from cases import make
from scipy.stats import beta, binomtest, t

from benchmarks.coverage import World, reference_width, tally
from skinfw import Interval, Predictions, confidence_intervals
from skinfw.metrics import Area, Mean, Rate
from skinfw.statistics.confidence import difference_intervals, intervals_record
from skinfw.statistics.shares import clopper_pearson, combine, estimate_share
from skinfw_metrics.agreement import Agreement
from skinfw_metrics.classification import Classification
from skinfw_metrics.isic import Isic2017Challenge, IsicChallenge
from skinfw_metrics.malignancy import Malignancy


def rate(hits: Any, members: Any, lesion: Any) -> Any:
    lesion = np.asarray(lesion)
    own = Rate(np.asarray(hits, bool), np.asarray(members, bool))
    return estimate_share(own, lesion, int(lesion.max()) + 1)


@pytest.mark.parametrize(("hits", "count"), [(0, 5), (5, 5), (7, 11), (1, 80), (79, 80)])
def test_clopper_and_pearson_are_those_of_scipy(hits: int, count: int) -> None:
    theirs = binomtest(hits, count).proportion_ci(method="exact")
    assert clopper_pearson(hits / count, count) == pytest.approx(tuple(theirs), abs=1e-12)


def test_a_lesion_for_each_image_is_close_to_clopper_and_pearson() -> None:
    hits, lesion = np.arange(100) < 80, np.arange(100)
    share = rate(hits, np.ones(100), lesion)
    assert share.size == pytest.approx(99, abs=1.01)  # the variance is divided by n - 1
    assert share.ends()[1:] == pytest.approx(clopper_pearson(0.8, 100), abs=2e-3)


def test_a_clustered_rate_is_what_the_survey_package_documents() -> None:
    """`svyciprop(method = "beta")` of R's survey, by its formula, on six clusters.

    The linearised variance of a ratio with the clusters' totals; n.eff = p (1 - p) / v, times
    (t of n - 1 / t of the clusters - 1) squared; quantiles of beta.
    """
    hits = [1, 0, 1, 1, 1, 1, 1, 0, 0, 1, 0, 1, 1, 1]
    lesion = [0, 0, 0, 1, 1, 2, 3, 3, 4, 4, 4, 5, 5, 5]
    n, clusters, p = 14, 6, 10 / 14
    totals = [(2, 3), (2, 2), (1, 1), (1, 2), (1, 3), (3, 3)]
    variance = clusters / (clusters - 1) * sum((y - p * m) ** 2 for y, m in totals) / n**2
    size = p * (1 - p) / variance * (t.ppf(0.025, n - 1) / t.ppf(0.025, clusters - 1)) ** 2
    low = beta.ppf(0.025, size * p, size * (1 - p) + 1)
    high = beta.ppf(0.975, size * p + 1, size * (1 - p))
    share = rate(hits, np.ones(14), lesion)
    assert share.size == pytest.approx(size) and clusters < size < n
    assert share.ends() == pytest.approx((p, low, high))


def test_the_correction_for_few_lesions_ends_where_their_images_are_all_alike() -> None:
    share = rate([1, 1, 0], np.ones(3), [0, 0, 1])
    worth = (2 / 9) / (2 * 2 * (2 / 3) ** 2 / 9)
    assert share.size == pytest.approx(worth) and worth < 9 / 5
    assert share.ends()[1] > 0.005, "two lesions say little, and not nothing"


@pytest.mark.parametrize("right", [True, False])
def test_where_all_are_alike_each_lesion_counts_once(right: bool) -> None:
    lesion = np.repeat(np.arange(11), 3)
    share = rate([right] * 33, np.ones(33), lesion)
    theirs = binomtest(11 * right, 11).proportion_ci(method="exact")
    assert share.ends()[1:] == pytest.approx(tuple(theirs))


def obuchowski(positive: Any, scores: Any, lesion: Any) -> float:
    """Return the variance of Obuchowski 1997, by comparing every pair of images."""
    above, below = scores[positive], scores[~positive]
    wins = (above[:, None] > below) + 0.5 * (above[:, None] == below)
    sides = [(wins.mean(1), lesion[positive]), (wins.mean(0), lesion[~positive])]
    variance = 0.0
    for values, group in sides:
        sums = [(values[group == own] - wins.mean()).sum() for own in np.unique(group)]
        count = len(sums)
        variance += count / (count - 1) * float(np.square(sums).sum()) / len(values) ** 2
    return variance


@pytest.mark.parametrize("images", [1, 3])
def test_the_influence_on_an_area_is_the_variance_of_obuchowski(images: int) -> None:
    rng = np.random.default_rng(images)
    lesion = np.repeat(np.arange(60), images)
    positive = lesion < 25
    scores = np.round(rng.normal(positive, 1)[::1] + rng.normal(size=60)[lesion], 1)  # with ties
    share = estimate_share(Area(positive, scores), lesion, 60)
    assert share is not None
    variance = obuchowski(positive, scores, lesion)
    assert float((share.influence**2).sum()) == pytest.approx(variance)
    value = share.value
    assert share.size == pytest.approx(value * (1 - value) / variance, rel=0.35)


def test_an_area_of_many_lesions_is_delong_s() -> None:
    """Where there is much to see, the expected spread no longer matters."""
    rng = np.random.default_rng(0)
    positive, lesion = np.arange(800) < 300, np.arange(800)
    scores = rng.normal(1.5 * positive, 1)
    share = estimate_share(Area(positive, scores), lesion, 800)
    assert share is not None
    error = math.sqrt(obuchowski(positive, scores, lesion))
    _, low, high = share.ends()
    assert (low, high) == pytest.approx(
        (share.value - 1.96 * error, share.value + 1.96 * error), abs=0.2 * error
    )


def test_a_perfect_area_counts_the_harmonic_mean_of_both_sides() -> None:
    positive = np.arange(44) < 4
    share = estimate_share(Area(positive, 1.0 * positive), np.arange(44), 44)
    assert share is not None and share.size == pytest.approx(2 / (1 / 4 + 1 / 40))
    assert share.ends()[1:] == pytest.approx((0.025 ** (1 / share.size), 1.0))


def test_a_class_of_two_lesions_widens_the_mean_by_its_share() -> None:
    """Zou and Donner 2008: distances add up as errors do; classes share no lesion here."""
    lesion = np.arange(202)
    many = rate(lesion % 10 > 0, lesion < 200, lesion)
    few = rate(np.ones(202), lesion >= 200, lesion)
    value, low, high = combine([many, few], [0.5, 0.5])
    ends = [many.ends(), few.ends()]
    assert value == pytest.approx(0.95)
    assert low == pytest.approx(value - math.hypot(*(own[0] - own[1] for own in ends)) / 2)
    assert high == pytest.approx(value + math.hypot(*(own[2] - own[0] for own in ends)) / 2)
    assert high - low > 0.4, "nobody knows the sensitivity of a class of two lesions"


def test_differences_of_unlike_lesions_are_newcombe_s_hybrid() -> None:
    lesion = np.arange(100)
    one = rate(lesion < 40, lesion < 50, lesion)
    two = rate(lesion < 80, lesion >= 50, lesion)
    value, low, high = combine([one, two], [1, -1])
    (p, l1, u1), (q, l2, u2) = one.ends(), two.ends()
    assert value == pytest.approx(0.8 - 0.6)
    assert low == pytest.approx(value - math.hypot(p - l1, u2 - q))
    assert high == pytest.approx(value + math.hypot(u1 - p, q - l2))


def separable(lesions: int = 11) -> Predictions:
    """Return predictions without a mistake, of lesions with two images each."""
    true = np.repeat(np.arange(2 * lesions) % 2, 2)
    chances = np.where(np.eye(2)[true] > 0, 0.9, 0.1)
    return replace(make(true, chances), lesions=[f"L{n // 2}" for n in range(len(true))])


def test_two_models_without_a_mistake_may_differ() -> None:
    metric, predictions = Classification(), separable()
    alone = confidence_intervals(metric, predictions)
    apart = difference_intervals(metric, predictions, predictions, 50, 0)
    for name in ("sensitivity/MEL", "accuracy", "balanced_accuracy", "auc/MEL", "macro_auc"):
        low, high = alone[name]
        assert low < 0.9 < high == 1, name
        low, high = apart[name]
        assert low < -0.05 and high > 0.05, name


def test_what_no_draw_changes_has_no_interval_and_says_so() -> None:
    kappa = confidence_intervals(Agreement(), separable(), 50)["kappa"]
    assert all(map(math.isnan, kappa)) and kappa.reason == "no draw of the lesions changes it"
    record = intervals_record({"test": separable()}, {"test": {"kappa": kappa}}, 50)
    assert record["parts"]["test"]["no_interval"] == {"kappa": kappa.reason}
    assert record["methods"] == {} and record["parts"]["test"]["method"] == {}


def test_every_number_names_its_method() -> None:
    predictions = separable()
    worse = predictions.probabilities[::-1].copy()
    worse[::3] = predictions.probabilities[::3]
    predictions = replace(predictions, probabilities=worse)
    methods = {name: own.method for name, own in confidence_intervals(
        Classification(), predictions).items()}  # fmt: skip
    assert methods["accuracy"] == methods["f1/MEL"] == "korn-graubard"
    assert methods["auc/MEL"] == "obuchowski" and methods["macro_f1"] == "mover"
    assert confidence_intervals(Agreement(), predictions, 50)["kappa"].method in (
        "bca",
        "reflection",
    )


@dataclass(frozen=True)
class Partly:
    """A metric of a third party that says the parts of one number of two."""

    def __call__(self, predictions: Predictions) -> dict[str, float]:
        right = predictions.predicted == predictions.true
        return {"hits": float(right.mean()), "sure": float(predictions.probabilities.max(1).mean())}

    def composition(self, predictions: Predictions) -> dict[str, Any]:
        right = predictions.predicted == predictions.true
        return {"hits": Mean([Rate(right, np.ones(len(right), bool))])}


def test_what_a_metric_does_not_compose_is_drawn_again() -> None:
    rng = np.random.default_rng(0)
    predictions = make(rng.integers(0, 4, 60), rng.dirichlet(np.ones(4), 60))
    intervals = confidence_intervals(Partly(), predictions, 100)
    assert [own.method for own in intervals.values()] == ["mover", "bca"]
    apart = difference_intervals(Partly(), predictions, predictions, 100, 0)
    assert apart["hits"][0] < 0 < apart["hits"][1]
    assert apart["sure"].reason == "no draw of the lesions changes it"


@pytest.mark.parametrize(
    "metric", [Classification(), IsicChallenge(), Malignancy(), Isic2017Challenge(keratosis="BCC")]
)
@pytest.mark.parametrize("images", [3, 200])
def test_compositions_give_the_numbers_where_classes_are_absent(metric: Any, images: int) -> None:
    """The host refuses a composition that does not; unlikely calls leave classes uncalled."""
    rng = np.random.default_rng(images)
    predictions = make(rng.integers(0, 3, images), rng.dirichlet([0.3] * 4, images))
    intervals = confidence_intervals(metric, predictions, 20)
    for name, value in metric(predictions).items():
        low, high = intervals[name]
        if not math.isnan(value) and intervals[name].method in ("korn-graubard", "obuchowski"):
            assert low <= value <= high and high - low > 0.02, name


def test_an_interval_is_a_pair_and_copies_keep_its_method() -> None:
    own = Interval(0.25, 0.5, "mover")
    low, high = copy.deepcopy(own)
    assert (low, high) == own == (0.25, 0.5) and copy.deepcopy(own).method == "mover"


@pytest.mark.parametrize(("lesions", "truth"), [(5, 0.5), (5, 0.98), (20, 0.8), (20, 0.95)])
def test_intervals_hold_in_simulated_studies(lesions: int, truth: float) -> None:
    """The short grid of `python -m benchmarks.coverage`; 60 studies of 0.95 give 0.87 and more."""
    world = World(lesions, lesions, truth, 1.0)
    for name, own in tally(world, 60).items():
        assert own.held / own.studies >= 0.87, name
        assert own.least > 0.01, name
        assert own.width / own.studies < 1.3 * reference_width(world, name), name


@pytest.mark.slow
def test_intervals_hold_in_many_simulated_studies() -> None:
    for lesions, others in ((11, 11), (11, 200), (40, 40)):
        for truth in (0.9, 0.99):
            world = World(lesions, others, truth, 2.0)
            for name, own in tally(world, 400).items():
                assert own.held / own.studies >= 0.93 - 0.02, (name, world)


def test_what_rests_on_three_malignant_lesions_is_not_drawn() -> None:
    rng = np.random.default_rng(1)
    true = np.r_[np.zeros(3, int), np.ones(80, int)]
    chances = rng.dirichlet([1, 1], 83)
    ids = [str(number) for number in range(83)]
    few = Predictions(ids, ids, true, chances, ("MEL", "NV"))
    intervals = confidence_intervals(Malignancy(), few, 50)
    drawn = intervals["malignant_specificity_at_sensitivity/0.80"]
    assert math.isnan(drawn[0]) and "fewer than 10 lesions" in drawn.reason
    assert not math.isnan(intervals["malignant_auc"][0]), "what is composed needs no draws"


def test_at_one_a_lesion_of_many_images_counts_once() -> None:
    """Ninety images of one lesion and ten of others are no eleven lesions."""
    share = rate(np.ones(100), np.ones(100), np.r_[np.zeros(90, int), np.arange(1, 11)])
    assert share.size == pytest.approx(100**2 / (90**2 + 10))
