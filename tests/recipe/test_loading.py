import json
from pathlib import Path

import pytest

from skinfw.errors import RecipeError
from skinfw.recipe.loading import load_recipe
from skinfw.recipe.run_record import read_run


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text)
    return file


def test_a_child_overrides_keys_and_replaces_lists(tmp_path: Path) -> None:
    write(
        tmp_path,
        "base.toml",
        '[train]\nepochs = 3\nbatch_size = 8\n[[augment]]\nuse = "flip"\n[[augment]]\nuse = "x"\n',
    )
    child = write(
        tmp_path, "child.toml", 'extends = "base.toml"\n[train]\nepochs = 5\n[[augment]]\nuse="y"\n'
    )
    recipe = load_recipe(child)
    assert recipe.data["train"] == {"epochs": 5, "batch_size": 8}
    assert recipe.data["augment"] == [{"use": "y"}]
    assert recipe.origin("train", "epochs").text.endswith("child.toml:3")
    assert recipe.origin("train", "batch_size").text.endswith("base.toml:3")


def test_a_list_is_added_to_a_single_table(tmp_path: Path) -> None:
    write(tmp_path, "base.toml", '[dataset]\nuse = "folder"\nroot = "a"\n')
    child = write(
        tmp_path,
        "child.toml",
        'extends = "base.toml"\n[[dataset]]\nuse = "folder"\nroot = "b"\nadd = true\n',
    )
    recipe = load_recipe(child, ["dataset.0.root=c"])
    assert recipe.data["dataset"] == [
        {"use": "folder", "root": "c"},
        {"use": "folder", "root": "b"},
    ]
    assert recipe.origin("dataset", 0, "use").text.endswith("base.toml:2")
    assert recipe.origin("dataset", 1, "root").text.endswith("child.toml:4")


def test_a_table_that_names_another_component_starts_empty(tmp_path: Path) -> None:
    write(tmp_path, "base.toml", '[sampler]\nuse = "kmeans-hybrid"\nclusters = 35\n')
    same = write(tmp_path, "same.toml", 'extends = "base.toml"\n[sampler]\nredraw = false\n')
    other = write(tmp_path, "other.toml", 'extends = "base.toml"\n[sampler]\nuse = "power"\n')
    assert load_recipe(same).data["sampler"] == {
        "use": "kmeans-hybrid",
        "clusters": 35,
        "redraw": False,
    }
    assert load_recipe(other).data["sampler"] == {"use": "power"}


def test_a_table_valued_key_is_replaced_by_a_child_and_reached_into_by_set(tmp_path: Path) -> None:
    write(tmp_path, "base.toml", '[sampler]\nuse = "k"\ntargets = { NV = 1, MEL = 2 }\n')
    child = write(tmp_path, "c.toml", 'extends = "base.toml"\n[sampler]\ntargets = { DF = 3 }\n')
    assert load_recipe(child).data["sampler"]["targets"] == {"DF": 3}
    changed = load_recipe(child, ["sampler.targets.DF=4", "sampler.targets.NV=5"])
    assert changed.data["sampler"]["targets"] == {"DF": 4, "NV": 5}


def test_set_takes_toml_bare_words_and_list_positions(tmp_path: Path) -> None:
    recipe = write(tmp_path, "r.toml", '[[augment]]\nuse = "a"\n[[augment]]\nuse = "b"\nx = 1\n')
    loaded = load_recipe(
        recipe,
        ["dataset.root=../some/folder", "train.epochs=3", "augment.1.x=2", 'image.a="7"'],
    )
    assert loaded.data["dataset"]["root"] == "../some/folder"
    assert loaded.data["train"]["epochs"] == 3
    assert loaded.data["augment"][1] == {"use": "b", "x": 2}
    assert loaded.data["image"]["a"] == "7"
    assert loaded.origin("train", "epochs").text == "--set train.epochs=3"
    assert loaded.origin("augment", 1, "x").text == "--set augment.1.x=2"
    assert loaded.origin("augment", 0, "use").text.endswith("r.toml:2")


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"r.toml": "seed = \n"}, ["not valid TOML", "r.toml:1", "seed ="]),
        ({"r.toml": 'extends = "r.toml"\n'}, ["extends itself", "r.toml -> "]),
        (
            {"r.toml": 'extends = "b.toml"\n', "b.toml": 'extends = "r.toml"'},
            ["extends itself", "b.toml -> "],
        ),
        ({"r.toml": '\nextends = "gone.toml"\n'}, ["gone.toml", "r.toml:2", "relative to"]),
        ({"r.toml": "extends = 3\n"}, ["extends must be", "r.toml:1"]),
        ({"other.toml": ""}, ["there is no recipe", "recipes there: other.toml"]),
    ],
)
def test_unreadable_recipes_say_where_and_what_to_do(
    tmp_path: Path, texts: dict[str, str], said: list[str]
) -> None:
    for name, text in texts.items():
        write(tmp_path, name, text)
    with pytest.raises(RecipeError) as error:
        load_recipe(tmp_path / "r.toml")
    for words in said:
        assert words in str(error.value)


def test_a_set_without_a_value_is_refused(tmp_path: Path) -> None:
    recipe = write(tmp_path, "r.toml", "")
    with pytest.raises(RecipeError, match=r"needs table.key=value"):
        load_recipe(recipe, ["train.epochs"])


def test_a_diamond_lays_each_file_once(tmp_path: Path) -> None:
    write(tmp_path, "base.toml", "[train]\nepochs = 50\nbatch_size = 8\n")
    write(tmp_path, "a.toml", 'extends = "base.toml"\n[train]\nepochs = 3\n')
    write(tmp_path, "b.toml", 'extends = "base.toml"\n[image]\nsize = 64\n')
    child = write(tmp_path, "child.toml", 'extends = ["a.toml", "b.toml"]\n')
    assert load_recipe(child).data["train"]["epochs"] == 3


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    file.write_bytes(b"\xef\xbb\xbfseed = 3\n")
    assert load_recipe(file).data["seed"] == 3


@pytest.mark.parametrize(
    ("option", "said"),
    [("extends=x", "cannot change what a recipe extends"), ("augment.3.x=1", "has 1 items")],
)
def test_sets_that_cannot_be_are_refused(tmp_path: Path, option: str, said: str) -> None:
    recipe = write(tmp_path, "r.toml", '[[augment]]\nuse = "flip"\n')
    with pytest.raises(RecipeError) as error:
        load_recipe(recipe, [option])
    assert said in str(error.value)


@pytest.mark.parametrize(("version", "refused"), [("0.1.9", False), ("0.2.0", True), ("", False)])
def test_a_run_of_a_newer_version_is_refused(version: str, refused: bool, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    file.write_text(json.dumps({"recipe": {}, "versions": {"skinfw": version}}))
    if not refused:
        assert read_run(tmp_path)["versions"]["skinfw"] == version
        return
    with pytest.raises(RecipeError) as error:
        read_run(tmp_path)
    assert "made by skinfw 0.2.0" in error.value.what
    assert error.value.cure == "pip install --upgrade 'skinfw>=0.2.0'"
