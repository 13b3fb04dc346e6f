"""Numbers beyond accuracy, beside other implementations and by hand; all of them resampled."""

import math

import numpy as np
import pytest
from cases import make, of_a_network, repeat
from sklearn import metrics as oracle

from skinfw import MALIGNANT
from skinfw_metrics.agreement import Agreement
from skinfw_metrics.classification import Classification
from skinfw_metrics.isic import Isic2017Challenge, IsicChallenge
from skinfw_metrics.malignancy import Malignancy
from skinfw_metrics.probability import Probability

METRICS = [
    Classification(),
    IsicChallenge(),
    Isic2017Challenge(keratosis="NV"),
    Agreement(),
    Probability(),
    Probability(bins=4),
    Malignancy(),
    Malignancy(costs={"MEL": 5.0, "NV": 0.5}),
]


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: type(metric).__name__)
@pytest.mark.parametrize("digits", [1, 9])
def test_resampling_is_the_plain_call_on_repeated_images(metric, digits: int) -> None:
    predictions = of_a_network(1, 150, classes=6)
    rounded = np.round(predictions.probabilities, digits)  # one digit makes many ties
    predictions = make(predictions.true, rounded)
    rng = np.random.default_rng(2)
    times = rng.integers(0, 4, (6, 150))
    times[4, predictions.true == 0] = 0  # a class that this replicate lacks
    times[5] = 0
    times[5, :2] = 1
    many = metric.resample(predictions, times.astype(float))
    for place, row in enumerate(times):
        alone = metric(repeat(predictions, row))
        assert alone.keys() == many.keys()
        for name, value in alone.items():
            assert many[name][place] == pytest.approx(value, abs=1e-9, nan_ok=True), name


@pytest.mark.parametrize("seed", range(10))
def test_agreement_and_brier_equal_scikit_learn(seed: int) -> None:
    predictions = of_a_network(seed, classes=5)
    numbers = Agreement()(predictions) | Probability()(predictions)
    true, called = predictions.true, predictions.predicted
    assert numbers["kappa"] == pytest.approx(oracle.cohen_kappa_score(true, called))
    assert numbers["mcc"] == pytest.approx(oracle.matthews_corrcoef(true, called))
    truth = np.eye(5)[true]
    brier = sum(
        oracle.brier_score_loss(truth[:, c], predictions.probabilities[:, c]) for c in range(5)
    )
    assert numbers["brier"] == pytest.approx(brier)


def test_a_network_that_knows_one_name_agrees_by_chance() -> None:
    numbers = Agreement()(make([0, 1, 1], [[0.9, 0.1]] * 3))
    assert numbers["kappa"] == pytest.approx(0) and numbers["mcc"] == 0
    alone = Agreement()(make([1, 1], [[0.9, 0.1], [0.2, 0.8]]))
    assert math.isnan(alone["kappa"]) and math.isnan(alone["mcc"])


def test_calibration_errors_by_hand() -> None:
    # Sure of 0.6, 0.7, 0.8 and 0.9; right, wrong, right, right.
    sure, right = np.array([0.6, 0.7, 0.8, 0.9]), np.array([1, 0, 1, 1])
    predictions = make(1 - right, np.stack([sure, 1 - sure], 1))
    # Two bins of equal width: all lie above 0.5, so that the surprises cancel.
    assert Probability(bins=2)(predictions)["ece"] == pytest.approx(abs(3 - sure.sum()) / 4)
    # Two bins of two images each: |0.4 - 0.7| and |0.2 + 0.1|.
    assert Probability(bins=2)(predictions)["adaptive_ece"] == pytest.approx((0.3 + 0.3) / 4)
    # Five bins of width 0.2: 0.6 belongs to (0.4, 0.6], 0.8 to (0.6, 0.8].
    ece = (0.4 + abs(-0.7 + 0.2) + 0.1) / 4
    assert Probability(bins=5)(predictions)["ece"] == pytest.approx(ece)
    # Three bins of four thirds of an image each.
    bins = (0.4 - 0.7 / 3, -0.7 * 2 / 3 + 0.2 * 2 / 3, 0.2 / 3 + 0.1)
    expected = sum(abs(value) for value in bins) / 4
    assert Probability(bins=3)(predictions)["adaptive_ece"] == pytest.approx(expected)


