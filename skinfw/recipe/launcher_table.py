"""The launcher that a command names: `--launcher NAME` or a file with [launcher], and its keys."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from skinfw.errors import RecipeError
from skinfw.recipe.component import PlannedComponent
from skinfw.recipe.layers import merge, tables_layer
from skinfw.recipe.loading import Recipe
from skinfw.recipe.places import Origin
from skinfw.recipe.plan import plan_kind
from skinfw.recipe.recipe_file import ENDING, read_recipe_file
from skinfw.recipe.set_options import read_sets
from skinfw.registry.catalog import Catalog

if TYPE_CHECKING:
    from skinfw.interfaces.protocols import Launcher

TABLE = "launcher"


def plan_launcher(name: str, sets: Sequence[str] = ()) -> PlannedComponent[Launcher]:
    """Return a launcher, checked but not built.

    name: of the component, or a TOML file whose one table is [launcher].
    sets: texts such as `workers=2`, which are laid over it.
    Raises RecipeErrors with all problems at once.
    """
    where = f"--launcher {name}"
    if name.endswith(ENDING):
        layer = read_recipe_file(Path(name), 1)
        if others := [key for key in layer.data if key != TABLE]:
            raise RecipeError(
                f'a file of a launcher has the table [{TABLE}] alone, and no "{others[0]}"',
                layer.origins[(others[0],)].text,
                "what is computed stands in the recipe, and where in this file",
                "leave it out",
            )
    else:
        layer = tables_layer({TABLE: {"use": name}}, where, 0, names=False)
    if sets:
        layer = merge(layer, read_sets(sets, "--launcher-set", (TABLE,)))
    recipe = Recipe(TABLE, Path(name), layer.data, layer.origins, Origin(where, Path.cwd()))
    component = plan_kind(recipe, Catalog(), TABLE)
    if component is None:
        raise RecipeError(
            f"the file has no table [{TABLE}]", where, cure=f'[{TABLE}] use = "local"'
        )
    return component
