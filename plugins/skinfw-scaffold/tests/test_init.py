"""`skinfw init` writes a recipe that passes, whatever is answered."""

import shutil
import sys
from itertools import product
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from support import Run, Site
from terminal import run_in_terminal

from skinfw.cli import main
from skinfw.recipe.plan import load_plan
from skinfw_scaffold.starting_recipe import DATASETS, GOALS, MACHINES


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of one's own: a folder for each class, and a CSV."""
    folder = tmp_path_factory.mktemp("own")
    for label in ("Melanoma", "naevus"):
        (folder / "images" / label).mkdir(parents=True)
        cv2.imwrite(str(folder / "images" / label / "a.png"), np.zeros((8, 8, 3), np.uint8))
    (folder / "images.csv").write_text("path,label\na.png,MEL\nb.png,NV\n")
    return folder


@pytest.mark.parametrize(("dataset", "machine", "goal"), list(product(DATASETS, MACHINES, GOALS)))
def test_every_combination_passes(
    dataset: str, machine: str, goal: str, own: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(own)
    file = tmp_path / "recipes" / "mine.toml"
    words = ["init", "--dataset", dataset, "--machine", machine, "--goal", goal, "--yes"]
    done = CliRunner().invoke(main, [*words, "--out", str(file)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    checked = CliRunner().invoke(main, ["check", str(file)], catch_exceptions=False)
    assert checked.exit_code == 0, checked.output
    plan = load_plan(file)
    assert plan.components.dataset.use == dataset
    select = {"balanced-accuracy": "balanced_accuracy", "accuracy": "accuracy"}
    melanoma = "Melanoma" if dataset == "folder" else "MEL"
    assert plan.train.select == select.get(goal, f"auc/{melanoma}")
    assert (plan.components.weighting is not None) == (goal == "melanoma")
    assert plan.image.size == {"laptop": 192, "gpu": 288}[machine]
    assert sum(line.startswith("#") for line in file.read_text().splitlines()) >= 4
    assert len(file.read_text().splitlines()) <= 100
    if DATASETS[dataset].root:  # the recipe's paths start from its own folder
        (place,) = {"root", "file"} & plan.components.dataset.table().keys()
        found = plan.components.dataset.table()[place]
        assert Path(found).resolve() == (own / DATASETS[dataset].root).resolve()


def test_the_answers_are_asked_for_and_asked_again(site: Site, tmp_path: Path, own: Path) -> None:
    (tmp_path / "my.toml").write_text("kept")
    answers = ["folder", "nowhere", str(own / "images"), "cpu", "laptop", "", "my", "other", ""]
    words, environment = (sys.executable, "-m", "skinfw", "init"), site.environment()
    code, said = run_in_terminal(words, tmp_path, environment, 200, "\n".join(answers))
    assert code == 0, said
    assert "there is no folder nowhere" in said and "one of laptop, gpu" in said
    assert "my.toml exists already" in said and "skinfw run other.toml" in said
    assert (tmp_path / "my.toml").read_text() == "kept"
    assert load_plan(tmp_path / "other.toml").classes == ("Melanoma", "naevus")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--dataset", "synthetic"], "--machine is not given"),
        (["--dataset", "synthetic", "--root", "x", "--yes"], "synthetic has no files"),
        (["--dataset", "folder", "--root", "x", "--yes"], "there is no folder x"),
        (["--dataset", "csv", "--yes"], "there is no file images.csv"),
        (["--yes"], "my.toml exists already"),
        (["--dataset", "folder", "--root", "few", "--yes", "--out", "a"], "needs two"),
        (["--yes", "--out", "a\x1b[2J"], "--out cannot stand in a recipe"),
        (["--dataset", "isic2018", "--root", "a\nb", "--yes"], "--root cannot stand in a recipe"),
        (["--dataset", "csv", "--root", "o.csv", "--goal", "melanoma", "--yes", "--out", "a"],
         "no class is melanoma"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_nothing_is_written(
    words: list[str], says: str, skinfw: Run, tmp_path: Path
) -> None:
    (tmp_path / "my.toml").write_text("kept")
    (tmp_path / "few" / "MEL").mkdir(parents=True)
    (tmp_path / "o.csv").write_text("path,label\na.png,BCC\nb.png,NV\n")
    done = skinfw("init", *words)
    assert done.returncode in (1, 2) and says in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 4
    assert (tmp_path / "my.toml").read_text() == "kept" and not (tmp_path / "a.toml").exists()


def test_absent_data_are_fetched_first(skinfw: Run, tmp_path: Path) -> None:
    said = skinfw("init", "--dataset", "isic2018", "--yes", "--out", "a").stdout
    assert said.index("skinfw data fetch isic2018 --root data/ISIC_2018") < said.index("skinfw run")
    (tmp_path / "data" / "ISIC_2018").mkdir(parents=True)
    assert "fetch" not in skinfw("init", "--dataset", "isic2018", "--yes", "--out", "b").stdout
    by_hand = skinfw("init", "--dataset", "derm7pt", "--yes", "--out", "c").stdout
    assert "put the files of derm7pt into data/Derm7PT/release_v0" in by_hand


def test_paths_may_hold_quotes(tmp_path: Path, own: Path) -> None:
    place = tmp_path / 'my "best" images'
    shutil.copytree(own / "images", place)
    words = ["init", "--dataset", "folder", "--root", str(place), "--yes", "--out"]
    file = tmp_path / "a.toml"
    assert CliRunner().invoke(main, [*words, str(file)]).exit_code == 0
    assert load_plan(file).components.dataset.table()["root"] == str(place)
