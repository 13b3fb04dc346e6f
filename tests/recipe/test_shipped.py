"""Recipes that skinfw brings, by their names."""

from pathlib import Path

import pytest
from support import ROOT, Run

from skinfw.errors import RecipeError
from skinfw.recipe.loading import load_recipe
from skinfw.recipe.plan import load_plan
from skinfw.recipe.shipped import shipped_recipes

NAMES = sorted(file.stem for file in (ROOT / "recipes").glob("*.toml"))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_all_recipes_of_the_project_are_there() -> None:
    assert list(shipped_recipes()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_name_reads_the_file_and_all_that_it_extends(name: str) -> None:
    by_name = load_recipe(Path(name))
    assert by_name.data == load_recipe(ROOT / "recipes" / f"{name}.toml").data
    assert by_name.name == name


def test_data_of_a_shipped_recipe_lie_in_the_current_folder(tmp_path: Path) -> None:
    for name in ("isic2019_densenet", "isic2019_densenet_asis"):
        plan = load_plan(Path(name))
        assert plan.components.dataset.arguments["root"] == tmp_path / "data" / "ISIC_2019"
    by_path = load_plan(ROOT / "recipes" / "isic2019_densenet.toml")
    assert by_path.components.dataset.arguments["root"] == ROOT / "data" / "ISIC_2019"


def test_what_is_set_stays_relative_to_the_current_folder(tmp_path: Path) -> None:
    plan = load_plan(Path("isic2019_densenet"), ["dataset.root=mine"])
    assert plan.components.dataset.arguments["root"] == tmp_path / "mine"


def test_a_file_or_folder_of_that_name_comes_first(tmp_path: Path) -> None:
    (tmp_path / "quickstart").write_text("seed = 77\n")
    assert load_recipe(Path("quickstart")).data["seed"] == 77
    (tmp_path / "isic2019_yao").mkdir()
    with pytest.raises(RecipeError, match="isic2019_yao is no run folder"):
        load_recipe(Path("isic2019_yao"))


def test_the_folder_of_several_seeds_says_which_folders_are_runs(tmp_path: Path) -> None:
    (tmp_path / "several" / "seed-1").mkdir(parents=True)
    (tmp_path / "several" / "seed-1" / "run.json").write_text("{}")
    with pytest.raises(RecipeError, match="several is no run folder") as raised:
        load_recipe(Path("several"))
    assert raised.value.cure.endswith("such as several/seed-1")
    assert "it holds several runs" in raised.value.cure


def test_a_path_never_means_a_shipped_recipe() -> None:
    for path in ("quickstart.toml", "recipes/quickstart"):
        with pytest.raises(RecipeError, match=f"there is no recipe {path}"):
            load_recipe(Path(path))


def test_an_unknown_name_lists_what_there_is_and_suggests(skinfw: Run, tmp_path: Path) -> None:
    done = skinfw("run", "isic2019_densnet")
    assert done.returncode == 2
    assert 'there is no recipe "isic2019_densnet"' in done.stderr
    assert 'did you mean "isic2019_densenet"?' in done.stderr
    for name in NAMES:
        assert name in done.stderr
    (tmp_path / "moles.toml").touch()
    assert 'did you mean "moles.toml"?' in skinfw("check", "moles").stderr


def test_commands_take_the_name_and_errors_name_the_file(skinfw: Run) -> None:
    assert skinfw("check", "quickstart").returncode == 0
    done = skinfw("check", "quickstart", "--set", "requires=['skinfw>=99']")
    assert "--set requires" in done.stderr
    blocked = skinfw("check", "quickstart", SKINFW_BLOCK="synthetic")
    assert f"{ROOT}/recipes/quickstart.toml:" in blocked.stderr


def test_a_recipe_extends_a_shipped_one_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('extends = "quickstart"\n[train]\nepochs = 3\n')
    recipe = load_recipe(tmp_path / "mine.toml")
    assert recipe.data["train"]["epochs"] == 3 and recipe.data["dataset"]["use"] == "synthetic"
    (tmp_path / "mine.toml").write_text('extends = "quickstrt"\n')
    with pytest.raises(RecipeError, match="does not exist"):
        load_recipe(tmp_path / "mine.toml")
