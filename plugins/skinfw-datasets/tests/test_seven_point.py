"""The seven-point checklist: points, measures and the table, and the whole recipe."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skinfw import Auxiliary, Predictions, Result, SkinfwError
from skinfw.interfaces.protocols import EvaluationReport
from skinfw.recipe.plan import load_plan
from skinfw.statistics.intervals import repeat_images
from skinfw.workflows.run import execute_run
from skinfw.workflows.run_folder import RunFolder
from skinfw_datasets.points import POINTS
from skinfw_datasets.seven_point import GROUPS, SevenPoint, SevenPointTable, scores

RECIPES = Path(__file__).parents[3] / "recipes"


def answers(result: list[dict[str, str]], true: list[dict[str, str]]) -> dict[str, Auxiliary]:
    """Auxiliary outputs whose criteria are absent unless an image's dictionary tells otherwise."""
    outputs = {}
    for name, groups in GROUPS.items():
        values = tuple(sorted(set(groups.values())))
        places = [values.index(image.get(name, "absent")) for image in result]
        truth = [
            -1 if image.get(name) == "" else values.index(image.get(name, "absent"))
            for image in true
        ]
        outputs[name] = Auxiliary(values, np.array(truth), np.eye(len(values))[places])
    return outputs


WORST = {name: value for name, (value, _) in POINTS.items()}
FOUND = [{}, {"pigment_network": "atypical", "streaks": "irregular"}, WORST, {"streaks": "regular"}]
TRUE = [{}, {"pigment_network": "typical"}, {}, {"streaks": ""}]
PREDICTIONS = Predictions(
    ["a", "b", "c", "d"], ["a", "b", "c", "d"], np.array([0, 1, 1, 0]),
    np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]]), ("NV", "MEL"),
    auxiliary=answers(FOUND, TRUE),
)  # fmt: skip


def test_points_add_up_to_the_published_score() -> None:
    assert sum(points for _, points in POINTS.values()) == 10
    predicted, true = scores(PREDICTIONS)
    assert predicted.tolist() == [0, 3, 10, 0]
    assert true.tolist()[:3] == [0, 0, 0] and np.isnan(true[3])


def test_the_numbers_are_those_of_a_count_by_hand() -> None:
    numbers = SevenPoint()(PREDICTIONS)
    assert numbers["seven_point_error"] == pytest.approx((0 + 3 + 10) / 3)
    assert numbers["seven_point_sensitivity"] == 1.0
    assert numbers["seven_point_specificity"] == 1.0
    # Wrong: two of four networks, one of three known streaks twice, one of four elsewhere.
    assert numbers["criteria_accuracy"] == pytest.approx((2 / 4 + 1 / 3 + 5 * 3 / 4) / 7)


def test_resampling_is_the_plain_call_on_repeated_images() -> None:
    times = np.array([[2, 0, 1, 3], [1, 1, 0, 0], [0, 0, 0, 1]])
    many = SevenPoint().resample(PREDICTIONS, times.astype(float))
    for place, row in enumerate(times):
        alone = SevenPoint()(repeat_images(PREDICTIONS, row))
        for name, value in alone.items():
            assert many[name][place] == pytest.approx(value, nan_ok=True), name


def test_a_network_without_the_criteria_is_refused() -> None:
    some = {name: value for name, value in PREDICTIONS.auxiliary.items() if name != "streaks"}
    broken = Predictions(
        PREDICTIONS.ids, PREDICTIONS.lesions, PREDICTIONS.true, PREDICTIONS.probabilities,
        PREDICTIONS.classes, auxiliary=some,
    )  # fmt: skip
    with pytest.raises(SkinfwError) as error:
        SevenPoint()(broken)
    assert "streaks" in error.value.what and "modalities.auxiliary" in error.value.cure


