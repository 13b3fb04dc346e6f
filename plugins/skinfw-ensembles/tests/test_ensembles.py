"""`skinfw ensemble` and `skinfw soup` on small runs."""

import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image
from support import TINY, TINY_BACKBONE

import skinfw
from skinfw.cli import main
from skinfw.data.table import split_hash
from skinfw.evaluation.combination import Combination
from skinfw.inference.labelled_rows import with_modalities
from skinfw.inference.model_evaluator import ModelEvaluator
from skinfw.inference.trained_model import load_trained_model
from skinfw.recipe.places import Origin
from skinfw.recipe.plan import load_plan
from skinfw.runtime.tensor_files import load_safetensors
from skinfw.statistics.predictions import run_predictions
from skinfw.workflows.run import execute_run
from skinfw.workflows.run_folder import RunFolder
from skinfw_ensembles.weights import rank_quantiles

RUNS = {
    "one": ("seed=1",),
    "sister": ("seed=1", "optimizer.lr=3e-3"),
    "small": ("seed=2", "image.size=40"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs on the same lesions, of two learning rates and two image sizes."""
    place = tmp_path_factory.mktemp("runs")
    (place / "tiny.py").write_text(TINY_BACKBONE)
    (place / "tiny.toml").write_text(TINY)
    reports = 'report=[{use="calibration"}]'
    explainer = 'explainer=[{use="grad-cam", images=2, mistakes=0}]'
    for name, sets in RUNS.items():
        common = ("split.seed=3", "train.epochs=1", "dataset.images=160", explainer, reports)
        plan = load_plan(place / "tiny.toml", (*common, *sets))
        run = RunFolder.create(place, plan, name)
        assert execute_run(plan, run, lambda _: None)
    (place / "images").mkdir()
    for path in load_plan(place / "one").dataset.table().rows["path"].head(3):
        pixels = load_plan(place / "one").dataset.image(path)  # type: ignore[attr-defined]
        Image.fromarray(pixels).save(place / "images" / f"{Path(path).stem}.png")
    return place


@pytest.fixture
def there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(folder)
    yield folder
    for name in ("out", "again", "made.csv", "model.onnx"):
        path = folder / name
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def ensemble(folder: Path) -> Path:
    """An ensemble of two runs whose networks see images in one size."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        command("ensemble", "one", "sister", "--out", "both", "--trust")
    return folder / "both"


def command(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, list(words))
    assert result.exit_code == code, result.output
    return result


def answers(file: Path) -> pd.DataFrame:
    table = pd.read_csv(file, index_col="id")
    return table.drop(columns=["true", "predicted", "path"], errors="ignore")


def record(run: Path) -> Any:
    return json.loads((run / "run.json").read_text())


@pytest.mark.slow
def test_an_ensemble_of_one_run_is_the_run_to_the_last_bit(there: Path) -> None:
    command("ensemble", "one", "--out", "out", "--trust")
    for name in ("predictions.csv", "predictions_val.csv", "metrics.json", "intervals.json"):
        assert (there / "out" / name).read_bytes() == (there / "one" / name).read_bytes()
    assert record(there / "out")["calibration"] == record(there / "one")["calibration"]
    own = run_predictions(there / "one")
    thrice = Combination("logits", (0.2, 0.3, 0.5)).predictions([own] * 3)
    assert (thrice.probabilities == own.probabilities).all()


@pytest.mark.slow
def test_members_of_other_image_sizes_answer_each_in_its_own_way(there: Path) -> None:
    command("ensemble", "one", "small", "--out", "out", "--trust")
    parts = [answers(there / name / "predictions.csv") for name in ("one", "small")]
    together = answers(there / "out/predictions.csv")
    expected = sum(own.loc[together.index] for own in parts) / 2
    np.testing.assert_allclose(together, expected, rtol=0, atol=1e-12)
    said = command("export", "out", "--onnx", "--trust", code=1).output
    assert "look at images in different ways: [image] is not the same" in said


@pytest.mark.slow
def test_logits_and_ranks_are_averaged_as_their_formulas_say(there: Path) -> None:
    test = [run_predictions(there / name) for name in ("one", "small")]
    val = [run_predictions(there / name, "val") for name in ("one", "small")]
    parts = [own.probabilities for own in test]
    expected = np.sqrt(parts[0] * parts[1])
    found = Combination("logits", (0.5, 0.5)).predictions(test).probabilities
    np.testing.assert_allclose(found, expected / expected.sum(1, keepdims=True), atol=1e-12)
    levels = np.linspace(0, 1, 65)
    steps = [np.quantile(own.probabilities, levels, axis=0) for own in val]
    for quantiles in steps:
        quantiles[0], quantiles[-1] = 0, 1
    for place in range(parts[0].shape[1]):
        ranks = [np.interp(part[:, place], quantiles[:, place], levels)
                 for part, quantiles in zip(parts, steps, strict=True)]  # fmt: skip
        back = (steps[0][:, place] + steps[1][:, place]) / 2
        expected[:, place] = np.interp(np.mean(ranks, axis=0), levels, back)
    found = Combination("ranks", (0.5, 0.5), rank_quantiles(val)).predictions(test).probabilities
    np.testing.assert_allclose(found, expected / expected.sum(1, keepdims=True), atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["logits", "ranks"])
def test_what_is_said_of_images_of_no_class_is_said_of_them(there: Path, method: str) -> None:
    command("ensemble", "one", "small", "--combine", method, "--out", "out", "--trust")
    plan = load_plan(there / "one", trust=True)
    rows = plan.dataset.table().rows.head(12)
    evaluator = ModelEvaluator(load_trained_model(there / "out", trust=True))
    own = evaluator.predict(rows, plan.dataset)
    unknown = evaluator.predict(rows.assign(label="UNK"), plan.dataset)
    assert unknown.classes == (*own.classes, "UNK")
    assert (unknown.probabilities[:, :-1] == own.probabilities).all()
    assert (unknown.probabilities[:, -1] == 0).all()


def test_whatever_a_member_gets_beside_a_picture_is_asked_for() -> None:
    first = SimpleNamespace(pictures=("clinic",), modalities={"numbers": {"age": [0, 1]}})
    other = SimpleNamespace(pictures=("polarised",), modalities={"categories": {"site": ["back"]}})
    model: Any = SimpleNamespace(networks=(first, other))
    plan: Any = SimpleNamespace(
        components=SimpleNamespace(dataset=SimpleNamespace(sets=(), origin=Origin("x", Path())))
    )
    rows = pd.DataFrame({"clinic": ["a.png"], "polarised": ["b.png"]})
    told: list[str] = []
    found = with_modalities(rows, model, plan, told.append)
    assert list(found.columns) == ["clinic", "polarised", "age", "site"]
    assert "age, site" in told[0]
    with pytest.raises(skinfw.SkinfwError, match="no pictures in polarised"):
        with_modalities(rows[["clinic"]], model, plan, told.append)


@pytest.mark.slow
def test_evaluate_compare_predict_export_and_python_say_the_same(
    ensemble: Path, there: Path
) -> None:
    own = answers(ensemble / "predictions.csv")
    command("evaluate", "both", "--out", "out", "--trust")
    np.testing.assert_allclose(
        answers(there / "out/predictions.csv").loc[own.index], own, atol=1e-7
    )
    command("predict", "both", "images", "--raw", "--out", "made.csv", "--trust")
    by_torch = answers(there / "made.csv")
    members = []
    for name in ("one", "sister"):
        command("predict", name, "images", "--raw", "--out", "made.csv", "--trust")
        members.append(answers(there / "made.csv"))
    np.testing.assert_allclose(by_torch, (members[0] + members[1]) / 2, atol=1e-7)
    words = ("--runtime", "onnx", "--raw", "--out", "made.csv", "--trust")
    command("predict", "both", "images", *words)
    np.testing.assert_allclose(answers(there / "made.csv"), by_torch, atol=1e-5)
    model = skinfw.load("both", trust=True)
    found = model.predict(sorted((there / "images").iterdir()), calibrate=False, maps=True)
    np.testing.assert_allclose(found.probabilities, by_torch, atol=1e-7)
    assert found.maps is not None and found.maps.max(axis=(1, 2)) == pytest.approx(1.0)
    with pytest.raises(skinfw.SkinfwError, match="several networks"):
        model.network  # noqa: B018
    said = command("compare", "one", "both", "--out", "out/compared", "--replicates", "100").output
    assert "both" in said
    (ensemble / "model.onnx").unlink()


@pytest.mark.slow
def test_the_folder_verifies_is_packed_and_cannot_be_trained(ensemble: Path, there: Path) -> None:
    said = command("verify", "both", "--trust").output
    assert "members/1/best.safetensors" in said and "nothing in the run derives it" in said
    command("pack", "both", "--out", "out.zip")
    with zipfile.ZipFile(there / "out.zip") as archive:
        assert "run/members/2/best.safetensors" in archive.namelist()
    (there / "out.zip").unlink()
    assert "was made of other runs" in command("run", "both", "--trust", code=2).output
    tables = record(ensemble)
    assert [own["name"] for own in tables["members"]] == ["one", "sister"]
    assert tables["status"] == "done" and tables["calibration"]["temperature"]
    assert "calibration.json" in tables["checksums"] and not (ensemble / "history.csv").exists()


@pytest.mark.slow
def test_a_damaged_member_is_told(ensemble: Path, there: Path) -> None:
    shutil.copytree(ensemble, there / "out")
    file = there / "out/members/2/best.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert "members/2/best.safetensors" in command("verify", "out", "--trust", code=1).output
    said = command("predict", "out", "images", "--trust", code=1).output
    assert "members/2" in said and "the checksum of its weights is another" in said
    file.unlink()
    said = command("predict", "out", "images", code=1).output
    assert "members/2" in said and "its run.json or its weights are gone" in said
    assert "skinfw ensemble" in said


@pytest.mark.slow
def test_only_lesions_that_no_run_has_learned_are_measured(folder: Path, there: Path) -> None:
    if not (folder / "other").exists():
        plan = load_plan(folder / "one", ["split.seed=4"], trust=True)
        plan = load_plan(plan.resolved() | {"evaluate": {"replicates": 0}}, trust=True)
        assert execute_run(plan, RunFolder.create(folder, plan, "other"), lambda _: None)
    said = command("ensemble", "one", "other", "--out", "out", "--trust").output
    splits = [pd.read_csv(folder / name / "splits.csv", dtype=str) for name in ("one", "other")]
    part = [own.set_index("id")["part"] for own in splits]
    mine = pd.read_csv(there / "out/splits.csv", dtype=str).set_index("id")["part"]
    learned = (part[0] == "train") | (part[1] == "train").reindex(part[0].index)
    assert (mine[learned] == "train").all()
    assert (mine[mine == "test"].index.map(part[0]) == "test").all()
    assert (mine[mine == "test"].index.map(part[1]) == "test").all()
    assert "no test part is left" in said
    assert any("no test part is left" in mark for mark in record(there / "out")["marks"])
    assert not (there / "out/predictions.csv").exists()
    refused = command(
        "ensemble", "one", "other", "--weights", "validation", "--out", "again", "--trust", code=2
    )
    assert "share no validation lesions" in refused.output


@pytest.mark.slow
def test_an_ensemble_whose_images_are_all_learned_evaluates_nothing(
    ensemble: Path, there: Path
) -> None:
    shutil.copytree(ensemble, there / "out")
    division = pd.read_csv(there / "out/splits.csv", dtype=str).assign(part="train")
    division.to_csv(there / "out/splits.csv", index=False)
    told = {**record(there / "out"), "split_hash": split_hash(division)}
    (there / "out/run.json").write_text(json.dumps(told))
    said = command("evaluate", "out", "--trust", code=1).output
    assert 'no image is left for the part "test"' in said and "--dataset" in said


@pytest.mark.slow
def test_a_refit_has_learned_more_and_takes_part_where_that_is_wanted(there: Path) -> None:
    shutil.copytree(there / "one", there / "out")
    shutil.copyfile(there / "small/best.safetensors", there / "out/refit.safetensors")
    told = record(there / "out")
    told["refit"] = {
        "on": "train+val", "epochs": 1, "images": 100, "lesions": 50,
        "class_counts": told["class_counts"], "weights": "refit.safetensors",
    }  # fmt: skip
    (there / "out/run.json").write_text(json.dumps(told))
    command("ensemble", "out", "--out", "again", "--trust")
    own, other = answers(there / "again/predictions.csv"), answers(there / "one/predictions.csv")
    assert own.equals(other.loc[own.index])
    assert (there / "again/predictions_val.csv").exists()
    shutil.rmtree(there / "again")
    said = command("ensemble", "out", "--network", "refit", "--out", "again", "--trust").output
    assert "no validation part is left" in said
    assert not (there / "again/predictions_val.csv").exists()
    assert not answers(there / "again/predictions.csv").equals(own)
    assert (there / "again/members/1/refit.safetensors").exists()


@pytest.mark.slow
def test_what_cannot_answer_as_one_is_refused(ensemble: Path, there: Path) -> None:
    assert (
        "exists already" in command("ensemble", "one", "--out", "small", "--trust", code=2).output
    )
    said = command("ensemble", "one", "both", "--out", "out", "--trust", code=2).output
    assert "both is an ensemble already" in said
    said = command("evaluate", "both", "--network", "refit", "--trust", code=1).output
    assert "an ensemble has no refit" in said
    shutil.copytree(there / "one", there / "again")
    said = command("ensemble", "one", "again", "--out", "out", "--trust", code=2).output
    assert "again and one are the same network" in said
    shutil.rmtree(there / "again")
    shutil.copytree(there / "small", there / "out")
    changed = record(there / "out")
    changed["classes"] = changed["classes"][::-1]
    (there / "out/run.json").write_text(json.dumps(changed))
    said = command("ensemble", "one", "out", "--out", "again", "--trust", code=2).output
    assert "answer different classes" in said
    assert not (there / "again").exists()


@pytest.mark.slow
def test_a_soup_of_one_run_is_the_run_and_of_two_their_mean(there: Path) -> None:
    command("soup", "one", "--out", "out", "--trust")
    for name in ("predictions.csv", "metrics.json"):
        assert (there / "out" / name).read_bytes() == (there / "one" / name).read_bytes()
    command("soup", "one", "sister", "--out", "again", "--trust")
    weights = [load_safetensors(there / name / "best.safetensors", "")
               for name in ("one", "sister", "again")]  # fmt: skip
    for name in ("0.weight", "6.bias"):
        expected = (weights[0][name].double() + weights[1][name].double()) / 2
        assert (weights[2][name].double() - expected).abs().max() < 1e-7
    evaluator = ModelEvaluator(load_trained_model(there / "again", trust=True))
    plan = load_plan(there / "one", trust=True)
    splits = pd.read_csv(there / "one/splits.csv", dtype=str).set_index("id")["part"]
    rows = plan.dataset.table().rows
    train = rows[rows["id"].map(splits) == "train"].reset_index(drop=True)
    train = train.head(len(train) - (len(train) % 16 == 1))  # one image has no variance
    images = evaluator._images(train, plan.dataset, first=True).batch(range(len(train))).images
    network = evaluator.network
    with torch.no_grad():
        maps = network[0](evaluator._hardware.normaliser(network)(images.flatten(0, 1)))  # type: ignore[operator, index]
    sister = shutil.copytree(there / "sister", there / "out" / "sister")
    with (sister / "splits.csv").open("a") as file:
        file.write("new,:new,:new,NV,train\n")  # without a label, as a student learns them
    said = command("soup", "one", "out/sister", "--out", "out/soup", "--trust", code=2).output
    assert "has learned 1 images that are not in its data set" in said
    assert weights[2]["1.running_mean"].allclose(maps.mean((0, 2, 3)), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_a_soup_adjusts_its_answers_by_the_classes_that_it_has_learned(there: Path) -> None:
    for name in ("one", "sister"):
        shutil.copytree(there / name, there / "out" / name)
        told = record(there / "out" / name)
        told["recipe"]["view"]["logit_adjustment"] = 0.5
        told["class_counts"]["MEL"] *= 20  # as if its own division were another
        (there / "out" / name / "run.json").write_text(json.dumps(told))
    command("soup", "out/one", "out/sister", "--out", "again", "--trust")
    command("evaluate", "again", "--out", "out/evaluation", "--trust")
    own, other = (answers(there / name / "predictions.csv") for name in ("again", "out/evaluation"))
    np.testing.assert_allclose(other.loc[own.index], own, atol=1e-7)


@pytest.mark.slow
def test_a_greedy_soup_takes_what_helps_and_strangers_are_refused(there: Path) -> None:
    said = command("soup", "one", "sister", "--greedy", "--out", "out", "--trust").output
    assert "begins: validation balanced_accuracy" in said
    assert ("joins" in said) != ("stays out" in said)
    assert len(record(there / "out")["members"]) == (2 if "joins" in said else 1)
    said = command("soup", "one", "small", "--out", "again", "--trust", code=2).output
    assert "small and one do not share a start" in said and not (there / "again").exists()
