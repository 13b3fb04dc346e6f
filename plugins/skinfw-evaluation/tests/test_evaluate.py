"""`skinfw evaluate` and `skinfw compare` on small runs."""

import csv
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from support import add_refit

from skinfw.cli import main
from skinfw.errors import SkinfwError
from skinfw.inference.labelled_rows import own_rows, unknown_rows
from skinfw.inference.trained_model import load_trained_model
from skinfw.recipe.plan import load_plan
from skinfw.recipe.run_record import read_run
from skinfw_evaluation.compare import HEADER, as_rows, compare_runs, read_sides

CLASSES_2019 = ("MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC")


@pytest.fixture
def there(two_runs: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(two_runs)
    yield two_runs
    shutil.rmtree(two_runs / "out", ignore_errors=True)


def skinfw(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, list(words))
    assert result.exit_code == code, result.output
    return result


def numbers(file: Path) -> Any:
    return json.loads(file.read_text())["test"]


def test_a_run_evaluated_again_gives_its_numbers(there: Path) -> None:
    said = skinfw("evaluate", "run1", "--out", "out").output
    assert "balanced accuracy" in said and "95 % interval" in said
    again, before = numbers(there / "out/metrics.json"), numbers(there / "run1/metrics.json")
    assert again == pytest.approx(before, abs=1e-6, nan_ok=True)
    old = pd.read_csv(there / "run1/predictions.csv", index_col="id")
    new = pd.read_csv(there / "out/predictions.csv", index_col="id")
    classes = list(old.columns[2:-1])
    assert np.abs(old[classes] - new.loc[old.index, classes]).to_numpy().max() < 1e-5


def test_another_part_can_be_evaluated(there: Path) -> None:
    said = skinfw("evaluate", "run1", "--part", "val", "--out", "out").output
    assert "\nval   balanced accuracy" in said and "\ntest " not in said
    assert json.loads((there / "out/evaluation.json").read_text())["part"] == "val"
    assert "its best epoch was chosen by them" in said
    assert "its best epoch was chosen by them" in (there / "out/report.html").read_text()
    rows = pd.read_csv(there / "run1/splits.csv")
    evaluated = set(pd.read_csv(there / "out/predictions.csv")["id"])
    assert evaluated == set(rows.loc[rows["part"] == "val", "id"])


@pytest.mark.slow
def test_a_finished_run_is_refitted_by_a_command(there: Path) -> None:
    run = there / "out/run"
    shutil.copytree(there / "run1", run)
    said = skinfw("refit", str(run), "--on", "all", "--quiet").output
    assert "refit  80 images (all) until epoch 1: refit.safetensors answers new images" in said
    assert numbers(run / "metrics.json") == numbers(there / "run1/metrics.json")
    page = (run / "report.html").read_text()
    assert "All numbers here belong to the first network of the run" in page
    assert "no test part is left" in page
    said = skinfw("refit", str(run), "--on", "all", code=1).output
    assert "already" in said


@pytest.mark.slow
def test_a_refit_is_measured_by_no_image_that_it_has_learned(there: Path) -> None:
    run, dataset = there / "out/run", ("--dataset", "tiny.toml", "--set", "dataset.seed=0")
    shutil.copytree(there / "run1", run)
    add_refit(run, "all")
    skinfw("evaluate", str(run), "--out", "out/own")
    assert numbers(there / "out/own/metrics.json") == pytest.approx(
        numbers(run / "metrics.json"), abs=1e-6, nan_ok=True
    )
    about = json.loads((there / "out/own/evaluation.json").read_text())
    assert about["network"] == "best.safetensors"
    said = skinfw("evaluate", str(run), "--network", "refit", code=2).output
    assert 'cannot be measured on the part "test"' in said
    said = skinfw("evaluate", str(run), *dataset, "--out", "out/all", code=1).output
    assert "80 images that the network has learned from are left out" in said

    add_refit(run, "train+val")
    said = skinfw("evaluate", str(run), "--network", "refit", "--part", "val", code=2).output
    assert "it has learned from train, val" in said
    skinfw("evaluate", str(run), "--network", "refit", "--out", "out/test")
    said = skinfw("evaluate", str(run), *dataset, "--out", "out/other").output
    assert "the refit answers" in said
    test = pd.read_csv(run / "predictions.csv", index_col="id")
    for name in ("test", "other"):  # nothing but the test part is left of the data set
        told = pd.read_csv(there / "out" / name / "predictions.csv", index_col="id")
        assert set(told.index) == set(test.index)
        apart = told.iloc[:, 2:-1] - test.loc[told.index].iloc[:, 2:-1]
        assert np.abs(apart).to_numpy().max() > 0.01
        about = json.loads((there / "out" / name / "evaluation.json").read_text())
        assert about["network"] == "refit.safetensors"
        page = (there / "out" / name / "report.html").read_text()
        assert "the numbers of the run are those of its first network" in page


def test_the_view_of_a_run_can_be_changed_after_training(there: Path) -> None:
    adjusted = ("--set", "view.logit_adjustment=0.5")
    skinfw("evaluate", "run1", *adjusted, "--out", "out")
    old = pd.read_csv(there / "run1/predictions.csv", index_col="id")
    new = pd.read_csv(there / "out/predictions.csv", index_col="id")
    parts = pd.read_csv(there / "run1/splits.csv")
    counts = parts.loc[parts["part"] == "train", "label"].value_counts()
    classes = list(old.columns[2:-1])
    expected = old[classes] / (counts[classes] / counts.sum()) ** 0.5
    expected = expected.div(expected.sum(axis=1), axis=0)
    assert np.abs(expected - new.loc[old.index, classes]).to_numpy().max() < 1e-5
    assert np.abs(expected - old[classes]).to_numpy().max() > 1e-3
    said = "answers are not those of the run: view.logit_adjustment=0.5"
    assert said in (there / "out/report.html").read_text()
    assert said in json.loads((there / "out/evaluation.json").read_text())["marks"]


@pytest.mark.parametrize(
    ("option", "what"),
    [
        ("train.epochs=3", "an evaluation would not read it"),
        ("view.logit_adjustment=9", "view.logit_adjustment"),
        ("view.use=nothing", '"nothing"'),
    ],
)
def test_what_an_evaluation_cannot_set_is_refused(there: Path, option: str, what: str) -> None:
    said = skinfw("evaluate", "run1", "--set", option, "--out", "out", code=2).output
    assert what in said and f"--set {option}" in said
    assert not (there / "out").exists()


def other(place: Path, labels: list[str], ids: list[str]) -> Path:
    """A file of images of its own, with the table [dataset] alone."""
    rng = np.random.default_rng(0)
    shots = place / "shots"
    shots.mkdir(exist_ok=True)
    for name in ids:
        Image.fromarray(rng.integers(0, 256, (40, 50, 3), np.uint8)).save(shots / f"{name}.png")
    table = pd.DataFrame({"id": ids, "path": [f"shots/{name}.png" for name in ids],
                          "label": labels})  # fmt: skip
    table.to_csv(place / "other.csv", index=False)
    recipe = place / "other.toml"
    recipe.write_text('[dataset]\nuse = "csv"\nfile = "other.csv"\n')
    return recipe


def test_labels_are_aligned_by_name_or_refused(there: Path) -> None:
    recipe = str(other(there, ["MEL", "nevus", "wart"] * 3, [f"x{n}" for n in range(9)]))
    said = skinfw("evaluate", "run1", "--dataset", recipe, code=2).output
    assert "error: wart are no classes of the network" in said and "--map" in said
    assert "error:" in said and "other.toml:2" in said
    wart = ("--map", "wart=", "--out", "out")
    said = skinfw("evaluate", "run1", "--dataset", recipe, *wart).output
    assert "nevus counts as NV, by the table of diagnoses" in said
    assert "3 images of labels that the network does not answer are left out" in said
    assert "note: no image shows" in said
    result = numbers(there / "out/metrics.json")
    assert result["sensitivity/DF"] is None, "what is absent is not measured"
    assert len(pd.read_csv(there / "out/predictions.csv")) == 6


def test_a_label_that_the_user_names_is_not_what_the_table_says(there: Path) -> None:
    recipe = str(other(there, ["MEL", "nevus"] * 3, [f"x{n}" for n in range(6)]))
    skinfw("evaluate", "run1", "--dataset", recipe, "--map", "nevus=DF", "--out", "out")
    assert set(pd.read_csv(there / "out/predictions.csv")["true"]) == {"MEL", "DF"}
    said = skinfw("evaluate", "run1", "--dataset", recipe, "--map", "nevus=NVV", code=2).output
    assert "NVV is no class of the network" in said and "--map nevus=NVV" in said


def test_a_run_folder_is_a_data_set_too(there: Path) -> None:
    # All that run2 was made of is in run1, whose test part is not learned.
    said = skinfw("evaluate", "run1", "--dataset", "run2", "--out", "out").output
    assert "images that the network has learned from are left out" in said
    rows = pd.read_csv(there / "run1/splits.csv")
    evaluated = set(pd.read_csv(there / "out/predictions.csv")["id"])
    assert evaluated == set(rows.loc[rows["part"] == "test", "id"])


def test_out_of_distribution_images_are_evaluated_by_their_scores(there: Path) -> None:
    labels = ["MEL", "NV", "wart"] * 3
    recipe = str(other(there, labels, [f"x{n}" for n in range(9)]))
    said = skinfw("evaluate", "run1", "--dataset", recipe, "--map", "wart=UNK", "--out", "out")
    assert "out_of_distribution.json" in said.output and "report.html" in said.output
    assert len(pd.read_csv(there / "out/predictions.csv")) == 6, "no other number counts them"
    record = json.loads((there / "out/out_of_distribution.json").read_text())["out_of_distribution"]
    assert record["images"] == 3 and record["scores"].keys() >= {"one_minus_max", "mahalanobis"}
    assert 0 <= record["scores"]["mahalanobis"]["auroc"]["value"] <= 1
    page = (there / "out/report.html").read_text()
    assert "6 images of" in page and "data set csv" in page
    assert "no image shows" in page and "3 out-of-distribution images beside the known ones" in page
    assert "looked at once" not in page, "that is said of the run's own test part"


def test_out_of_distribution_images_alone_are_refused(there: Path) -> None:
    recipe = str(other(there, ["wart"] * 3, [f"x{n}" for n in range(3)]))
    said = skinfw("evaluate", "run1", "--dataset", recipe, "--map", "wart=UNK", code=1).output
    assert "such images are evaluated beside known ones" in said and "other.toml:2" in said


def test_to_a_network_that_answers_unk_nothing_is_out_of_distribution(there: Path) -> None:
    rows = pd.DataFrame({"label": ["UNK", "MEL"]})
    saved = load_trained_model(there / "run1")
    assert unknown_rows(rows, saved).tolist() == [True, False]
    answers = replace(saved, classes=(*saved.classes, "UNK"))
    assert not unknown_rows(rows, answers).any()


def test_images_that_the_network_has_learned_from_are_left_out(there: Path) -> None:
    rows = pd.read_csv(there / "run1/splits.csv", dtype=str)
    learned = rows.loc[rows["part"] == "train", "id"].iloc[0]
    ids = [f"{learned}_downsampled", "x1", "x2"]
    recipe = str(other(there, ["MEL", "MEL", "NV"], ids))
    said = skinfw("evaluate", "run1", "--dataset", recipe, "--out", "out").output
    assert "1 images that the network has learned from are left out" in said
    assert set(pd.read_csv(there / "out/predictions.csv")["id"]) == {"x1", "x2"}


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--map", "nothing"), "maps nothing"),
        (("--part", "all"), "are for another data set"),
        (("--set", "split.seed=4"), "divided otherwise today"),
    ],
)
def test_what_cannot_be_evaluated_is_told(there: Path, words: tuple[str, ...], what: str) -> None:
    result = CliRunner().invoke(main, ["evaluate", "run1", *words])
    assert result.exit_code in (1, 2) and what in result.output


