"""Scores of the unknown, and the nine columns of ISIC 2019."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from skinfw import Features, Predictions, Result, SkinfwError
from skinfw_reliability.nine_classes import ChallengeAccuracy, unknown_confidence, with_unknown
from skinfw_reliability.ood_scores import (
    energy,
    entropy,
    mahalanobis,
    neighbour,
    one_minus_max,
)
from skinfw_reliability.out_of_distribution import OutOfDistribution

CLASSES = ("MEL", "NV")


def part(count: int, seed: int) -> Predictions:
    rng = np.random.default_rng(seed)
    ids = [f"I{i}" for i in range(count)]
    return Predictions(ids, ids, rng.integers(0, 2, count), rng.dirichlet([1, 1], count), CLASSES)


def test_scores_are_those_of_their_formulas() -> None:
    outcome = np.array([[1.0, 0.0], [0.5, 0.5]])
    assert one_minus_max(outcome) == pytest.approx([0, 0.5])
    assert entropy(outcome) == pytest.approx([0, np.log(2)])
    logits = np.array([[0.0, 0.0], [1000.0, 0.0]])
    assert energy(logits) == pytest.approx([-np.log(2), -1000])


def test_the_k_th_neighbour_is_found_by_direction() -> None:
    known = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0]])
    assert neighbour(np.array([[5.0, 0.0]]), known, 2) == pytest.approx([0.0], abs=1e-7)
    assert neighbour(np.array([[5.0, 0.0]]), known, 3) == pytest.approx([np.sqrt(2)])
    assert neighbour(np.array([[5.0, 0.0]]), known, 99) == pytest.approx([np.sqrt(2)])


def test_mahalanobis_distances_are_those_of_the_formula_where_images_abound() -> None:
    rng = np.random.default_rng(0)
    covariance = np.array([[2.0, 0.6], [0.6, 0.5]])
    true = np.repeat([0, 1], 20_000)
    centres = np.array([[0.0, 0.0], [6.0, 1.0]])
    known = rng.multivariate_normal([0, 0], covariance, 40_000) + centres[true]
    asked = np.array([[0.0, 0.0], [1.0, -1.0], [6.0, 3.0]])
    nearest = np.array([[0.0, 0.0], [1.0, -1.0], [0.0, 2.0]])
    expected = np.sqrt(np.einsum("ni,ij,nj->n", nearest, np.linalg.inv(covariance), nearest))
    assert mahalanobis(asked, known, true) == pytest.approx(expected, abs=0.06)


def test_ood_images_stand_out_even_with_more_features_than_images() -> None:
    rng = np.random.default_rng(1)
    true = np.repeat([0, 2], 20)
    centres = rng.normal(0, 3, (3, 100))
    known = centres[true] + rng.normal(0, 1, (40, 100))
    known[:, 7] = 0  # a feature that is dead
    asked = np.concatenate([centres[[0, 2] * 10], rng.normal(0, 3, (20, 100))])
    asked = asked + rng.normal(0, 1, (40, 100))
    ood = np.repeat([0, 1], 20)
    assert roc_auc_score(ood, mahalanobis(asked, known, true)) > 0.95
    assert roc_auc_score(ood, neighbour(asked, known, 5)) > 0.95


def test_known_images_exceed_one_half_as_often_as_allowed() -> None:
    rng = np.random.default_rng(2)
    validation, test = rng.normal(size=999), rng.normal(size=20_000)
    outcome = unknown_confidence(test, validation, 0.05)
    assert np.mean(outcome > 0.5) == pytest.approx(0.05, abs=0.02)
    assert (np.diff(outcome[np.argsort(test)]) >= 0).all()
    assert outcome[test.argmax()] == outcome.max() and 0 < outcome.min() < outcome.max() < 1


def test_nine_columns_sum_to_one_and_unknown_wins_above_one_half() -> None:
    outcome = with_unknown(np.array([[0.9, 0.1], [0.9, 0.1]]), np.array([0.4, 0.6]))
    assert outcome.sum(1) == pytest.approx([1, 1])
    assert outcome.argmax(1).tolist() == [0, 2]


def test_the_challenge_s_score_counts_ties_as_wrong() -> None:
    outcome = np.array([[0.5, 0.5, 0], [0.2, 0.7, 0.1], [0.1, 0.2, 0.7], [0.1, 0.1, 0.8]])
    ids = list("abcd")
    made = Predictions(ids, ids, np.array([0, 1, 1, 2]), outcome, (*CLASSES, "UNK"))
    numbers = ChallengeAccuracy()(made)
    assert numbers["balanced_accuracy"] == pytest.approx((0 + 0.5 + 1) / 3)
    assert numbers["predicted_unknown"] == 0.5 and numbers["predicted_unknown/NV"] == 0.5


@pytest.mark.parametrize("seed", range(5))
def test_the_score_equals_that_of_the_challenge_s_own_program(seed: int) -> None:
    pytest.importorskip("isic_challenge_scoring", reason="the official program is not installed")
    from isic_challenge_scoring.metrics import balanced_multiclass_accuracy

    rng = np.random.default_rng(seed)
    true = np.concatenate([np.arange(9), rng.integers(0, 9, 60)])
    outcome = np.round(rng.dirichlet(np.ones(9) / 2, 69), 1)  # rounded, so that there are ties
    names = (*"ABCDEFGH", "UNK")
    ids = [str(i) for i in range(69)]
    ours = ChallengeAccuracy()(Predictions(ids, ids, true, outcome, names))["balanced_accuracy"]
    frames = [pd.DataFrame(rows, columns=names) for rows in (np.eye(9)[true], outcome)]
    theirs = balanced_multiclass_accuracy(*frames, pd.Series(np.ones(69)))
    assert ours == pytest.approx(theirs, abs=1e-12)


def features(name: str) -> Features:
    rng = np.random.default_rng(len(name))
    count = {"train": 60, "val": 50, "test": 30, "out_of_distribution": 20}[name]
    true = rng.integers(0, 2, count)
    return Features(true, rng.normal(size=(count, 4)) + true[:, None], rng.normal(size=(count, 2)))


def result(folder: Path, **changes) -> Result:
    parts = {"val": part(50, 1), "test": part(30, 2)}
    return replace(Result(folder, "demo", CLASSES, [], 1, "accuracy", parts), **changes)


def test_the_report_works_from_predictions_alone_and_says_what_it_lacks(tmp_path: Path) -> None:
    OutOfDistribution(refused=0.2).write(result(tmp_path), tmp_path)
    table = pd.read_csv(tmp_path / "out_of_distribution.csv")
    test = part(30, 2)
    assert table["id"].tolist() == list(test.ids)
    assert table["one_minus_max"].to_numpy() == pytest.approx(1 - test.probabilities.max(1))
    assert "energy" not in table
    about = json.loads((tmp_path / "out_of_distribution.json").read_text())
    assert "features = true" in about["notes"][0]
    nine = pd.read_csv(tmp_path / "nine_classes.csv")
    assert nine.columns.tolist() == ["image", *CLASSES, "UNK"]
    assert nine[["MEL", "NV", "UNK"]].sum(axis=1).to_numpy() == pytest.approx(1)
    called = (nine["UNK"] > nine[["MEL", "NV"]].max(axis=1)).mean()
    assert about["with_unknown"]["predicted_unknown"]["value"] == pytest.approx(called)
    without = about["without_unknown"]["balanced_accuracy"]["value"]
    assert about["with_unknown"]["balanced_accuracy"]["value"] <= without


def test_the_report_looks_at_features_where_the_network_is_at_hand(tmp_path: Path) -> None:
    report = OutOfDistribution(score="mahalanobis", features=True)
    report.write(result(tmp_path, features=features), tmp_path)
    with (tmp_path / "out_of_distribution.csv").open() as file:
        first = next(csv.DictReader(file))
    for name in ("energy", "neighbour", "mahalanobis"):
        assert np.isfinite(float(first[name])) and 0 < float(first[f"unknown_{name}"]) < 1
    with pytest.raises(SkinfwError) as error:
        report.write(result(tmp_path), tmp_path)
    assert "mahalanobis" in error.value.what and "network" in error.value.why


def test_unknown_as_a_class_needs_no_ninth_column(tmp_path: Path) -> None:
    made = ("MEL", "UNK")
    parts = {"val": part(50, 1), "test": replace(part(30, 2), classes=made)}
    OutOfDistribution().write(result(tmp_path, predictions=parts, classes=made), tmp_path)
    assert not (tmp_path / "nine_classes.csv").exists()
    notes = json.loads((tmp_path / "out_of_distribution.json").read_text())["notes"]
    assert any("UNK is a class" in note for note in notes)


def ood_part(count: int) -> Predictions:
    """Images of none of the classes, about which the model is never sure."""
    outcome = part(count, 3)
    unsure = np.column_stack([np.full((count, 2), 0.5), np.zeros(count)])
    ids = [f"S{i}" for i in range(count)]
    true = np.full(count, 2)
    return replace(outcome, ids=ids, lesions=ids, true=true, probabilities=unsure,
                   classes=(*CLASSES, "UNK"))  # fmt: skip


def test_ood_images_are_detected_as_well_as_their_scores_tell(tmp_path: Path) -> None:
    parts = {"val": part(50, 1), "test": part(30, 2), "out_of_distribution": ood_part(20)}
    report = OutOfDistribution(refused=0.2, features=True)
    report.evaluate(result(tmp_path, predictions=parts, features=features), tmp_path)
    table = pd.read_csv(tmp_path / "out_of_distribution.csv")
    assert (table["true"] == "UNK").sum() == 20 and len(table) == 50
    ood = table["true"] == "UNK"
    record = json.loads((tmp_path / "out_of_distribution.json").read_text())["out_of_distribution"]
    assert record["images"] == 20
    for name, numbers in record["scores"].items():
        area = roc_auc_score(ood, table[name])
        assert numbers["auroc"]["value"] == pytest.approx(area)
        assert numbers["auroc"]["low"] <= area <= numbers["auroc"]["high"]
        refused = table[f"unknown_{name}"] > 0.5
        assert numbers["ood_detected"]["value"] == pytest.approx(refused[ood].mean())
        assert numbers["known_refused"]["value"] == pytest.approx(refused[~ood].mean())
    assert set(record["scores"]) == {
        "one_minus_max",
        "entropy",
        "energy",
        "neighbour",
        "mahalanobis",
    }
    nine = pd.read_csv(tmp_path / "nine_classes.csv").set_index("image")
    called = nine.idxmax(axis=1).to_numpy()
    hits = (called == table["true"]).groupby(table["true"]).mean()
    assert record["with_unknown"]["balanced_accuracy"]["value"] == pytest.approx(hits.mean())


def test_without_a_validation_part_nothing_is_fitted(tmp_path: Path) -> None:
    OutOfDistribution().write(result(tmp_path, predictions={"test": part(30, 2)}), tmp_path)
    assert "validation" in json.loads((tmp_path / "out_of_distribution.json").read_text())["absent"]
    assert not (tmp_path / "out_of_distribution.csv").exists()
