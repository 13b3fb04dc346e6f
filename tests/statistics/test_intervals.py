"""Intervals hold the truth as often as they say, because lesions are drawn and not images."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from cases import make, of_a_network
from scipy.special import expit, logit

from skinfw import Predictions, SkinfwError, confidence_intervals
from skinfw.statistics.intervals import (
    Sample,
    draw_lesions,
    few_lesions,
    resample,
    sample_numbers,
)
from skinfw_evaluation.paired import compare
from skinfw_metrics.agreement import Agreement
from skinfw_metrics.classification import Classification
from skinfw_metrics.probability import Probability

SHARES = (0.2, 0.5, 0.2, 0.1)


@dataclass(frozen=True)
class Called:
    """A metric as a third party writes it: it knows nothing of weights."""

    metric: Any

    def __call__(self, predictions: Predictions) -> dict[str, float]:
        return dict(self.metric(predictions))


def clustered(seed: int, lesions: int) -> Predictions:
    """Return predictions of lesions with one to five images, which resemble each other."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(lesions), rng.integers(1, 6, lesions))
    true = rng.choice(len(SHARES), lesions, p=SHARES)[group]
    logits = rng.normal(0, 1.2, (lesions, len(SHARES)))[group]
    logits += rng.normal(0, 0.6, logits.shape)
    logits[np.arange(len(group)), true] += 1.5
    chances = np.exp(logits)
    predictions = make(true, chances / chances.sum(1, keepdims=True))
    return replace(predictions, lesions=[f"L{number}" for number in group])


@pytest.mark.slow
def test_intervals_over_lesions_hold_and_those_over_images_are_too_narrow() -> None:
    truth = Classification()(clustered(10**6, 200_000))
    names = ("balanced_accuracy", "accuracy", "macro_f1", "macro_auc")
    held, narrow = (dict.fromkeys(names, 0) for _ in range(2))
    for seed in range(400):
        predictions = clustered(seed, 120)
        intervals = confidence_intervals(Classification(), predictions, 400, seed)
        for name in names:
            held[name] += intervals[name][0] <= truth[name] <= intervals[name][1]
        if seed % 4 == 0:
            intervals = confidence_intervals(
                Classification(), replace(predictions, lesions=predictions.ids), 400, seed
            )
            for name in names:
                narrow[name] += intervals[name][0] <= truth[name] <= intervals[name][1]
    for name in names:
        assert held[name] / 400 >= 0.93, (name, held)
        assert narrow[name] / 100 < held[name] / 400 - 0.05, (name, narrow)


def delong(positive: Any, scores: Any) -> tuple[float, float, float]:
    """Return the standard error of the AUC (DeLong et al. 1988), and its interval by logits."""
    above, below = scores[positive], scores[~positive]
    wins = (above[:, None] > below) + 0.5 * (above[:, None] == below)
    spread = wins.mean(1).var(ddof=1) / len(above) + wins.mean(0).var(ddof=1) / len(below)
    area, error = float(wins.mean()), float(np.sqrt(spread))
    ends = logit(area) + np.array([-1.96, 1.96]) * error / (area * (1 - area))
    return error, *expit(ends)


@pytest.mark.parametrize("seed", range(3))
def test_the_interval_of_an_auc_is_that_of_delong(seed: int) -> None:
    predictions = of_a_network(seed, 1500)  # a lesion for each image, as DeLong has it
    intervals = confidence_intervals(Classification(), predictions, 1000, seed)
    for place, name in enumerate(predictions.classes):
        true = predictions.true == place
        error, low, high = delong(true, predictions.probabilities[:, place])
        assert intervals[f"auc/{name}"] == pytest.approx((low, high), abs=0.35 * error)


def test_the_same_seed_draws_the_same_lesions_for_every_metric() -> None:
    predictions = clustered(0, 40)
    one, two = (confidence_intervals(Agreement(), predictions, 200, 5) for _ in range(2))
    assert one == two
    assert one != confidence_intervals(Agreement(), predictions, 200, 6)
    weights = np.concatenate(list(draw_lesions(predictions.lesions, 300, 5)))
    assert weights.shape == (300, len(predictions.ids))
    for lesion in set(predictions.lesions):
        own = weights[:, [name == lesion for name in predictions.lesions]]
        assert (own == own[:, :1]).all(), "images of a lesion are drawn together"


@pytest.mark.parametrize("metric", [Classification(), Agreement(), Probability()])
def test_a_metric_that_knows_no_weights_is_drawn_alike(metric: Any) -> None:
    predictions = clustered(1, 30)
    quick, slow = (sample_numbers(own, predictions, 50, 3) for own in (metric, Called(metric)))
    assert quick.keys() == slow.keys()
    for name, sample in quick.items():
        assert slow[name].replicates == pytest.approx(sample.replicates, nan_ok=True), name
        assert slow[name].interval() == pytest.approx(sample.interval(), abs=1e-9, nan_ok=True)


def test_auxiliary_answers_are_drawn_with_their_images() -> None:
    from skinfw import Auxiliary

    result = clustered(2, 20)
    truth, chances = np.arange(len(result.ids)) % 2, np.eye(2)[np.zeros(len(result.ids), int)]
    result = replace(
        result, auxiliary={"streaks": Auxiliary(("absent", "regular"), truth, chances)}
    )

    def share(predictions: Predictions) -> dict[str, float]:
        return {"share": float(predictions.auxiliary["streaks"].true.mean())}

    (weights,) = draw_lesions(result.lesions, 20, 0)
    expected = weights @ truth / weights.sum(1)
    assert resample(share, result, weights)["share"] == pytest.approx(expected)