def test_validation_images_are_evaluated_and_nothing_is_fitted_to_them(there: Path) -> None:
    skinfw("evaluate", "run1", "--part", "val", "--out", "out")
    assert "absent" in json.loads((there / "out/out_of_distribution.json").read_text())


def test_a_run_that_is_not_done_is_evaluated_by_the_best_so_far(there: Path) -> None:
    shutil.copytree(there / "run1", there / "out")
    record = json.loads((there / "out/run.json").read_text())
    (there / "out/run.json").write_text(json.dumps({**record, "status": "stopped", "results": {}}))
    said = skinfw("evaluate", "out", "--out", "out/again").output
    assert "its weights are the best so far" in said and "report.html" in said


def test_a_run_s_own_folder_is_no_place_for_an_evaluation(there: Path) -> None:
    before = (there / "run1/splits.csv").read_bytes()
    said = skinfw("evaluate", "run1", "--out", "run1", code=1).output
    assert "a run's own" in said and "--out" in said
    assert (there / "run1/splits.csv").read_bytes() == before


def test_private_names_of_another_component_mean_other_images(there: Path) -> None:
    rows = pd.read_csv(there / "run1/splits.csv", dtype=str)
    trained = rows.loc[rows["part"] == "train"].iloc[:2]
    private = trained.assign(id=["1", "2"], lesion=["1", "2"])
    shutil.copytree(there / "run1", there / "out")
    pd.concat([rows, private]).to_csv(there / "out/splits.csv", index=False)
    recipe = str(other(there, ["MEL", "NV"], ["1", "2"]))
    skinfw("evaluate", "out", "--dataset", recipe, "--out", "out/again")
    assert len(pd.read_csv(there / "out/again/predictions.csv")) == 2


