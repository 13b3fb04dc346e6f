"""Triage beside closed forms: bounds, bands and costs, and what the report says of them."""

import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit
from scipy.stats import beta, binomtest, norm
from sklearn.linear_model import LogisticRegression

from skinfw import Predictions, Result, SkinfwError
from skinfw_triage.bounds import bound_on_average, bound_with_confidence
from skinfw_triage.chance import CalibratedChance, calibrate
from skinfw_triage.costs import BIOPSY, DEFER, DISMISS, Costs
from skinfw_triage.lesions import Lesions, lesions_of
from skinfw_triage.measures import count_actions, measure, weights_of
from skinfw_triage.rules import ALONE, BY_PROBABILITY, ON_AVERAGE, READER, WITH_CONFIDENCE, Band
from skinfw_triage.study import Study
from skinfw_triage.triage import Triage

CLASSES = ("MEL", "NV", "BCC")
COSTS = Costs(missed=50.0, biopsy=5.0, referral=1.0, sensitivity=0.9, specificity=0.8)
REPORT = Triage(missed=50.0, biopsy=5.0, referral=1.0, prevalence=0.05, reader_sensitivity=0.9,
                reader_specificity=0.8)  # fmt: skip
APART = 2.0  # standard deviations between the mean scores of malignant and benign lesions


def binormal(count: int, prevalence: float, seed: int, calibrated: float = 1.0) -> Lesions:
    """Return lesions whose score is normal in both classes; at 1 the chance is the truth."""
    rng = np.random.default_rng(seed)
    malignant = rng.random(count) < prevalence
    score = rng.normal(APART * malignant, 1)
    odds = APART * score - APART**2 / 2 + logit(prevalence)
    return Lesions(expit(calibrated * odds), malignant)


def binormal_cost(low: float, high: float, prevalence: float) -> float:
    """Return what a band costs per lesion that defers calibrated chances in it; a closed form."""
    ends = [(logit(end) - logit(prevalence)) / APART + APART / 2 for end in (low, high)]
    dismissed, seen = ([norm.cdf(end - mean) for mean in (APART, 0)] for end in ends)
    malignant = 50 * dismissed[0] + (seen[0] - dismissed[0]) * (1 + 0.1 * 50)
    benign = 5 * (1 - seen[1]) + (seen[1] - dismissed[1]) * (1 + 0.2 * 5)
    return prevalence * malignant + (1 - prevalence) * benign


def predictions(lesions: Lesions, images: np.ndarray | None = None, seed: int = 0) -> Predictions:
    """Return predictions of three classes whose lesions have these chances on average."""
    rng, count = np.random.default_rng(seed), len(lesions.chance)
    of = np.repeat(np.arange(count), 1 if images is None else images)
    spread = rng.uniform(-1, 1, len(of)) * np.minimum(lesions.chance, 1 - lesions.chance)[of]
    spread -= (np.bincount(of, spread) / np.bincount(of))[of]
    chance = lesions.chance[of] + spread / 2
    own = np.column_stack([chance * 0.7, 1 - chance, chance * 0.3])
    true = np.where(lesions.malignant, 2 * rng.integers(0, 2, count), 1)[of]
    names = [f"L{place}" for place in of]
    return Predictions([f"I{place}" for place in range(len(of))], names, true, own, CLASSES)


def result(folder: Path, **parts: Predictions) -> Result:
    """Return a result; only the test that looks at intervals wants any."""
    return Result(folder, "demo", CLASSES, [], 1, "accuracy", parts, marks=["a quick look"],
                  replicates=0)  # fmt: skip


def test_acting_alone_turns_at_the_bayes_ratio_and_the_band_costs_least() -> None:
    assert COSTS.threshold == pytest.approx(5 / 55)
    low, high = COSTS.band(COSTS.referral)
    for prevalence in (0.02, 0.2):
        best = binormal_cost(low, high, prevalence)
        for factor in (0.9, 1.1):
            assert best < binormal_cost(low * factor, high, prevalence)
            assert best < binormal_cost(low, high * factor, prevalence)
        alone = minimize_scalar(
            lambda end, p=prevalence: binormal_cost(end, end, p), bounds=(1e-4, 0.9),
            method="bounded",
        )  # fmt: skip
        assert alone.x == pytest.approx(COSTS.threshold, abs=1e-3) and best < alone.fun


