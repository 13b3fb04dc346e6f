"""Groups, their numbers and their intervals."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from skinfw import Predictions, Result, SkinfwError, confidence_intervals
from skinfw_metrics.classification import Classification
from skinfw_reliability.group_numbers import GroupNumbers
from skinfw_reliability.subgroups import Subgroups

CLASSES = ("MEL", "NV", "DF")


def made(count: int = 240, images_each: int = 2, seed: int = 0) -> Predictions:
    rng = np.random.default_rng(seed)
    true = np.repeat(rng.permutation(np.arange(count // images_each) % 3), images_each)
    result = rng.dirichlet(np.ones(3), count)
    result[np.arange(count), true] += rng.random(count)
    result /= result.sum(1, keepdims=True)
    ids = [f"I{i}" for i in range(count)]
    return Predictions(ids, [f"L{i // images_each}" for i in range(count)], true, result, CLASSES)


def written(folder: Path, test: Predictions, report: Subgroups, **columns: object) -> list[dict]:
    rows = pd.DataFrame({"id": test.ids, "path": "drawn", "lesion": test.lesions} | columns)
    result = Result(folder, "demo", CLASSES, [], 1, "accuracy", {"test": test},
                    rows={"test": rows})  # fmt: skip
    report.write(result, folder)
    with (folder / "subgroups.csv").open() as file:
        return list(csv.DictReader(file))


def of(rows: list[dict], attribute: str, group: str, number: str = "balanced_accuracy") -> dict:
    (row,) = [r for r in rows if (r["attribute"], r["group"], r["number"]) ==
              (attribute, group, number)]  # fmt: skip
    return row


def test_numbers_are_those_of_scikit_learn_and_their_intervals_hold_them() -> None:
    test = made()
    metric = GroupNumbers(["MEL"])
    numbers, ends = metric(test), confidence_intervals(metric, test)
    assert numbers["balanced_accuracy"] == pytest.approx(
        balanced_accuracy_score(test.true, test.predicted)
    )
    auc = roc_auc_score(test.true, test.probabilities, multi_class="ovr", average="macro")
    assert numbers["macro_auc"] == pytest.approx(auc)
    for name, value in numbers.items():
        assert ends[name][0] < value < ends[name][1]


def test_lesions_are_drawn_whole() -> None:
    # Copies of the same images add no knowledge, so that the interval stays as wide.
    one, four = made(120, 1), made(120, 1)
    places = np.repeat(np.arange(120), 4)
    four = Predictions([f"{i}" for i in range(480)], [one.lesions[p] for p in places],
                       one.true[places], one.probabilities[places], CLASSES)  # fmt: skip
    metric = GroupNumbers([])
    for name, ends in confidence_intervals(metric, one).items():
        assert confidence_intervals(metric, four)[name] == pytest.approx(ends, abs=0.02)


def test_intervals_are_those_of_the_headline_although_draws_lack_a_class() -> None:
    test = made()
    true = np.where(np.arange(240) < 2, 2, test.true % 2)  # one lesion alone is a DF
    rare = Predictions(test.ids, test.lesions, true, test.probabilities, CLASSES)
    headline = confidence_intervals(Classification(), rare)
    for name, ends in confidence_intervals(GroupNumbers(["MEL"]), rare).items():
        assert ends == pytest.approx(headline[name])


def test_groups_divide_the_images_and_missing_values_are_a_group(tmp_path: Path) -> None:
    test = made()
    ages = np.array([25.0, 50.0, np.nan, 80.0])[np.arange(240) % 4]
    sexes = np.array(["male", "Female", "", "unknown"])[np.arange(240) % 4]
    rows = written(tmp_path, test, Subgroups(), age_approx=ages, sex=sexes)
    for attribute in ("age", "sex"):
        own = [r for r in rows if r["attribute"] == attribute and r["number"] == "macro_auc"]
        assert sum(int(row["images"]) for row in own) == 240
        assert own[-1]["group"] == "missing"
    names = [r["group"] for r in rows if r["attribute"] == "age" and r["number"] == "macro_auc"]
    assert names == ["0 to 29", "45 to 59", "75 and more", "missing"]
    assert int(of(rows, "sex", "missing")["images"]) == 120
    assert int(of(rows, "all", "all")["lesions"]) == 120
    female = test.predicted[1::4] == test.true[1::4]
    shares = [female[test.true[1::4] == label].mean() for label in range(3)]
    result = of(rows, "sex", "female")
    assert float(result["value"]) == pytest.approx(np.mean(shares))
    assert float(result["low"]) <= float(result["value"]) <= float(result["high"])
    notes = json.loads((tmp_path / "subgroups.json").read_text())["notes"]
    assert "the table says nothing about site" in notes
    assert any("images are no files" in note for note in notes)
    assert not (tmp_path / "subgroups_images.csv").exists()


def test_small_groups_are_flagged_and_absent_classes_not_measured(tmp_path: Path) -> None:
    test = made()
    lonely = int(np.flatnonzero(test.true == 1)[0])
    sites = ["back"] * 240
    sites[lonely] = "palm"
    rows = written(tmp_path, test, Subgroups(), anatom_site_general=sites)
    palm = of(rows, "site", "palm")
    assert palm["images"] == palm["lesions"] == palm["classes"] == "1"
    assert palm["few"] == "yes" and palm["rests_on"] == "1"
    melanoma = of(rows, "site", "palm", "sensitivity/MEL")
    assert melanoma["value"] == melanoma["low"] == "" and melanoma["few"] == "yes"
    assert of(rows, "site", "palm", "macro_auc")["value"] == ""
    assert of(rows, "site", "back")["few"] == "no"


def test_columns_of_one_s_own_and_files(tmp_path: Path) -> None:
    test = made(60)
    paths = []
    for place, name in enumerate(test.ids):
        size, light = ((300, 200), (700, 500))[place % 2], (215, 170)[place % 3 > 0]
        paths.append(tmp_path / f"{name}.png")
        Image.new("RGB", size, (light, light - 35, light - 65)).save(paths[-1])
    paths[0].write_bytes(b"")
    report = Subgroups(columns=["ward"], sensitive=["DF"])
    rows = written(tmp_path, test, report, path=list(map(str, paths)), ward=np.arange(60) % 2)
    assert of(rows, "ward", "1")["images"] == "30"
    assert of(rows, "image size", "up to 640")["images"] == "29"
    assert of(rows, "image size", "641 to 1024")["images"] == "30"
    assert of(rows, "skin tone", "missing", "sensitivity/DF")["images"] == "1"
    tones = {r["group"] for r in rows if r["attribute"] == "skin tone"}
    assert len(tones) == 3
    with (tmp_path / "subgroups_images.csv").open() as file:
        images = list(csv.DictReader(file))
    assert [row["id"] for row in images] == list(test.ids)
    assert (images[1]["width"], images[1]["height"]) == ("700", "500")
    notes = json.loads((tmp_path / "subgroups.json").read_text())["notes"]
    assert "1 images could not be read" in notes


def test_an_unknown_column_and_a_result_without_a_table_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SkinfwError) as error:
        written(tmp_path, made(30), Subgroups(columns=["clinic"]))
    assert "clinic" in error.value.what and "lesion" in error.value.why
    bare = Result(tmp_path, "demo", CLASSES, [], 1, "accuracy", {"test": made(30)})
    with pytest.raises(SkinfwError, match="no table"):
        Subgroups().write(bare, tmp_path)


def test_other_images_are_grouped_by_the_columns_that_they_have(tmp_path: Path) -> None:
    test = made(24)
    rows = pd.DataFrame({"id": test.ids, "path": "drawn", "lesion": test.lesions, "sex": "male"})
    parts = Result(
        tmp_path, "demo", CLASSES, [], 1, "accuracy", {"test": test}, rows={"test": rows}
    )
    elsewhere = replace(parts, evaluation={"dataset": "other"})
    Subgroups(columns=["hospital"]).evaluate(elsewhere, tmp_path)
    assert "male" in (tmp_path / "subgroups.csv").read_text()
    with pytest.raises(SkinfwError, match='no column "hospital"'):
        Subgroups(columns=["hospital"]).write(parts, tmp_path)