def test_an_absent_class_has_no_interval_and_a_rare_one_is_flagged() -> None:
    predictions = clustered(3, 60)
    predictions = replace(predictions, classes=(*predictions.classes, "DF"),
                    probabilities=np.pad(predictions.probabilities, ((0, 0), (0, 1))))  # fmt: skip
    intervals = confidence_intervals(Classification(), predictions, 100)
    assert all(math.isnan(bound) for bound in intervals["sensitivity/DF"])
    assert not any(math.isnan(bound) for bound in intervals["balanced_accuracy"])
    few = few_lesions(predictions)
    assert few["DF"] == 0 and "NV" not in few
    of_class = [predictions.lesions[place] for place in np.flatnonzero(predictions.true == 3)]
    assert few["AK"] == len(set(of_class)) < 20


def test_a_metric_may_name_only_what_it_measured() -> None:
    result = clustered(3, 30)

    def present(predictions: Predictions) -> dict[str, float]:
        return {f"images/{label}": 1.0 for label in set(predictions.true.tolist())}

    intervals = confidence_intervals(present, result, 100)
    assert intervals.keys() == {f"images/{label}" for label in set(result.true.tolist())}
    assert compare(present, result, result, 20)["images/0"].difference == 0


def test_a_number_that_noise_lifts_has_an_interval_that_reaches_down() -> None:
    noisy = Sample(0.05, np.linspace(0.04, 0.12, 1000), np.linspace(0.049, 0.051, 50))
    low, high = noisy.interval()
    assert low == 0 and high == pytest.approx(0.118, abs=0.001)


def test_a_share_whose_interval_is_reflected_stays_below_one() -> None:
    draws = np.concatenate([np.linspace(0.7, 0.9, 250), np.linspace(0.951, 1, 750)])
    low, high = Sample(0.95, draws, np.linspace(0.949, 0.951, 50)).interval()
    assert high == 1 and low == pytest.approx(0.72, abs=0.01)
    beyond = Sample(9.5, 10 * draws, np.linspace(9.49, 9.51, 50)).interval()
    assert beyond[1] > 11, "what is no share has no ceiling"


def test_a_difference_that_is_reflected_is_the_same_from_the_other_side() -> None:
    lifted = np.abs(np.random.default_rng(0).normal(0.02, 0.008, 1000)) + 0.001
    one, other = Sample(0.01, lifted, np.zeros(20)), Sample(0.0, np.zeros(1000), np.zeros(20))
    low, high = one.minus(other).interval()
    assert other.minus(one).interval() == pytest.approx((-high, -low))
    assert low < 0 < high, "the difference of two positive numbers may be negative"


def test_a_model_beside_itself_differs_by_nothing() -> None:
    predictions = clustered(4, 50)
    for difference in compare(Classification(), predictions, predictions, 100).values():
        assert difference.difference == 0 or math.isnan(difference.difference)
        assert difference.p == 1 or math.isnan(difference.p)


def better(result: Predictions, by: float) -> Predictions:
    logits = np.log(result.probabilities)
    logits[np.arange(len(result.true)), result.true] += by
    chances = np.exp(logits)
    return replace(result, probabilities=chances / chances.sum(1, keepdims=True))


def test_a_better_model_is_told_from_chance_in_any_order_of_its_images() -> None:
    predictions = clustered(5, 150)
    order = np.random.default_rng(0).permutation(len(predictions.ids))
    other = better(predictions, 0.5)
    other = replace(
        other,
        ids=[other.ids[place] for place in order],
        lesions=[other.lesions[place] for place in order],
        true=other.true[order],
        probabilities=other.probabilities[order],
    )
    difference = compare(Classification(), other, predictions, 300)["balanced_accuracy"]
    assert difference.first > difference.second
    low, high = difference.interval
    assert 0 < low < difference.difference < high
    assert difference.p == pytest.approx(1 / 301)
    apart = confidence_intervals(Classification(), predictions, 300)["balanced_accuracy"]
    assert high - low < apart[1] - apart[0], "the same lesions make both go up and down together"


def test_the_p_value_of_two_equal_models_is_uniform() -> None:
    rng = np.random.default_rng(6)
    values = []
    for seed in range(100):
        predictions = clustered(seed, 40)
        noise = [np.exp(rng.normal(0, 0.5, predictions.probabilities.shape)) for _ in range(2)]
        one, two = (
            replace(predictions, probabilities=chances / chances.sum(1, keepdims=True))
            for chances in (predictions.probabilities * some for some in noise)
        )
        values.append(compare(Classification(), one, two, 100)["macro_auc"].p)
    assert np.mean(np.array(values) <= 0.05) <= 0.11
    assert 0.4 < np.mean(values) < 0.6


@pytest.mark.parametrize("change", ["classes", "ids", "true", "lesions"])
def test_unlike_predictions_are_not_compared(change: str) -> None:
    predictions = of_a_network(7, 30)
    other = {
        "classes": replace(predictions, classes=("A", "B", "C", "D")),
        "ids": replace(predictions, ids=[*predictions.ids[:-1], "other"]),
        "true": replace(predictions, true=(predictions.true + 1) % 4),
        "lesions": replace(predictions, lesions=["one"] * 30),
    }[change]
    with pytest.raises(SkinfwError, match="cannot be compared") as error:
        compare(Classification(), predictions, other, 10)
    assert len(str(error.value).splitlines()) <= 4 and "split.seed" in error.value.cure