def test_equally_sure_images_share_the_bins_whatever_their_order() -> None:
    chances = [[0.8, 0.2]] * 6
    one = Probability(bins=3)(make([0, 0, 0, 1, 1, 1], chances))
    two = Probability(bins=3)(make([1, 0, 1, 0, 1, 0], chances))
    assert one["adaptive_ece"] == pytest.approx(two["adaptive_ece"]) == pytest.approx(0.3)


def test_malignancy_beside_scikit_learn() -> None:
    predictions = of_a_network(4, classes=4)
    numbers = Malignancy()(predictions)
    malignant, chances = predictions.true != 1, predictions.probabilities[:, [0, 2, 3]].sum(1)
    assert numbers["malignant_auc"] == pytest.approx(oracle.roc_auc_score(malignant, chances))
    called = chances >= 0.5
    assert numbers["malignant_ppv"] == pytest.approx(oracle.precision_score(malignant, called))
    false, hits, _ = oracle.roc_curve(malignant, chances, drop_intermediate=False)
    reached = numbers["malignant_sensitivity_at_specificity/0.90"]
    assert reached == pytest.approx(hits[1 - false >= 0.9].max())
    kept = numbers["malignant_specificity_at_sensitivity/0.95"]
    assert kept == pytest.approx((1 - false)[hits >= 0.95].max())


def test_net_benefit_by_hand() -> None:
    # Of ten lesions four are malignant; acting at 20 % finds three of them and two others.
    true = [0] * 4 + [1] * 6
    chances = [0.9, 0.2, 0.6, 0.1, 0.2, 0.3, 0.1, 0.1, 0.1, 0.1]
    predictions = make(true, np.stack([chances, 1 - np.array(chances)], 1))
    numbers = Malignancy()(predictions)
    assert numbers["net_benefit/0.20"] == pytest.approx(3 / 10 - 2 / 10 * 0.25)
    assert numbers["net_benefit_of_all/0.20"] == pytest.approx(4 / 10 - 6 / 10 * 0.25)


def test_costs_weigh_who_is_acted_on_and_what_it_brings() -> None:
    predictions = of_a_network(4, classes=4)
    costs = {"MEL": 5.0, "NV": 0.5}
    numbers = Malignancy(costs=costs)(predictions)
    plain = Malignancy()(predictions)
    malignant = [name in MALIGNANT for name in predictions.classes]
    prices = [costs.get(name, 1.0) for name in predictions.classes]
    for chance in (0.1, 0.3):
        benefit = all_ = 0.0
        for true, row in zip(predictions.true, predictions.probabilities, strict=True):
            gain = [price if bad else -price * chance / (1 - chance)
                    for price, bad in zip(prices, malignant, strict=True)]  # fmt: skip
            all_ += gain[true]
            if np.dot(row, gain) >= 0:  # what is expected of acting
                benefit += gain[true]
        count = len(predictions.ids)
        assert numbers[f"net_benefit/{chance:.2f}"] == pytest.approx(benefit / count)
        assert numbers[f"net_benefit_of_all/{chance:.2f}"] == pytest.approx(all_ / count)
        assert numbers[f"net_benefit/{chance:.2f}"] != plain[f"net_benefit/{chance:.2f}"]
    doubled = Malignancy(costs=dict.fromkeys(predictions.classes, 2.0))(predictions)
    assert doubled["net_benefit/0.20"] == pytest.approx(2 * plain["net_benefit/0.20"])
    others = [name for name in plain if not name.startswith("net_benefit")]
    assert [numbers[name] for name in others] == [plain[name] for name in others]


def test_every_chance_at_which_one_acts_has_a_name_of_its_own() -> None:
    predictions = of_a_network(4, classes=4)
    numbers = Malignancy(acted_at=(0.1, 0.025, 0.03), specificities=(0.99, 0.995))(predictions)
    assert {"net_benefit/0.10", "net_benefit/0.025", "net_benefit/0.03"} <= numbers.keys()
    assert "malignant_sensitivity_at_specificity/0.995" in numbers


def test_malignancy_is_what_the_recipe_says_or_what_isic_says_or_nothing() -> None:
    predictions = of_a_network(5, classes=4)
    own = Malignancy(malignant=("MEL",))(predictions)
    assert own["malignant_auc"] == pytest.approx(Classification()(predictions)["auc/MEL"])
    other = make(predictions.true, predictions.probabilities, ("wart", "mole", "scar", "burn"))
    assert Malignancy()(other) == {}
