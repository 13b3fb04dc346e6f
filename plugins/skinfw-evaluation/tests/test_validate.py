"""`skinfw validate`: one run on several data sets, against numbers that are computed otherwise."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from sklearn.metrics import roc_auc_score
from support import FORKS

from skinfw import MALIGNANT, Estimate, Predictions
from skinfw.cli import main
from skinfw.data.diagnoses import diagnoses
from skinfw.evaluation.numbers import compute_intervals
from skinfw.recipe.plan import load_plan
from skinfw_evaluation.rollup import class_groups, malignancy, roll_up
from skinfw_evaluation.validation import drop

HAM = ("MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC")
BAD = ["MEL", "BCC", "AK", "SCC"]
CSV = '[dataset]\nuse = "csv"\nfile = "{}.csv"\n'
CHECKLIST = (
    "seven_point_score,pigment_network,streaks,pigmentation,regression_structures,"
    "dots_and_globules,blue_whitish_veil,vascular_structures"
)


@pytest.fixture
def there(two_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with a run that calls a lesion malignant from a chance of 0.3 upwards."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(two_runs / "run1", tmp_path / "one")
    record = json.loads((tmp_path / "one/run.json").read_text())
    for metric in record["recipe"]["metric"]:
        if metric["use"] == "malignancy":
            metric["threshold"] = 0.3
    (tmp_path / "one/run.json").write_text(json.dumps(record))
    return tmp_path


def validate(*words: str, code: int = 0) -> Result:
    replicates = ("--replicates", "100", "--out", "out")
    result = CliRunner().invoke(main, ["validate", "one", *words, *replicates])
    assert result.exit_code == code, result.output
    return result


def draw_image(file: Path, seed: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 50, 3), np.uint8)
    Image.fromarray(pixels).save(file)


def csv_set(place: Path, name: str, labels: list[str], ids: list[str] | None = None) -> None:
    """A data set with the table [dataset] alone."""
    ids = ids or [f"{name}{number}" for number in range(len(labels))]
    for number, one in enumerate(ids):
        draw_image(place / name / f"{one}.png", number)
    paths = [f"{name}/{one}.png" for one in ids]
    pd.DataFrame({"id": ids, "path": paths, "label": labels}).to_csv(
        place / f"{name}.csv", index=False
    )
    (place / f"{name}.toml").write_text(CSV.format(name))


def derm7pt(place: Path) -> None:
    """A release in the official layout, of ten cases."""
    names = ["clark nevus", "melanoma (in situ)", "basal cell carcinoma", "lentigo", "melanosis",
             "seborrheic keratosis", "blue nevus", "dermatofibroma", "vascular lesion",
             "miscellaneous"]  # fmt: skip
    head = (
        f"case_num,diagnosis,{CHECKLIST},level_of_diagnostic_difficulty,elevation,location,sex,"
        "management,clinic,derm"
    )
    rows = [
        f"{number},{name},1,absent,absent,absent,absent,absent,absent,absent,low,flat,back,female,"
        f"no,c/c{number}.jpg,d/d{number}.jpg"
        for number, name in enumerate(names, 1)
    ]
    meta = place / "release_v0/meta"
    meta.mkdir(parents=True)
    (meta / "meta.csv").write_text("\n".join([head, *rows]) + "\n")
    for part, own in {"train": range(5), "valid": range(5, 7), "test": range(7, 10)}.items():
        (meta / f"{part}_indexes.csv").write_text("\n".join(["indexes", *map(str, own)]) + "\n")
    for number in range(1, 11):
        draw_image(place / f"release_v0/images/d/d{number}.jpg", number)
    (place / "derm7pt.toml").write_text('[dataset]\nuse = "derm7pt"\nroot = "release_v0"\n')


def by_name(record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {own["name"]: own for own in record["data_sets"]}


def test_a_run_is_judged_on_several_data_sets_and_none_that_fails_loses_the_others(
    there: Path,
) -> None:
    parts = pd.read_csv(there / "one/splits.csv", dtype=str)
    learned = parts.loc[parts["part"] == "train", "id"].iloc[0]
    tested = parts.loc[parts["part"] == "test", "id"].iloc[0]
    labels = ["Common Nevus", "Atypical Nevus", "Melanoma", "wart"] * 4 + ["Melanoma"] * 2
    csv_set(there, "ph2", labels, [*(f"IMD{n:03}" for n in range(16)), learned, tested])
    csv_set(there, "cars", ["car", "tree"] * 3)
    derm7pt(there)
    (there / "absent.toml").write_text('[dataset]\nuse = "isic2017"\nroot = "nowhere"\n')
    words = ("--on", "ph2.toml", "cars.toml", "derm7pt.toml", "absent.toml")
    said = validate(*words, code=3).output
    assert "error: no label of the data set has a counterpart" in said and "cars.toml:2" in said

    record = json.loads((there / "out/validation.json").read_text())
    sets = by_name(record)
    assert list(sets) == ["ph2", "cars", "derm7pt", "absent"]
    assert "has a counterpart" in sets["cars"]["failure"] and not sets["cars"]["numbers"]
    assert "root is no folder" in sets["absent"]["failure"]
    assert sets["ph2"]["left_out"] == {
        "learned": 1, "home": 1, "no_counterpart": 4, "no_malignancy": 0,
    }  # fmt: skip
    assert "no class of the network answers wart (4)" in sets["ph2"]["notes"]

    # The run's own numbers stand at home, to the last digit.
    own = json.loads((there / "one/metrics.json").read_text())["test"]
    for name in ("balanced_accuracy", "macro_auc", "sensitivity/MEL", "malignant_auc"):
        assert record["home"]["numbers"][name]["there"]["value"] == pytest.approx(own[name])
    home = pd.read_csv(there / "one/predictions.csv")
    bad = home["true"].isin(BAD)
    found = float((home.loc[bad, BAD].sum(axis=1) >= 0.3).mean())
    at_home = record["home"]["numbers"]["malignant_sensitivity"]["there"]["value"]
    assert record["threshold"] == 0.3 and at_home == pytest.approx(found)

    # What is said of PH2 is what scikit-learn makes of the predictions.
    table = pd.read_csv(there / "out/predictions/ph2.csv")
    assert len(table) == 16 and not {learned, tested} & set(table["id"])
    chance = table[BAD].sum(axis=1)
    malignant = table["label"] == "Melanoma"
    numbers = sets["ph2"]["numbers"]
    auc = numbers["malignant_auc"]
    assert auc["there"]["value"] == pytest.approx(roc_auc_score(malignant, chance))
    assert auc["images"] == 16 and auc["drop"]["value"] == pytest.approx(
        own["malignant_auc"] - auc["there"]["value"]
    )
    sensitivity = float((chance[malignant] >= 0.3).mean())
    assert numbers["malignant_sensitivity"]["there"]["value"] == pytest.approx(sensitivity)
    known = table[table["label"] != "wart"]
    classes = json.loads((there / "one/run.json").read_text())["classes"]
    called = known[classes].idxmax(axis=1)
    true = known["label"].map(lambda label: "MEL" if label == "Melanoma" else "NV")
    expected = np.mean([(called[true == name] == name).mean() for name in ("MEL", "NV")])
    assert numbers["balanced_accuracy"]["there"]["value"] == pytest.approx(expected)
    assert numbers["balanced_accuracy"]["images"] == 12
    both = home[home["true"].isin(["MEL", "NV"])]
    recalls = [
        (own["predicted"] == name).mean() for name, own in both.groupby("true")
    ]  # of the same two classes
    assert numbers["balanced_accuracy"]["home"]["value"] == pytest.approx(np.mean(recalls))

    # Derm7PT tells more of its miscellaneous cases than their label.
    groups = {own["name"]: own["labels"] for own in sets["derm7pt"]["groups"]}
    assert groups == {
        "MEL": ["MEL"], "NV": ["NV"], "BCC": ["BCC"], "BKL": ["SK", "lentigo"],
        "DF": ["dermatofibroma"], "VASC": ["vascular lesion"],
    }  # fmt: skip
    assert sets["derm7pt"]["left_out"]["no_counterpart"] == 2  # melanosis, miscellaneous
    assert sets["derm7pt"]["left_out"]["no_malignancy"] == 1  # miscellaneous

    rows = pd.read_csv(there / "out/validation.csv").set_index(["dataset", "number"])
    assert rows.loc[("ph2", "malignant_auc"), "drop"] == pytest.approx(
        auc["drop"]["value"], abs=1e-6
    )
    assert rows.loc[("ph2", "left_out/learned"), "value"] == 1
    assert rows["failure"].dropna().index.get_level_values(0).tolist() == ["cars", "absent"]
    page = (there / "out/validation.html").read_text()
    assert "<script" not in page and "It could not be judged" in page
    assert "the network has learned from them" in page and "wart (4)" in page
    assert (there / "out/validation.png").stat().st_size > 5_000


def test_one_part_of_a_data_set_and_labels_of_the_users_own(there: Path) -> None:
    csv_set(there, "own", ["lump", "MEL", "NV"] * 4)
    table = pd.read_csv(there / "own.csv")
    split = ["test"] * 6 + ["train"] * 5 + ["val"]
    table.assign(split=split).to_csv(there / "own.csv", index=False)
    (there / "own.toml").write_text(CSV.format("own") + '[split]\nuse = "official"\n')
    said = validate("--on", "own.toml=test", "--map", "lump=NV", "--map", "lumb=NV").output
    assert "note: --map lumb=NV is not used: no data set has this label" in said
    own = by_name(json.loads((there / "out/validation.json").read_text()))["own test"]
    assert own["images"] == 6
    assert [group["labels"] for group in own["groups"]] == [["MEL"], ["NV", "lump"]]
    assert own["numbers"]["malignant_auc"]["images"] == 6, "a lump is as benign as a nevus"


def test_a_launcher_finds_what_this_process_finds(there: Path) -> None:
    (there / "mine.py").write_text(FORKS)
    csv_set(there, "own", ["lump", "MEL", "NV"] * 4)
    csv_set(there, "cars", ["car", "tree"] * 3)
    (there / "absent.toml").write_text('[dataset]\nuse = "isic2017"\nroot = "nowhere"\n')
    words = ("--on", "own.toml", "cars.toml", "absent.toml", "--map", "lump=NV", "--map", "lumb=NV")
    found = []
    for own in ((), ("--launcher", "./mine.py:Forks")):
        said = validate(*words, *own, code=3)
        assert "note: --map lumb=NV is not used" in said.output and "lump=NV is" not in said.output
        record = json.loads((there / "out/validation.json").read_text())
        failures = [one.pop("failure") for one in record["data_sets"]]
        found.append({**by_name(record), "table": (there / "out/predictions/own.csv").read_text()})
        shutil.rmtree(there / "out/predictions")
    here, launched = found
    assert here.keys() == launched.keys()
    here["own"]["notes"] = here["own"]["notes"][1:]  # the images were decoded for the first time
    for name, one in here.items():
        assert one == launched[name], name
    assert "root is no folder" in failures[2] and "(out/logs/absent.log)" in failures[2]
    assert "has a counterpart" in failures[1] and "cars could not be judged" in said.output
    assert not (there / "out/parts").exists()


@pytest.mark.parametrize(
    ("words", "code", "what"),
    [
        (("--on", "gone.toml"), 2, "gone.toml"),
        (("--on", "cars.toml"), 1, "no label of the data set has a counterpart"),
        (("--on", "cars.toml", "--map", "car=CAR"), 2, "CAR is no class of the network"),
        ((), 2, "--on"),
    ],
)
def test_what_cannot_be_validated_at_all_is_an_error(
    there: Path, words: tuple[str, ...], code: int, what: str
) -> None:
    csv_set(there, "cars", ["car", "tree"] * 3)
    result = validate(*words, code=code)
    assert what in result.output
    assert not (there / "out/validation.csv").exists()


def predictions(
    classes: tuple[str, ...], true: list[int], chances: list[list[float]]
) -> Predictions:
    names = [f"i{number}" for number in range(len(true))]
    return Predictions(names, names, np.array(true), np.array(chances), classes)


def test_classes_that_one_label_needs_are_summed_and_others_stay_answers() -> None:
    classes = ("MEL", "NV", "AK", "SCC", "DF")
    answers = {"AKIEC": ("AK", "SCC"), "SCCKA": ("SCC",), "MEL": ("MEL",), "car": ()}
    groups = class_groups(answers, classes)
    assert [(own.name, own.labels, own.classes) for own in groups] == [
        ("MEL", ("MEL",), ("MEL",)),
        ("AK+SCC", ("AKIEC", "SCCKA"), ("AK", "SCC")),
    ]
    said = predictions(classes, [0, 0, 0], [[0.4, 0.0, 0.3, 0.2, 0.1], [0.1, 0.3, 0.3, 0.0, 0.3],
                                            [0.2, 0.2, 0.2, 0.2, 0.2]])  # fmt: skip
    found = roll_up(said, ["AKIEC", "SCCKA", "car"], groups)
    assert found is not None and found.ids == ("i0", "i1")
    assert found.classes == ("MEL", "AK+SCC", "NV", "DF")
    np.testing.assert_allclose(found.probabilities, [[0.4, 0.5, 0, 0.1], [0.1, 0.3, 0.3, 0.3]])
    assert found.true.tolist() == [1, 1] and found.predicted.tolist() == [1, 1]
    assert roll_up(said, ["car"] * 3, groups) is None


def test_malignancy_is_the_sum_over_malignant_classes() -> None:
    said = predictions(HAM, [0] * 4, np.eye(7)[[0, 3, 4, 1]].tolist())
    found = malignancy(said, ["melanoma", "BEN_OTH", "MISC", "car"])
    assert found is not None and found.ids == ("i0", "i1"), "the rest is indeterminate or unknown"
    assert found.true.tolist() == [1, 0] and found.probabilities[:, 1].tolist() == [1, 1]
    assert malignancy(said, ["car"] * 4) is None
    assert malignancy(predictions(("NV", "DF"), [0], [[1, 0]]), ["NV"]) is None


def wilson(hits: int, count: int) -> Estimate:
    z, share = 1.959963984540054, hits / count
    centre = (share + z * z / 2 / count) / (1 + z * z / count)
    half = z * math.sqrt(share * (1 - share) / count + (z / 2 / count) ** 2) / (1 + z * z / count)
    return Estimate(share, centre - half, centre + half)


@pytest.mark.parametrize(
    ("home", "there", "low", "high"),
    [  # method 10 of Newcombe 1998 (Statistics in Medicine 17, table II), which MOVER generalises
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 10), 0.6075, 1.0000),
        ((10, 10), (0, 20), 0.6791, 1.0000),
        ((5, 56), (0, 29), -0.0381, 0.1926),
    ],
)
def test_the_interval_of_a_drop_is_the_published_one(
    home: tuple[int, int], there: tuple[int, int], low: float, high: float
) -> None:
    found = drop(wilson(*home), wilson(*there))
    assert (found.low, found.high) == pytest.approx((low, high), abs=6e-5)


def test_a_drop_without_an_interval_has_none() -> None:
    found = drop(Estimate(0.9), Estimate(0.7, 0.6, 0.8))
    assert found.value == pytest.approx(0.2) and math.isnan(found.low) and math.isnan(found.high)


@pytest.mark.slow
def test_intervals_of_drops_hold_the_truth() -> None:
    # Accuracy of 0.85 at home and 0.7 there, two images of a lesion that mostly agree.

    metrics = [
        (component, component.make())
        for component in load_plan(Path("quickstart")).components.metric
        if component.use == "classification"
    ]

    def study(rng: np.random.Generator, lesions: int, share: float) -> Estimate:
        first = rng.random(lesions) < share
        second = np.where(rng.random(lesions) < 0.6, first, rng.random(lesions) < share)
        right = np.repeat(first, 2)
        right[1::2] = second
        names = [f"i{number}" for number in range(2 * lesions)]
        groups = [f"l{number // 2}" for number in range(2 * lesions)]
        chances = np.where(right[:, None], [[0.9, 0.1]], [[0.1, 0.9]])
        own = Predictions(names, groups, np.zeros(2 * lesions, int), chances, ("a", "b"))
        return Estimate(float(right.mean()), *compute_intervals(metrics, own, 300, 1)["accuracy"])

    held = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        found = drop(study(rng, 80, 0.85), study(rng, 120, 0.7))
        held += found.low <= 0.15 <= found.high
    assert 0.92 <= held / 200 <= 0.99


def test_the_table_knows_the_classes_of_all_data_sets_that_come_with_skinfw() -> None:
    from skinfw_datasets.derm7pt import CLASSES, GROUPS
    from skinfw_isic import isic2017, isic2018, isic2019

    table = diagnoses()
    for module in (isic2017, isic2018, isic2019):
        for name in module.CLASSES:
            assert table.of(name)
            assert (table.malignancy_of(name) == "malignant") == (name in MALIGNANT), name
    assert all(table.of(name) for name in CLASSES)
    for name, group in GROUPS.items():
        assert set(table.of(name)) <= set(table.of(group)), name