def test_a_referral_that_never_pays_defers_nobody_and_a_perfect_free_one_everybody() -> None:
    assert COSTS.band(10.0) == (COSTS.threshold,) * 2 == COSTS.band(math.inf)
    low, high = replace(COSTS, sensitivity=1.0, specificity=1.0).band(0.0)
    assert low == 0 and high == 1
    assert COSTS.band(-math.inf) == (-math.inf, math.inf)
    worthless = replace(COSTS, sensitivity=0.0, specificity=1.0)
    assert worthless.band(1.0) == (COSTS.threshold,) * 2
    assert worthless.band(0.0) == (COSTS.threshold,) * 2  # as dear as to dismiss, for every chance


def test_a_lesion_has_the_mean_of_its_images_and_is_malignant_where_any_is() -> None:
    probabilities = np.array([[0.5, 0.2, 0.3], [0.1, 0.7, 0.2], [0.0, 0.9, 0.1]])
    part = Predictions(
        ["a", "b", "c"], ["B", "B", "A"], np.array([2, 1, 1]), probabilities, CLASSES
    )
    lesions = lesions_of(part, ["MEL", "BCC"])
    assert lesions.chance == pytest.approx([0.1, (0.8 + 0.3) / 2])
    assert lesions.malignant.tolist() == [False, True]


def test_the_calibration_is_platt_s_and_moves_to_another_prevalence() -> None:
    lesions = binormal(400, 0.2, 1, calibrated=2.5)
    chance, counts = calibrate(lesions), lesions.counts
    target = np.where(lesions.malignant, (counts["malignant"] + 1) / (counts["malignant"] + 2),
                      1 / (counts["benign"] + 2))  # fmt: skip
    x = logit(lesions.chance)[:, None]
    oracle = LogisticRegression(C=np.inf, tol=1e-10).fit(
        np.concatenate([x, x]), np.repeat([1, 0], len(x)), np.concatenate([target, 1 - target])
    )
    assert chance.slope == pytest.approx(oracle.coef_[0, 0], rel=1e-3)
    assert chance.intercept == pytest.approx(oracle.intercept_[0], abs=1e-3)
    truth = CalibratedChance(1.0, 0.0, 0.2)
    score = np.linspace(-2, 4, 7)
    at_home, elsewhere = (expit(APART * score - APART**2 / 2 + logit(p)) for p in (0.2, 0.03))
    assert truth.at(0.03, at_home) == pytest.approx(elsewhere)
    assert truth.raw(0.03, elsewhere[2]) == pytest.approx(at_home[2])
    assert truth.raw(0.03, 0.0) == -math.inf and truth.raw(0.03, 1.0) == math.inf


def test_a_chance_that_says_nothing_gives_one_action_for_all() -> None:
    lesions = binormal(600, 0.3, 2)
    chance = calibrate(Lesions(1 - lesions.chance, lesions.malignant))
    assert chance.slope == 0
    assert (chance.raw(0.3, 0.5), chance.raw(0.3, 0.1)) == (math.inf, -math.inf)
    constant = calibrate(Lesions(np.full(600, 0.4), lesions.malignant))
    assert constant.slope == 0
    assert constant.at(lesions.prevalence, np.array([0.4])) == pytest.approx(
        lesions.prevalence, abs=0.002
    )


@pytest.mark.parametrize("lesions", [18, 19, 59, 250])
def test_the_bound_on_average_is_the_split_conformal_quantile(lesions: int) -> None:
    chance = np.random.default_rng(lesions).random(lesions)
    bound = bound_on_average(chance, 0.05)
    assert bound.least == 19 and bound.guaranteed == (lesions >= 19)
    # A p-value per lesion, as conformal prediction has it: rank among n + 1, at most the share.
    ranks = [(np.sum(chance < own) + 1) / (lesions + 1) for own in chance]
    held = [own for own, rank in zip(chance, ranks, strict=True) if rank <= 0.05 + 1e-12]
    assert bound.limit == (max(held) if held else -math.inf)
    if held:
        assert bound.confidence == pytest.approx(
            beta.cdf(0.05, bound.below + 1, lesions - bound.below)
        )


