"""The schema accepts what check accepts, and says each mistake once."""

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from support import Run, Site

from skinfw.errors import RecipeError
from skinfw.recipe.plan import load_plan
from skinfw.registry.catalog import Catalog
from skinfw.registry.discovery import discover
from skinfw_catalog.schema import recipe_schema
from skinfw_catalog.schema_draft7 import draft7
from skinfw_catalog.schema_hints import hint

SHIPPED = sorted((Path(__file__).parents[3] / "recipes").glob("*.toml"))
WRITTEN = tomllib.loads((Path(__file__).parent / "recipes.toml").read_text())
VALID = [pytest.param(case, id=case["name"]) for case in WRITTEN["valid"]]
MISTAKES = [pytest.param(case, id=case["name"]) for case in WRITTEN["mistake"]]
REQUIRED = {
    "dataset": '[dataset]\nuse = "synthetic"\n',
    "backbone": '[backbone]\nuse = "lite/efficientnet-lite0"\n',
}
LOCAL = """
from skinfw import Draw

class Twice:
    '''Show every image twice.'''

    def draw(self, labels, context):
        return Draw(context.rng.permutation(2 * len(labels)) % len(labels))
"""
SLOW = "bridges"
"""The plugin whose libraries take seconds to import; the test with the real Taplo has it, too."""
PLUGIN = """
    from skinfw import Component, hookimpl
    SKINFW_API = 1

    @hookimpl
    def skinfw_components():
        yield Component("loss", "acme-loss@2", "acme_loss:make", "One number.")
        yield Component(
            "loss", "house", "acme_loss:member", "Losses.", variants="acme_loss:names", {more}
        )
"""
LOSS = """
    def make(classes, *, gamma: float):
        return None

    def other(classes, *, alpha: int = 1):
        return None

    def names(asked):
        return ["gamma", "alpha"]

    def member(variant):
        return make if variant == "gamma" else other
"""
Case = dict[str, Any]


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return recipe_schema(Catalog(plugin for plugin in discover() if plugin.name != SLOW))


