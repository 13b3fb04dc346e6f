"""A plan holds a field for each kind, and one of data needs no more than a data set."""

from dataclasses import fields
from pathlib import Path

import pytest

from skinfw.errors import RecipeError
from skinfw.interfaces.kinds import RECIPE_KINDS
from skinfw.recipe.plan import Components, load_data_plan, load_plan

DATASET = '[dataset]\nuse = "synthetic"\nimages = 80\n'


def test_every_kind_has_a_field_and_every_field_a_kind() -> None:
    assert {field.name for field in fields(Components)} == set(RECIPE_KINDS)


def test_kinds_of_which_a_recipe_names_many_are_tuples() -> None:
    for field in fields(Components):
        assert ("tuple[" in str(field.type)) == RECIPE_KINDS[field.name].many, field.name


def test_a_plan_of_data_needs_a_data_set_alone(tmp_path: Path) -> None:
    file = tmp_path / "data.toml"
    file.write_text(DATASET)
    plan = load_data_plan(file, ["seed=3"])
    assert plan.seed == 3 and plan.components.split.use and len(plan.dataset.table().rows) == 80
    with pytest.raises(RecipeError, match="names no backbone"):
        load_plan(file)


def test_a_plan_of_data_looks_at_no_network(tmp_path: Path) -> None:
    file = tmp_path / "data.toml"
    file.write_text(DATASET + '[backbone]\nuse = "acme:gone"\n[loss]\nuse = "gone"\n')
    assert load_data_plan(file).classes == load_data_plan(Path("quickstart")).classes


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "names no dataset"),
        (DATASET + "beauty = 3\n", "dataset.beauty"),
        (DATASET + "[beauty]\nx = 3\n", "unknown table"),
        (DATASET + "[sweep]\nseeds = 3\n", 'key "sweep": it is for skinfw sweep'),
        (DATASET + '[split]\nuse = "gone"\n', "no split is called"),
    ],
)
def test_what_is_wrong_with_data_is_told(tmp_path: Path, text: str, what: str) -> None:
    file = tmp_path / "data.toml"
    file.write_text(text)
    with pytest.raises(RecipeError) as error:
        load_data_plan(file)
    assert what in str(error.value)