@pytest.mark.parametrize("lesions", [58, 59, 93, 400])
def test_the_bound_with_confidence_is_that_of_clopper_and_pearson(lesions: int) -> None:
    bound = bound_with_confidence(np.arange(lesions) / lesions, 0.05, 0.95)
    assert bound.least == 59 and bound.guaranteed == (lesions >= 59)
    upper = [
        binomtest(misses, lesions, alternative="less").proportion_ci(0.95, "exact").high
        for misses in range(min(lesions, 30))
    ]
    assert bound.below == sum(high <= 0.05 for high in upper) - 1
    if bound.guaranteed:
        assert bound.limit == bound.below / lesions and bound.confidence >= 0.95


def test_a_share_near_one_allows_every_lesion_of_validation() -> None:
    bound = bound_on_average(np.arange(5) / 5, 1 - 1e-10)
    assert (bound.below, bound.limit) == (4, 0.8)


def test_ties_at_the_limit_are_deferred() -> None:
    bound = bound_on_average(np.array([0.1] * 30 + [0.5] * 70), 0.1)
    assert bound.below == 9 and bound.limit == 0.1
    assert Band(bound.limit, 1.1).actions(np.array([0.1, 0.09])).tolist() == [DEFER, DISMISS]


def test_the_numbers_of_a_rule_are_those_of_a_count_by_hand() -> None:
    lesions = Lesions(np.array([0.1, 0.3, 0.9, 0.1, 0.1, 0.3, 0.9]),
                      np.array([True, True, True, False, False, False, False]))  # fmt: skip
    band = Band(0.2, 0.5)
    assert band.actions(lesions.chance)[:3].tolist() == [DISMISS, DEFER, BIOPSY]
    numbers = measure(count_actions(band, lesions), weights_of(COSTS, 0.1))
    assert numbers["deferred"]["value"] == pytest.approx(0.1 / 3 + 0.9 / 4)
    assert numbers["missed_alone"]["value"] == pytest.approx(1 / 3)
    assert numbers["missed"]["value"] == pytest.approx(1 / 3 + 0.1 / 3)
    assert numbers["biopsied"]["value"] == pytest.approx(1 / 4 + 0.2 / 4)
    malignant, benign = (50 + 1 + 0.1 * 50) / 3, (5 + 1 + 0.2 * 5) / 4
    assert numbers["cost"]["value"] == pytest.approx(0.1 * malignant + 0.9 * benign)
    assert all(math.isnan(own["low"]) for own in numbers.values())


def test_intervals_hold_have_a_width_at_zero_and_none_where_nothing_is_measured() -> None:
    rng, weights, held = np.random.default_rng(3), weights_of(COSTS, 0.1), []
    rates = np.array([[0.05, 0.25, 0.7], [0.6, 0.3, 0.1]])
    truth = (rates * weights["cost"]).sum()
    for seed in range(60):
        counts = np.stack(
            [rng.multinomial(n, row) for n, row in zip((25, 200), rates, strict=True)]
        )
        numbers = measure(counts, weights, rng=np.random.default_rng(seed))
        held.append(numbers["cost"]["low"] <= truth <= numbers["cost"]["high"])
        exact = binomtest(int(counts[0, 0]), 25).proportion_ci(0.95, "exact")
        ends = numbers["missed_alone"]["low"], numbers["missed_alone"]["high"]
        assert ends == pytest.approx((exact.low, exact.high), abs=0.015)
    assert np.mean(held) >= 0.93
    none = measure(np.array([[0, 0, 25], [150, 0, 50]]), weights, (True, False, True), rng)
    exact = binomtest(0, 25).proportion_ci(0.95, "exact")
    assert none["missed_alone"]["low"] == 0
    assert none["missed_alone"]["high"] == pytest.approx(exact.high, rel=0.05)
    assert math.isnan(none["deferred"]["low"]) and none["cost"]["low"] < none["cost"]["value"]
    everybody = measure(np.array([[0, 25, 0], [0, 200, 0]]), weights, (False, True, False), rng)
    assert math.isnan(everybody["cost"]["low"])
    assert everybody["cost"]["value"] == pytest.approx(0.1 * 6 + 0.9 * 2)