@pytest.fixture(scope="module")
def validator(schema: dict[str, Any]) -> jsonschema.Draft7Validator:
    return jsonschema.Draft7Validator(schema)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the cases extend and name."""
    folder = tmp_path_factory.mktemp("recipes")
    for recipe in SHIPPED:
        shutil.copy(recipe, folder)
    (folder / "local.py").write_text(LOCAL)
    return folder


def whole(case: Case) -> str:
    """The recipe of a case, with what every recipe needs behind it."""
    text = str(case["recipe"])
    data = tomllib.loads(text)
    names = () if "extends" in data else REQUIRED.keys() - data.keys()
    return text + "".join(REQUIRED[name] for name in sorted(names))


def test_it_is_a_draft_7_schema(schema: dict[str, Any]) -> None:
    jsonschema.Draft7Validator.check_schema(schema)
    text = json.dumps(schema)
    for newer in ('"prefixItems"', '"$defs"'):
        assert newer not in text


@pytest.mark.parametrize("recipe", SHIPPED, ids=lambda recipe: recipe.stem)
def test_the_recipes_of_the_project_satisfy_it(
    validator: jsonschema.Draft7Validator, recipe: Path
) -> None:
    assert not list(validator.iter_errors(tomllib.loads(recipe.read_text())))


@pytest.mark.parametrize("case", VALID)
def test_what_check_accepts_satisfies_it(
    validator: jsonschema.Draft7Validator, folder: Path, case: Case
) -> None:
    assert not list(validator.iter_errors(tomllib.loads(whole(case))))
    file = folder / "case.toml"
    file.write_text(whole(case))
    load_plan(file)


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_said_once_about_what_check_refuses(
    validator: jsonschema.Draft7Validator, folder: Path, case: Case
) -> None:
    data = tomllib.loads(whole(case))
    errors = list(validator.iter_errors(data))
    assert len(errors) == 1, [error.message for error in errors]
    assert not isinstance(errors[0].instance, dict), "Taplo repeats it for each key"
    file = folder / "case.toml"
    file.write_text(whole(case))
    with pytest.raises(RecipeError):
        load_plan(file)


def test_files_for_other_commands_are_checked_by_these(
    schema: dict[str, Any], validator: jsonschema.Draft7Validator
) -> None:
    sweep = {"extends": "mine.toml", "sweep": {"trials": 8, "space": {"sampler.q": [0.0, 0.5]}}}
    league = {"league": {"recipe": "mine.toml"}, "backbone": {"small": {"use": "timm/resnet18"}}}
    for data in (sweep, league):
        assert not list(validator.iter_errors(data))
    for wrong in ({"sweep": {"method": "best"}}, {"league": {"seeds": 0}}, {"sweep": 1}):
        assert len(list(validator.iter_errors(wrong))) == 1
    (method,) = completions(schema, "sweep", "method")
    assert method["enum"] == ["grid", "random", "tpe"]


def test_a_table_of_a_command_harms_no_schema(skinfw: Run, site: Site) -> None:
    plugin = """
    from skinfw import Command, hookimpl
    SKINFW_API = 1

    @hookimpl
    def skinfw_commands():
        tables = {"acme": "acme_keys:Keys", "train": "acme_keys:Keys"}
        yield Command("acme", "acme_keys:run", "One command.", tables)
    """
    site.install("acme", plugin, acme_keys="print('hello')\nraise SystemExit(3)\n")
    schema = schema_in(skinfw)
    errors = jsonschema.Draft7Validator(schema).iter_errors
    assert not list(errors({"acme": {"any": 1}}))
    assert len(list(errors({"train": {"epochs": "ten"}}))) == 1


def test_a_schema_for_no_plugins_is_valid_too() -> None:
    schema = recipe_schema(Catalog([]))
    jsonschema.Draft7Validator.check_schema(schema)
    errors = jsonschema.Draft7Validator(schema).iter_errors({"loss": {"use": "focal"}})
    assert ["no loss has this name; there is none" in error.message for error in errors] == [True]


def test_a_plugin_that_is_installed_is_checked_like_ours(skinfw: Run, site: Site) -> None:
    site.install("acme", PLUGIN.format(more=""), acme_loss=LOSS)
    schema = schema_in(skinfw)
    for use in ("acme-loss@2", "acme:acme-loss@2"):
        assert not count(schema, {"use": use, "gamma": 1.0})
        assert count(schema, {"use": use, "gamma": "one"}) == 1
        assert count(schema, {"use": use}) == 1
    assert count(schema, {"use": "acme-loss"}) == 1


def test_variants_may_have_keys_of_their_own(skinfw: Run, site: Site) -> None:
    site.install("acme", PLUGIN.format(more="by_variant=True"), acme_loss=LOSS)
    schema = schema_in(skinfw)
    jsonschema.Draft7Validator.check_schema(schema)
    for use in ("house/alpha", "acme:house/alpha"):
        assert not count(schema, {"use": use, "alpha": 2})
        assert count(schema, {"use": use, "alpha": "two"}) == 1
        assert count(schema, {"use": use, "gamma": 1.0}) == 1
    assert count(schema, {"use": "house/gamma"}) == 1
    assert count(schema, {"use": "house"}) == count(schema, {"use": "house/beta"}) == 1
    (table,) = [one for one in completions(schema, "loss") if "properties" in one]
    assert {"alpha", "gamma"} <= set(table["properties"])
    assert "house/alpha" in schema["definitions"]["loss"]["enum"]


def schema_in(skinfw: Run) -> dict[str, Any]:
    """The schema with what a test has installed."""
    return dict(json.loads(skinfw("schema", SKINFW_BLOCK=SLOW).stdout))


def count(schema: dict[str, Any], loss: dict[str, Any]) -> int:
    return len(list(jsonschema.Draft7Validator(schema).iter_errors({"loss": loss})))


def completions(schema: dict[str, Any], *keys: str) -> Iterator[dict[str, Any]]:
    """What Taplo completes from: it follows references and every option, and no `if`."""
    if "$ref" in schema:
        raise AssertionError("a reference must be the last step")
    for option in schema.get("anyOf", ()):
        if option is not True:
            yield from completions(option, *keys)
    if not keys:
        yield schema
    elif "items" in schema:
        yield from completions(schema["items"], *keys)
    elif keys[0] in schema.get("properties", {}):
        yield from completions(schema["properties"][keys[0]], *keys[1:])


def test_completion_offers_names_with_what_they_do(schema: dict[str, Any]) -> None:
    (table,) = [one for one in completions(schema, "sampler") if "properties" in one]
    assert table["properties"]["use"] == {"$ref": "#/definitions/sampler"}
    names = schema["definitions"]["sampler"]
    docs = dict(zip(names["enum"], names["x-taplo"]["docs"]["enumValues"], strict=True))
    assert {"kmeans-hybrid", "shuffle"} <= set(docs)
    assert docs["shuffle"] == "Every image once, shuffled."
    backbones = schema["definitions"]["backbone"]["enum"]
    assert {
        "timm/densenet121.tv_in1k",
        "torchvision/resnet18",
        "lite/efficientnet-lite0",
    } <= set(backbones)


def test_completion_offers_each_key_once(schema: dict[str, Any]) -> None:
    (q,) = completions(schema, "sampler", "q")
    assert q["type"] == "number" and "power: " in q["description"]
    (only,) = completions(schema, "augment", "only")
    assert only["enum"] == ["all", "copies", "originals"] and only["default"] == "all"
    (add,) = completions(schema, "metric", "add")
    assert add["enum"] == [True]
    (epochs,) = completions(schema, "train", "epochs")
    assert epochs["description"] and epochs["default"] == 10


def test_a_key_of_several_components_is_offered_with_all_meanings() -> None:
    both = hint(
        {
            "one": {"type": "integer", "default": 1, "description": "how many."},
            "two": {"anyOf": [{"enum": ["all"], "type": "string"}], "description": "which."},
        }
    )
    assert both == {
        "type": ["integer", "string"],
        "enum": ["all"],
        "description": "one: how many.\n\ntwo: which.",
    }


def test_a_list_of_fixed_length_is_refused_at_what_is_too_much() -> None:
    pair = draft7({"type": "array", "prefixItems": [{"const": 1}], "minItems": 1, "maxItems": 1})
    errors = list(jsonschema.Draft7Validator(pair).iter_errors([1, 2]))
    assert [list(error.absolute_path) for error in errors] == [[1]]
    assert list(jsonschema.Draft7Validator(pair).iter_errors([]))


MESSAGE = re.compile(r"^error: .*\n +┌─ .*?([\w-]+)\.toml:(\d+):", re.MULTILINE)


@pytest.mark.slow
def test_the_real_taplo_says_each_mistake_once(folder: Path, tmp_path: Path) -> None:
    taplo = shutil.which("taplo")
    if taplo is None:
        pytest.skip("needs taplo: npm install --global @taplo/cli, or pip install taplo")
    (tmp_path / "schema.json").write_text(json.dumps(recipe_schema(Catalog())))
    expected: dict[str, list[str]] = {recipe.stem: [] for recipe in SHIPPED}
    for kind, cases in WRITTEN.items():
        for number, case in enumerate(cases):
            (folder / f"{kind}-{number}.toml").write_text(whole(case))
            expected[f"{kind}-{number}"] = [str(case["line"])] if kind == "mistake" else []
    done = subprocess.run(
        [taplo, "lint", "--no-auto-config", "--schema", f"file://{tmp_path}/schema.json"]
        + [f"{stem}.toml" for stem in expected],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines: dict[str, list[str]] = {stem: [] for stem in expected}
    for stem, line in MESSAGE.findall(done.stdout + done.stderr):
        lines[stem].append(line)
    assert lines == expected, done.stderr
