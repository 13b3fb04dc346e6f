import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from skinfw.registry.catalog import Catalog
from skinfw_catalog.schema import draft4, recipe_schema

RECIPES = sorted((Path(__file__).parents[3] / "recipes").glob("*.toml"))


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return recipe_schema(Catalog())


def errors(schema: dict[str, Any], text: str) -> list[Any]:
    return list(jsonschema.Draft4Validator(schema).iter_errors(tomllib.loads(text)))


def test_it_is_a_draft_4_schema(schema: dict[str, Any]) -> None:
    jsonschema.Draft4Validator.check_schema(schema)
    text = json.dumps(schema)
    for newer in ('"const"', '"prefixItems"', '"$defs"'):
        assert newer not in text


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.stem)
def test_the_recipes_of_the_project_satisfy_it(schema: dict[str, Any], recipe: Path) -> None:
    text = recipe.read_text()
    if "extends" in tomllib.loads(text):
        text = text.replace("[sampler]", '[sampler]\nuse = "kmeans-hybrid"')
    assert not errors(schema, text)


@pytest.mark.parametrize(
    "text",
    [
        '[sampler]\nuse = "kmeans-hybird"',
        '[sampler]\nuse = "power"\nq = 7',
        '[sampler]\nuse = "power"\nqq = 0',
        "[train]\nepochs = 0",
        "[trian]\nepochs = 3",
        '[backbone]\nuse = "timm/densenet12"',
        "[metric]\nuse = 3",
    ],
)
def test_what_check_refuses_the_editor_underlines(schema: dict[str, Any], text: str) -> None:
    assert errors(schema, text)


def test_completion_offers_names_variants_and_meanings(schema: dict[str, Any]) -> None:
    samplers = schema["properties"]["sampler"]["anyOf"]
    names = [name for table in samplers for name in table["properties"]["use"].get("enum", [])]
    assert {"kmeans-hybrid", "samplers:kmeans-hybrid", "shuffle"} <= set(names)
    backbones = schema["properties"]["backbone"]["anyOf"]
    names = [name for table in backbones for name in table["properties"]["use"].get("enum", [])]
    assert {"timm/densenet121.tv_in1k", "torchvision/resnet18", "lite/efficientnet-lite0"} <= set(
        names
    )
    assert schema["properties"]["train"]["properties"]["epochs"]["description"]


def test_exclusive_bounds_are_booleans_in_draft_4() -> None:
    assert draft4({"type": "number", "exclusiveMinimum": 0}) == {
        "type": "number",
        "minimum": 0,
        "exclusiveMinimum": True,
    }