def test_a_study_finds_the_closed_form_costs_at_both_prevalences() -> None:
    val, test = (binormal(60_000, 0.2, seed, calibrated=1.7) for seed in (4, 5))
    study = Study(COSTS, 0.05, 0.95, val, test, None)
    low, high = COSTS.band(COSTS.referral)
    for prevalence in (0.2, 0.03):
        rules = study.data({"any": prevalence})["at"]["any"]["rules"]
        expected = binormal_cost(low, high, prevalence)
        alone = binormal_cost(COSTS.threshold, COSTS.threshold, prevalence)
        assert rules[BY_PROBABILITY]["cost"]["value"] == pytest.approx(expected, rel=0.03)
        assert rules[ALONE]["cost"]["value"] == pytest.approx(alone, rel=0.03)
        # Label shift: the weights give what lesions of that prevalence give.
        there = binormal(60_000, prevalence, 6)
        score = (logit(there.chance) - logit(prevalence)) / APART + APART / 2
        chance = expit(1.7 * (APART * score - APART**2 / 2 + logit(0.2)))
        band = Band(rules[BY_PROBABILITY]["low"], rules[BY_PROBABILITY]["high"])
        counts = count_actions(band, Lesions(chance, there.malignant))
        plain = (counts * [[50, 1 + 5, 0], [0, 1 + 1, 5]]).sum() / counts.sum()
        assert plain == pytest.approx(expected, rel=0.04)


def test_the_curve_ends_where_the_rules_are_and_is_lowest_beside_the_band() -> None:
    study = Study(COSTS, 0.05, 0.95, binormal(4000, 0.2, 7), binormal(4000, 0.2, 8), None)
    at = study.data({"own": study.val.prevalence})["at"]["own"]
    curve, rules = at["curve"], at["rules"]
    for point, name in ((curve[0], ALONE), (curve[-1], READER)):
        assert point["cost"]["value"] == pytest.approx(rules[name]["cost"]["value"])
    shares = [point["deferred"]["value"] for point in curve]
    assert shares == pytest.approx([point["share"] for point in curve], abs=0.04)
    lowest = min(point["cost"]["value"] for point in curve)
    assert rules[BY_PROBABILITY]["cost"]["value"] == pytest.approx(lowest, rel=0.03)


@pytest.mark.parametrize("kept", [1.0, 0.15])
def test_the_bounds_hold_over_divisions_of_lesions_at_any_prevalence(kept: float) -> None:
    """A short round of `python -m benchmarks --only triage`."""
    everyone = binormal(12_000, 0.2, 9)
    rng, risks = np.random.default_rng(10), []
    for _ in range(200):
        drawn = rng.permutation(12_000)
        val, test = drawn[:1000], drawn[1000:]
        test = test[~everyone.malignant[test] | (rng.random(len(test)) < kept)]
        study = Study(COSTS, 0.05, 0.9, *(
            Lesions(everyone.chance[own], everyone.malignant[own]) for own in (val, test)
        ), None)  # fmt: skip
        chance = study.test.chance[study.test.malignant]
        risks.append([np.mean(chance < bound.limit) for bound in study.bounds.values()])
    on_average, with_confidence = np.array(risks).T
    # About 200 malignant lesions allow 9 misses: 10 / 201 on average.
    assert on_average.mean() == pytest.approx(0.05, abs=0.004)
    # 0.1 of 200 divisions with a spread of 0.021, and what the test parts' own noise adds.
    assert 0.02 < np.mean(with_confidence > 0.05) < 0.1 + 3 * 0.021 + 0.02 * (kept < 1)


