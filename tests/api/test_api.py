"""From Python, skinfw does what the command line does, with the same numbers and errors."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support import TINY_BACKBONE, Run

import skinfw as sk
from skinfw.registry.discovery import discover

FILES = """
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import skinfw


@dataclass(frozen=True, kw_only=True)
class Shades:
    '''Read images whose names say the class.

    root: their folder.
    '''

    root: Path
    classes = ("DARK", "LIGHT")

    def table(self):
        '''Return a row per file.'''
        files = sorted(self.root.glob("*.png"))
        rows = {
            "id": [file.stem for file in files],
            "path": [str(file) for file in files],
            "label": [file.stem.split("_")[0] for file in files],
            "lesion": [file.stem for file in files],
        }
        return skinfw.DataTable(pd.DataFrame(rows))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with images of two shades, a data set that reads them, and a tiny backbone."""
    folder = tmp_path_factory.mktemp("home")
    rng = np.random.default_rng(0)
    (folder / "images").mkdir()
    for number in range(40):
        label, middle = (("DARK", 60), ("LIGHT", 190))[number % 2]
        pixels = np.clip(rng.normal(middle, 40, (48, 64, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{label}_{number:02d}.png")
    (folder / "files.py").write_text(FILES)
    (folder / "tiny.py").write_text(TINY_BACKBONE)
    return folder


TABLES: dict[str, Any] = {
    "dataset": {"use": "./files.py:Shades", "root": Path("images")},
    "backbone": {"use": "./tiny.py:tiny"},
    "image": {"size": 32},
    "train": {"epochs": 2, "batch_size": 8},
    "evaluate": {"replicates": 20},
    "explainer": [{"use": "grad-cam", "images": 2}],
}


@pytest.fixture(scope="module")
def done(home: Path) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        said: list[str] = []
        run = sk.run(TABLES, say=said.append, train={"epochs": 1}, seed=3)
        assert any(line.startswith("epoch 1 ") for line in said)
        return run


@pytest.fixture(autouse=True)
def at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)


def images(home: Path) -> list[str]:
    return sorted(str(file) for file in (home / "images").glob("*.png"))


def test_arguments_are_laid_over_the_tables(done: Any) -> None:
    assert len(done.history) == 1 and done.result.record["recipe"]["seed"] == 3
    assert done.result.record["recipe"]["train"]["batch_size"] == 8


def test_a_run_shows_its_headline_and_confusion_matrix(done: Any) -> None:
    page = done._repr_html_()
    assert f"{done.metrics['balanced_accuracy']:.3f}" in page and "Confusion matrix" in page
    assert str(len(done.predictions.ids)) in page


def test_predictions_are_the_command_s_bit_for_bit(done: Any, home: Path, skinfw: Run) -> None:
    answers = done.model.predict(images(home))
    out = home / "command.csv"
    command = skinfw("predict", str(done.folder.absolute()), *images(home), "--out", str(out))
    assert command.returncode == 0, command.stderr
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for place, row in enumerate(rows):
        own = [f"{value:.8f}" for value in answers.probabilities[place]]
        assert [row[name] for name in answers.classes] == own
        assert row["predicted"] == answers.predicted[place]
        assert row["prediction_set"] == " ".join(answers.prediction_sets[place])
        assert row["may_be_unknown"] == str(bool(answers.may_be_unknown[place])).lower()


def test_raw_answers_are_those_of_the_run(done: Any) -> None:
    own = done.predictions
    paths = [f"images/{name}.png" for name in own.ids]
    raw = sk.load(done).predict(paths, calibrate=False)
    assert np.abs(raw.probabilities - own.probabilities).max() < 1e-6
    assert raw.prediction_sets is None and raw.may_be_unknown is None
    warm = sk.load(done.folder).predict(paths)
    logits = np.log(own.probabilities) / done.model.calibration.temperature
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert np.abs(warm.probabilities - expected).max() < 1e-6


def test_paths_pictures_and_arrays_are_one(done: Any, home: Path) -> None:
    file = images(home)[0]
    with Image.open(file) as opened:
        picture = opened.convert("RGB")
    model = done.model
    several = model.predict([file, picture, np.asarray(picture)])
    assert several.names == [file, "image 1", "image 2"]
    assert np.array_equal(several.probabilities[0], several.probabilities[1])
    assert np.array_equal(several.probabilities[0], several.probabilities[2])
    assert np.allclose(model.predict(Path(file)).probabilities[0], several.probabilities[0])
    grey = np.asarray(picture.convert("L"))
    assert len(model.predict(grey)) == 1


def test_what_is_no_image_is_told(done: Any, tmp_path: Path, home: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"nothing")
    answers = done.model.predict([str(bad), images(home)[0]])
    assert list(answers.errors) == [str(bad)] and answers.predicted[0] == ""
    assert np.isfinite(answers.probabilities[1]).all()
    with pytest.raises(sk.RecipeError, match="array of float64"):
        done.model.predict(np.zeros((8, 8, 3)))


def test_maps_are_those_of_the_run_s_explainer(done: Any) -> None:
    (explained,) = done.result.explanations
    paths = [f"images/{name}.png" for name in explained.predictions.ids]
    answers = done.model.predict(paths, maps=True)
    assert answers.maps is not None
    assert np.abs(answers.maps - explained.maps).max() < 1e-3


def test_a_data_set_is_evaluated_as_the_run_was(done: Any) -> None:
    evaluation = done.model.evaluate("./files.py:Shades", root="images")
    everyone = dict(zip(evaluation.predictions.ids, evaluation.predictions.probabilities,
                        strict=True))  # fmt: skip
    own = done.predictions
    kept = np.stack([everyone[name] for name in own.ids])
    assert np.abs(kept - own.probabilities).max() < 1e-6
    assert evaluation.metrics.keys() == done.metrics.keys()
    assert "balanced_accuracy" in evaluation.intervals
    assert "95 %" in evaluation._repr_html_()


def test_a_view_can_be_changed(done: Any, home: Path) -> None:
    four = sk.load(done, use="dihedral")
    assert four.trained_model.view.use == "dihedral"
    assert four.predict(images(home)[0]).prediction_sets is None  # nothing was fitted for it


def test_check_returns_the_whole_recipe_and_tries_it() -> None:
    recipe = sk.check(TABLES, trial=True, loss={"use": "focal", "gamma": 3.0})
    assert "gamma = 3.0" in str(recipe) and recipe.seconds["train"] > 0
    assert "<pre>" in recipe._repr_html_()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"train": {"epochs": 0}}, "the arguments: train.epochs"),
        ({"trian": {"epochs": 1}}, "the arguments: trian"),
        ({"sampler": {"use": "powr"}}, 'did you mean "power"'),
        ({"extends": "other.toml"}, "extend no recipe"),
        ({"train": {"select": "balanced_acuracy"}}, "train.select names no number"),
    ],
)
def test_errors_are_the_command_line_s(change: dict[str, Any], says: str) -> None:
    with pytest.raises(sk.RecipeError) as caught:
        sk.check(TABLES, **change)
    assert says in str(caught.value)


def test_shipped_recipes_are_known_by_name() -> None:
    assert 'use = "synthetic"' in str(sk.check("quickstart"))


def test_lists_are_those_of_the_command_line() -> None:
    losses = sk.components("loss")
    assert "mwnl" in {own.component.name for own in losses}
    assert {own.component.kind for own in losses} == {"loss"}
    assert "<td" in losses._repr_html_()
    assert [own.name for own in sk.list_plugins()] == [own.name for own in discover()]
    with pytest.raises(sk.RecipeError, match="did you mean"):
        sk.components("los")


def test_asking_for_the_api_imports_nothing_heavy(fresh_skinfw: Run) -> None:
    import subprocess
    import sys

    code = "import sys, skinfw; skinfw.list_plugins, skinfw.run; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