def test_an_empty_part_cannot_be_evaluated(there: Path) -> None:
    with pytest.raises(SkinfwError, match='no image in the part "none"'):
        own_rows(load_plan(there / "run1"), "none", read_run(there / "run1"), there / "run1")


def test_a_run_that_lacks_a_number_is_shown_without_it(there: Path) -> None:
    shutil.copytree(there / "run2", there / "out")
    record = json.loads((there / "out/run.json").read_text())
    renamed = {"MEL": "melanoma", "BCC": "basal", "SCC": "squamous", "AK": "keratosis"}
    record["classes"] = [renamed.get(name, name) for name in record["classes"]]
    (there / "out/run.json").write_text(json.dumps(record))
    table = pd.read_csv(there / "out/predictions.csv").rename(columns=renamed)
    table["true"] = table["true"].replace(renamed)
    table.to_csv(there / "out/predictions.csv", index=False)
    said = skinfw("compare", "run1", "out", "--number", "malignant_auc", "--out", "out/both").output
    assert "cannot be compared" in said
    rows = pd.read_csv(there / "out/both/comparison.csv").set_index("run")
    assert np.isnan(rows.loc["out", "value"]) and rows.loc["run1", "value"] > 0


def test_runs_are_compared_on_the_same_lesions(there: Path) -> None:
    words = ("--number", "accuracy", "--replicates", "200", "--out", "out")
    said = skinfw("compare", "run1", "run2", *words).output
    assert "accuracy" in said and " p " in said and "cannot be compared" not in said
    with (there / "out/comparison.csv").open() as file:
        first, second = csv.DictReader(file)
    assert first["difference"] == "" and second["run"] == "run2"
    apart = float(second["value"]) - float(first["value"])
    assert float(second["difference"]) == pytest.approx(apart, abs=2e-6)
    assert float(second["difference_low"]) <= apart <= float(second["difference_high"])
    page = (there / "out/comparison.html").read_text()
    assert "<script" not in page and "run2" in page and "accuracy of each run" in page