def test_the_report_says_what_was_fitted_and_what_it_gives(tmp_path: Path) -> None:
    images = np.random.default_rng(1).integers(1, 4, 900)
    val, test = (predictions(binormal(900, 0.2, seed), images) for seed in (11, 12))
    REPORT.write(replace(result(tmp_path, val=val, test=test), replicates=1000), tmp_path)
    record = json.loads((tmp_path / "triage.json").read_text())
    assert record["malignant"] == ["MEL", "BCC"] and record["marks"] == ["a quick look"]
    assert sum(record["lesions"]["test"].values()) == 900
    assert record["at"]["recipe"]["prevalence"] == 0.05
    assert record["at"]["validation"]["prevalence"] == pytest.approx(0.2, abs=0.05)
    bounds = record["bounds"]
    assert bounds["with_confidence"]["limit"] < bounds["on_average"]["limit"]
    for at in record["at"].values():
        rules = at["rules"]
        assert rules[WITH_CONFIDENCE]["low"] <= bounds["with_confidence"]["limit"]
        assert rules[ON_AVERAGE]["missed_alone"]["value"] == pytest.approx(0.03, abs=0.04)
        assert rules[BY_PROBABILITY]["cost"]["low"] < rules[BY_PROBABILITY]["cost"]["high"]
        assert rules[READER]["deferred"]["value"] == 1 and rules[READER]["cost"]["low"] is None
    with (tmp_path / "triage_curve.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["prevalence_of"] for row in rows[::21]] == ["recipe", "validation"]
    assert all(math.isfinite(float(row["cost"])) for row in rows)
    with Image.open(tmp_path / "triage.png") as image:
        assert min(image.size) > 300 and len(np.unique(np.asarray(image.convert("L")))) > 50


def test_test_lesions_change_nothing_that_is_fitted(tmp_path: Path) -> None:
    fitted = []
    for seed in (13, 14):
        parts = {"val": predictions(binormal(500, 0.2, 1)),
                 "test": predictions(binormal(300, 0.2, seed))}  # fmt: skip
        data = REPORT.analyse(result(tmp_path, **parts))[0].data
        rules = data["at"]["recipe"]["rules"]
        fitted.append([data["bounds"], data["calibration"], {n: rules[n]["low"] for n in rules}])
    assert fitted[0] == fitted[1]


def test_with_too_few_malignant_lesions_nothing_is_promised_and_all_are_deferred(
    tmp_path: Path,
) -> None:
    val = binormal(300, 0.2, 15)
    few = np.flatnonzero(~val.malignant).tolist() + np.flatnonzero(val.malignant)[:30].tolist()
    val = Lesions(val.chance[few], val.malignant[few])
    parts = {"val": predictions(val), "test": predictions(binormal(200, 0.2, 16))}
    (findings,) = REPORT.analyse(result(tmp_path, **parts))
    bounds, rules = findings.data["bounds"], findings.data["at"]["recipe"]["rules"]
    assert bounds["on_average"]["guaranteed"] and not bounds["with_confidence"]["guaranteed"]
    assert rules[WITH_CONFIDENCE]["deferred"]["value"] == 1
    assert rules[ON_AVERAGE]["deferred"]["value"] < 1
    said = " ".join(findings.text)
    assert "validation has 30 malignant lesions, and 59 are needed. Nothing is promised" in said


def test_where_nothing_can_be_fitted_the_report_says_why(tmp_path: Path) -> None:
    benign = binormal(50, 1e-9, 1)
    test = predictions(binormal(100, 0.2, 1))
    for parts, why in (({}, "no predictions of a validation part"),
                       ({"val": predictions(benign)}, "0 malignant and 50 benign")):  # fmt: skip
        REPORT.write(result(tmp_path, test=test, **parts), tmp_path)
        record = json.loads((tmp_path / "triage.json").read_text())
        assert list(record) == ["absent"] and why in record["absent"]
        assert not (tmp_path / "triage.png").exists()


def test_classes_that_are_all_of_one_kind_are_refused(tmp_path: Path) -> None:
    test = predictions(binormal(100, 0.2, 1))
    unnamed = replace(result(tmp_path, test=test), classes=("nevus", "wart"))
    with pytest.raises(SkinfwError, match="knows no malignant class among nevus, wart"):
        REPORT.analyse(unnamed)
    with pytest.raises(SkinfwError, match="knows no benign class"):
        replace(REPORT, malignant=CLASSES).analyse(result(tmp_path, test=test))
