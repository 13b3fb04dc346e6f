"""`skinfw explain` as a user sees it, and methods named in Python."""

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from support import TINY, TINY_BACKBONE, Run

import skinfw as package
from skinfw import RecipeError, SkinfwError
from skinfw.inference.maps import named_explainer
from skinfw.inference.torch_model import TorchPredictor
from skinfw.inference.trained_model import load_trained_model
from skinfw.recipe.plan import load_plan
from skinfw.toolkit import whole_percent
from skinfw.workflows.run import execute_run
from skinfw.workflows.run_folder import RunFolder
from skinfw_explain.explanations import answer_lines, choose_explainers
from skinfw_explain.sheet import SheetRow, draw_overlay, draw_sheet
from skinfw_explain.summary import summarize_map


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose recipe explains by a baseline, with a parameter."""
    place = tmp_path_factory.mktemp("runs")
    (place / "tiny.py").write_text(TINY_BACKBONE)
    (place / "tiny.toml").write_text(TINY)
    few = (
        "train.limit_batches=1",
        "train.epochs=1",
        'explainer=[{use="centred-gaussian", width=0.4}]',
    )
    plan = load_plan(place / "tiny.toml", few)
    folder = RunFolder.create(place, plan)
    execute_run(plan, folder, lambda _: None)
    return folder.path


@pytest.fixture(scope="module")
def predictor(run: Path) -> TorchPredictor:
    return TorchPredictor(load_trained_model(run, (), True))


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    folder = tmp_path / "photographs"
    folder.mkdir()
    for name in ("a", "b"):
        pixels = np.random.default_rng(ord(name)).integers(0, 255, (48, 64, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return folder


def picture_size(file: Path) -> tuple[int, int]:
    with Image.open(file) as picture:
        return picture.size


def test_it_writes_maps_pictures_a_sheet_and_a_table(
    run: Path, photographs: Path, skinfw: Run, tmp_path: Path
) -> None:
    (photographs / "c.jpg").write_bytes(b"no image")
    earlier = [tmp_path / "looked" / f"sheet-{number}.png" for number in (1, 2, 3)]
    earlier[0].parent.mkdir()
    for file in earlier:
        file.write_bytes(b"of an earlier call")
    done = skinfw(
        "explain", str(run), "photographs", "--trust", "--method", "grad-cam,random-map",
        "--out", "looked",
    )  # fmt: skip
    assert done.returncode == 1 and "c.jpg" in done.stderr
    assert "3 images, 1 of them failed" in done.stdout
    folder = tmp_path / "looked"
    table = pd.read_csv(folder / "explanations.csv")
    assert list(zip(table.id, table.method, strict=True)) == [
        ("a", "grad-cam"), ("a", "random-map"), ("b", "grad-cam"), ("b", "random-map"),
    ]  # fmt: skip
    assert pd.read_csv(folder / "failed.csv").id.tolist() == ["c"]
    model = package.load(run, trust=True)
    answers = model.predict([photographs / "a.png", photographs / "b.png"], maps="random-map")
    assert answers.maps is not None
    for place, name in enumerate("ab"):
        heat = np.load(folder / "random-map" / f"{name}.npy")
        assert heat.dtype == np.float32 and np.array_equal(heat, answers.maps[place])
        assert picture_size(folder / "random-map" / f"{name}.png") == heat.shape[::-1]
        rows = table[table.id == name]
        assert rows["class"].unique() == [answers.predicted[place]]
        assert rows.probability.iloc[0] == pytest.approx(answers.probabilities[place].max(), 1e-6)
        told = summarize_map(heat)
        assert rows.peak_x.iloc[1] == pytest.approx(told.peak_x, abs=1e-4)
    assert min(picture_size(folder / "sheet-1.png")) > 200
    assert not any(file.exists() for file in earlier[1:])


def test_without_a_method_it_asks_the_explainer_of_the_recipe_for_the_class(
    run: Path, photographs: Path, skinfw: Run, tmp_path: Path
) -> None:
    name = load_trained_model(run, (), True).classes[-1]
    (tmp_path / "explanations").mkdir()
    (tmp_path / "explanations" / "failed.csv").write_text("id,path,reason\nold,old.jpg,gone\n")
    done = skinfw("explain", str(run), "photographs/a.png", "--trust", "--class", name)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "explanations" / "explanations.csv")
    assert table[["method", "class"]].values.tolist() == [["centred-gaussian", name]]
    assert table[["peak_x", "peak_y"]].to_numpy() == pytest.approx(0.5, abs=0.02)
    assert not (tmp_path / "explanations" / "failed.csv").exists()


@pytest.mark.parametrize(
    ("chance", "text"),
    [(0, "0%"), (1e-9, "<1%"), (0.0049, "<1%"), (0.006, "1%"), (0.994, "99%"), (0.996, ">99%"),
     (1, "100%")],
)  # fmt: skip
def test_no_class_is_said_to_be_impossible_or_certain_that_is_not(chance: float, text: str) -> None:
    assert whole_percent(chance) == text


@pytest.mark.parametrize(
    ("names", "layer", "what", "cure"),
    [
        (["grad-cm"], "", 'no explainer is called "grad-cm"', "grad-cam"),
        (["layer-cam"], "nowhere", 'no layer "nowhere"', "name one of"),
        (["rise"], "0", 'the explainer "rise" does not take this', "skinfw show explainer rise"),
        (["layer-cam"], "auto", "a layer is chosen once", "leave out --layer"),
        (["attention-rollout"], "", "does not fit this network", "grad-cam or rise"),
    ],
)
def test_what_cannot_be_explained_is_told_with_its_cure(
    names: list[str], layer: str, what: str, cure: str, predictor: TorchPredictor
) -> None:
    with pytest.raises(RecipeError, match=what) as error:
        choose_explainers(predictor, names, layer)
    assert cure in error.value.cure
    assert (f"--layer {layer}" if layer else f"--method {names[0]}") in error.value.where


def test_a_class_that_does_not_exist_is_told_before_anything_is_written(
    run: Path, photographs: Path, skinfw: Run, tmp_path: Path
) -> None:
    done = skinfw("explain", str(run), "photographs", "--trust", "--class", "NONE")
    assert done.returncode == 2 and 'the network has no class "NONE"' in done.stderr
    assert len(done.stderr.strip().splitlines()) == 4
    assert not (tmp_path / "explanations").exists()


def test_without_captum_the_line_for_pip_is_told(
    predictor: TorchPredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "captum", None)
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(SkinfwError) as error:
        choose_explainers(predictor, ["occlusion"], "")
    assert "pip install 'skinfw[explain]'" in error.value.cure


def test_the_recipe_s_parameters_are_kept_and_a_layer_is_changed(run: Path) -> None:
    model = load_trained_model(run, (), True)
    assert named_explainer(model, "centred-gaussian", "a test").arguments == {"width": 0.4}
    assert named_explainer(model, "layer-cam", "a test", "0").arguments == {"layer": "0"}
    with pytest.raises(RecipeError, match="does not take this") as error:
        named_explainer(model, "centred-gaussian", "a test", "0")
    assert error.value.where == "a test"


def test_numbers_of_a_map_are_what_they_say() -> None:
    even = summarize_map(np.ones((100, 100), np.float32))
    assert (even.in_centre, even.at_border, even.area) == pytest.approx((0.25, 0.36, 1.0))
    heat = np.zeros((100, 200), np.float32)
    heat[20:30, 150:170] = 1.0
    own = summarize_map(heat)
    assert (own.peak_x, own.peak_y) == pytest.approx((0.8, 0.25), abs=0.03)
    assert (own.in_centre, own.at_border) == pytest.approx((0.0, 0.0))
    assert own.area == pytest.approx(200 / 20_000)
    assert np.isnan(summarize_map(np.zeros((10, 10), np.float32)).peak_x)


def test_a_dark_map_leaves_the_image_as_it_is() -> None:
    image = np.random.default_rng(0).integers(0, 255, (20, 20, 3)).astype(np.uint8)
    assert np.array_equal(draw_overlay(image, np.zeros((20, 20), np.float32)), image)


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="no file can be called so there")
def test_a_file_may_be_called_anything(
    run: Path, photographs: Path, skinfw: Run, tmp_path: Path
) -> None:
    (photographs / "a.png").rename(photographs / "a\nline\x1b[2J.png")
    (photographs / "b.png").rename(photographs / os.fsdecode(b"no text \xff.png"))
    done = skinfw("explain", str(run), "photographs", "--trust", "--out", "looked")
    assert done.returncode == 0 and "\x1b" not in done.stdout + done.stderr
    table = pd.read_csv(tmp_path / "looked" / "explanations.csv")
    assert sorted(table.id) == ["a\nline\x1b[2J", r"no text \udcff"]
    assert len(list((tmp_path / "looked" / "centred-gaussian").glob("*.npy"))) == 2
    assert (tmp_path / "looked" / "sheet-1.png").is_file()
    done = skinfw("predict", str(run), "photographs", "--trust", "--out", "table.csv")
    assert done.returncode == 0 and len(pd.read_csv(tmp_path / "table.csv")) == 2


def test_a_sheet_holds_every_image_and_its_maps() -> None:
    image = np.full((32, 32, 3), 200, np.uint8)
    heat = np.zeros((32, 32), np.float32)
    rows = [SheetRow(("one", "A 90%"), image, [("grad-cam: A", heat)]) for _ in range(4)]
    sheet = np.asarray(draw_sheet(rows, ["title"]))
    narrow = np.asarray(draw_sheet(rows[:1], ["title"]))
    wrapped = np.asarray(draw_sheet(rows[:1], ["title", "a notice that nobody may miss " * 4]))
    assert len(wrapped) >= len(narrow) + 2 * 19, "a line that is too long goes on below"
    tiles = (np.abs(sheet.astype(int) - 200).max(2) <= 1).sum() / 208**2
    assert tiles == pytest.approx(8, abs=0.05)


def test_a_sheet_tells_where_an_image_may_show_none_of_the_classes() -> None:
    chances = np.array([0.2, 0.5, 0.001, 0.299])
    classes = ("A", "B", "C", "D")
    assert answer_lines(classes, chances, None) == ["B 50%, D 30%, A 20%"]
    assert answer_lines(classes, chances, True)[1:] == ["may show none of the classes"]
    assert answer_lines(classes, chances, False)[1:] == [""]