def test_the_table_names_true_and_predicted_values(tmp_path: Path) -> None:
    result = Result(
        tmp_path, "x", ("NV", "MEL"), [], 1, "accuracy", {"test": PREDICTIONS}, {"test": {}}
    )
    SevenPointTable().write(result, tmp_path)
    with (tmp_path / "seven_point.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows[1]["predicted_score"] == "3" and rows[1]["true_score"] == "0"
    assert rows[1]["true"] == "MEL" and rows[1]["predicted"] == "MEL"
    assert rows[1]["true_pigment_network"] == "typical"
    assert rows[3]["true_streaks"] == "" and rows[3]["predicted_streaks"] == "regular"
    assert rows[3]["true_score"] == ""


def test_an_evaluation_has_the_table_and_the_page_tells_each_criterion(tmp_path: Path) -> None:
    result = Result(
        tmp_path, "x", ("NV", "MEL"), [], 1, "accuracy", {"test": PREDICTIONS}, {"test": {}}
    )
    assert isinstance(SevenPointTable(), EvaluationReport)
    SevenPointTable().evaluate(result, tmp_path)
    assert len((tmp_path / "seven_point.csv").read_text().splitlines()) == 5
    (found,) = SevenPointTable().analyse(result)
    rows = {str(row[0]): row[1:] for row in found.tables[0].rows}
    # Three images have known streaks, all absent, of which one was read as irregular; of the four
    # networks one is typical and read as atypical, and one of three absent ones likewise.
    assert rows["streaks"] == ["3", pytest.approx(1 / 3), pytest.approx(1 / 3)]
    assert rows["pigment network"] == ["4", pytest.approx(2 / 4), pytest.approx((2 / 3 + 0) / 2)]
    means = [row[1] for row in rows.values()]
    assert np.mean(means) == pytest.approx(SevenPoint()(PREDICTIONS)["criteria_accuracy"])


HEADER = (
    "case_num,diagnosis,seven_point_score,pigment_network,streaks,pigmentation,"
    "regression_structures,dots_and_globules,blue_whitish_veil,vascular_structures,"
    "level_of_diagnostic_difficulty,elevation,location,sex,management,clinic,derm,case_id,notes"
)
DIAGNOSES = ("clark nevus", "melanoma (in situ)", "basal cell carcinoma", "lentigo",
             "seborrheic keratosis")  # fmt: skip


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A small release in the official layout: twelve cases of each diagnosis, in three parts."""
    rng = np.random.default_rng(0)
    (tmp_path / "meta").mkdir()
    (tmp_path / "images").mkdir()
    rows = [HEADER]
    for number in range(60):
        kinds = [rng.choice(list(groups)) for groups in GROUPS.values()]
        sex = ("male", "female")[number % 2]
        pictures = [f"nel{number:03}.jpg", f"ndl{number:03}.jpg"]
        for picture in pictures:
            pixels = rng.integers(0, 255, (16, 20, 3), np.uint8)
            image = Image.fromarray(pixels).resize((160, 128))
            image.save(tmp_path / "images" / picture)
        words = [number, DIAGNOSES[number % 5], 3, *kinds, "low", "flat", "back", sex, "no"]
        rows.append(",".join(map(str, [*words, *pictures, "", ""])))
    (tmp_path / "meta" / "meta.csv").write_text("\n".join(rows) + "\n")
    for part, start, stop in (("train", 0, 30), ("valid", 30, 45), ("test", 45, 60)):
        lines = "\n".join(map(str, ["indexes", *range(start, stop)]))
        (tmp_path / "meta" / f"{part}_indexes.csv").write_text(lines + "\n")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "backbone"),
    [("derm7pt_multimodal", "timm/resnet10t"), ("derm7pt_yao", "timm/regnety_002")],
)
def test_the_recipes_of_derm7pt_train(
    name: str, backbone: str, release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = (
        f"dataset.root={release}", f"backbone.use={backbone}", "backbone.pretrained=false",
        "train.epochs=2", "train.batch_size=8", "train.limit_batches=2", "image.size=64",
        'view.use="center"', "image.short=0",
    )  # fmt: skip
    monkeypatch.chdir(tmp_path)
    plan = load_plan(RECIPES / f"{name}.toml", sets)
    folder = RunFolder.create(tmp_path / "runs", plan)
    result = execute_run(plan, folder, lambda _: None)
    assert result is not None and len(result.history) == 2
    assert all(np.isfinite(row["train_loss"]) for row in result.history)
    numbers = result.metrics["test"]
    assert 0 <= numbers["balanced_accuracy"] <= 1
    if name == "derm7pt_multimodal":
        assert 0 <= numbers["criteria_accuracy"] <= 1
        with (folder.path / "seven_point.csv").open() as file:
            assert len(list(csv.DictReader(file))) == 15