def test_a_run_is_no_better_than_itself(there: Path) -> None:
    skinfw("evaluate", "run1", "--out", "out/again")
    words = ("--number", "accuracy", "--replicates", "100", "--out", "out")
    said = skinfw("compare", "run1", "out/again", *words).output
    ((low, high),) = re.findall(r"\+0\.000  \((-\S+) to \+(\S+)\)  p 1\.000", said)
    assert float(low) < -0.05 and float(high) > 0.05, "twenty images cannot tell two models apart"


def test_a_comparison_gives_each_run_the_intervals_of_its_own_page(there: Path) -> None:
    # These runs drew lesions twenty times, which the command does not offer.
    table = pd.DataFrame(
        as_rows(compare_runs(read_sides([Path("run1"), Path("run2")]), 20)), columns=HEADER
    )
    for run in ("run1", "run2"):
        own = json.loads((there / run / "intervals.json").read_text())
        assert own["replicates"] == 20
        bounds = own["parts"]["test"]["intervals"]["balanced_accuracy"]
        row = table[(table["run"] == run) & (table["number"] == "balanced_accuracy")]
        assert row[["low", "high"]].to_numpy(float)[0] == pytest.approx(bounds, abs=1e-6)


def test_runs_on_other_lesions_are_shown_and_not_compared(there: Path) -> None:
    skinfw("evaluate", "run2", "--part", "val", "--out", "out/val")
    words = ("--number", "accuracy", "--replicates", "100", "--out", "out")
    said = skinfw("compare", "run1", "out/val", *words).output
    assert "note: val cannot be compared with run1" in said and " p " not in said


def test_a_number_that_nobody_measures_is_refused(there: Path) -> None:
    said = skinfw("compare", "run1", "run2", "--number", "beauty", code=2).output
    assert "measures beauty" in said and "it has balanced_accuracy" in said
    assert "one run cannot be compared" in skinfw("compare", "run1", code=2).output


def test_a_submission_is_as_the_challenges_take_it(there: Path) -> None:
    other(there, ["MEL", "NV"], ["x1", "x2"])
    said = skinfw("predict", "run1", "other.csv", "--submission", "--out", "out.csv").output
    assert "the table is a submission to isic2019: 2 images" in said
    table = pd.read_csv(there / "out.csv")
    classes = json.loads((there / "run1/run.json").read_text())["classes"]
    assert list(table.columns) == ["image", *CLASSES_2019, "UNK"]
    assert {*classes} == {*CLASSES_2019}
    assert table["image"].tolist() == ["x1", "x2"]
    assert table[classes].sum(axis=1).to_numpy() == pytest.approx([1, 1])
