"""Recipes: TOML to data, with `extends`, `--set`, and the place of every value."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from skinfw.errors import RecipeError, shorten
from skinfw.files.paths import display_path
from skinfw.interfaces.kinds import RECIPE_KINDS
from skinfw.recipe.layers import Layer, merge, tables_layer
from skinfw.recipe.limits import MOST_FILES, MOST_VALUES
from skinfw.recipe.places import Keys, Origin, nearest_origin
from skinfw.recipe.recipe_file import ENDING, place_of, read_recipe_file
from skinfw.recipe.set_options import put, read_sets
from skinfw.recipe.settings import SETTINGS
from skinfw.recipe.shipped import shipped_recipe, shipped_recipes

TOP_LEVEL = ("seed", "requires", "extends", *SETTINGS, *RECIPE_KINDS)
"""All that may stand at the top of a recipe."""

LONGEST_RECIPE_NAME = 200
"""Bytes; the run folder is named after the recipe, with the time behind it."""

DEFAULTS = Path(__file__).parent / "defaults.toml"
_NO_VALUES: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Recipe:
    """Hold a recipe after `extends` and `--set`.

    name: the file's name without its ending; names the run folder.
    path: the file.
    data: nested tables, as TOML gives them.
    origins: the place of every key.
    whole: the place of what is written nowhere.
    replays: the record of the run that this recipe repeats, if it is one.
    """

    name: str
    path: Path
    data: dict[str, Any]
    origins: dict[Keys, Origin] = field(repr=False)
    whole: Origin = field(repr=False)
    replays: Mapping[str, Any] | None = field(default=None, repr=False)

    def origin(self, *keys: str | int) -> Origin:
        """Return the place of a key, or of the nearest table around it."""
        return nearest_origin(self.origins, keys) or self.whole


def load_recipe(
    path: Path | Mapping[str, Any],
    sets: Sequence[str] = (),
    values: Mapping[str, Any] = _NO_VALUES,
    trust: bool | None = None,
) -> Recipe:
    """Read a recipe, what it extends, and what is set beside it.

    path: a TOML file, the name of a shipped recipe, a run folder, its run.json or recipe.lock,
        or the tables themselves.
    sets: texts such as `train.epochs=3`; the value is TOML, or a bare word taken as text.
    values: tables and keys that are laid over it as by `--set`, such as {"train": {"epochs": 3}}.
    trust: whether Python files that it names may be imported unseen. None: those of a recipe and
        of --set may, and those of a run folder may not.
    Raises RecipeError with the line of the problem.
    """
    replays = None
    if isinstance(path, Mapping):
        layers = [read_recipe_file(DEFAULTS, 0), _own_tables(path, "the recipe", 1)]
        path, name, place = Path("recipe"), "recipe", "the recipe"
    elif _is_run(path):
        from skinfw.recipe.run_record import read_run  # its schema is slow to import

        replays = read_run(path)
        place = f"{display_path(path)} (recorded recipe)"
        recorded = tables_layer(replays["recipe"], place, 0, names=False)
        layers = [recorded if trust else _without_trust(recorded)]
        name = replays.get("name") or path.stem
    else:
        shipped = shipped_recipe(path)
        path = shipped or path
        own = _Chain().layers(path)
        layers = [read_recipe_file(DEFAULTS, 0), *(map(_as_if_here, own) if shipped else own)]
        name, place = path.stem, place_of(path)
    _check_name(name, place)
    if sets:
        layers.append(read_sets(sets))
    if values:
        layers.append(replace(_own_tables(values, "the arguments", 1_000), sets=True))
    if trust is False:
        layers = [_without_trust(layer) for layer in layers]
    merged = layers[0]
    for layer in layers[1:]:
        merged = merge(merged, layer)
    whole = Origin(place, path.parent)
    return Recipe(name, path, merged.data, merged.origins, whole, replays)


def changed_recipe(
    recipe: Recipe, values: Mapping[str, Any], origins: Mapping[str, Origin] = _NO_VALUES
) -> Recipe:
    """Return a recipe with single values laid over it, as `--set` does.

    values: by keys with dots, such as "train.epochs".
    origins: where each was written; what stands in none is told at the recipe's own place.
    """
    over = Layer({}, {}, sets=True)
    for name, value in values.items():
        origin = origins.get(name, recipe.whole)
        put(over, tuple(name.split(".")), deepcopy(value), origin)
    merged = merge(Layer(recipe.data, recipe.origins), over)
    return replace(recipe, data=merged.data, origins=merged.origins)


def _without_trust(layer: Layer) -> Layer:
    """Return a layer as one that somebody else wrote."""
    origins = {keys: replace(origin, trusted=False) for keys, origin in layer.origins.items()}
    return replace(layer, origins=origins)


def _own_tables(tables: Mapping[str, Any], place: str, depth: int) -> Layer:
    """Return a layer of Python values; what TOML cannot say is told later, at its key."""
    if "extends" in tables:
        raise RecipeError(
            "tables in Python extend no recipe",
            f"{place}: extends",
            cure="give the recipe's name or path, and what differs as arguments",
        )
    return tables_layer(tables, place, depth)


def _as_if_here(layer: Layer) -> Layer:
    """Read a shipped recipe's paths as if it lay in `recipes/` of the current folder.

    Its data are the user's, wherever skinfw is installed.
    """
    here = Path.cwd() / "recipes"
    origins = {keys: replace(origin, folder=here) for keys, origin in layer.origins.items()}
    return replace(layer, origins=origins)


def _is_run(path: Path) -> bool:
    """Tell whether a path means a run; refuses one that no file can have."""
    try:
        if "\0" in str(path):
            raise ValueError("no name of a file holds a NUL character")
        return path.is_dir() or path.suffix in (".json", ".lock")
    except (OSError, ValueError) as error:
        name = shorten(str(path), 100)
        reason = getattr(error, "strerror", None) or str(error)
        raise RecipeError(
            f"the recipe {name} cannot be read", name, reason, "name a TOML file"
        ) from error


def _check_name(name: str, place: str) -> None:
    """Refuse a name that cannot be that of a folder."""
    length = len(name.encode("utf-8", "surrogatepass"))
    why = ""
    if length > LONGEST_RECIPE_NAME:
        why = f"it has {length} bytes, and {LONGEST_RECIPE_NAME} is the most"
    elif any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in name):
        why = "it holds control characters, or bytes that are no UTF-8"
    elif "/" in name or name in ("", ".", ".."):
        why = "it is no name of a folder"
    if why:
        raise RecipeError(
            f'the recipe\'s name "{shorten(name, 60)}" cannot name a run folder',
            place,
            why,
            "rename the file",
        )


BEST_WEIGHTS = "best.safetensors"
"""The file of a run folder with the weights of the best epoch."""

REFIT_WEIGHTS = "refit.safetensors"
"""The file of a run folder with the weights of the network that was trained once more."""

LOCK = "recipe.lock"
"""The file of a run folder that tells what the run was made of."""


class _Chain:
    """Read a recipe after everything that it extends, parents first, each file once."""

    def __init__(self) -> None:
        """Begin without a file."""
        self._done: set[Path] = set()
        self._values = 0

    def layers(self, path: Path, where: str = "", seen: tuple[Path, ...] = ()) -> list[Layer]:
        """Return the layers of a file and of all that it extends.

        path: the file.
        where: the line that extends it; empty for the recipe itself.
        seen: the files that lead here.
        """
        real = Path(os.path.realpath(path))  # a circle of links is for read_recipe_file to tell
        if real in seen:
            circle = " -> ".join(display_path(step) for step in (*seen, real))
            raise RecipeError(
                "the recipe extends itself", where, circle, "remove one `extends` of the circle"
            )
        layer = read_recipe_file(path, len(seen) + 1)
        self._check_size(layer, where, len(seen))
        layers = []
        for index, parent in enumerate(_parents(layer, path)):
            place = layer.origins.get(("extends", index)) or layer.origins[("extends",)]
            target = _parent_file(path.parent, parent, place.text)
            if target.resolve() not in self._done:
                layers += self.layers(target, place.text, (*seen, real))
        self._done.add(real)
        return [*layers, layer]

    def _check_size(self, layer: Layer, where: str, depth: int) -> None:
        """Refuse too many files, too many values in all, and a file that is no recipe."""
        self._values += len(layer.origins)
        if len(self._done) + depth >= MOST_FILES:
            raise RecipeError(
                f"the recipe extends more than {MOST_FILES - 1} files",
                where,
                cure="put what they say into fewer files",
            )
        if self._values > MOST_VALUES:
            raise RecipeError(
                f"the recipe and what it extends have more than {MOST_VALUES:,} keys and items",
                where,
                cure="put long lists into a file of the data set",
            )
        if depth and layer.data and not any(key in TOP_LEVEL for key in layer.data):
            raise RecipeError(
                "the recipe extends a file that is no recipe",
                where,
                "none of what stands at its top belongs to a recipe",
                f"the tables are {', '.join((*SETTINGS, *RECIPE_KINDS))}",
            )


def _parents(layer: Layer, path: Path) -> list[str]:
    """Take `extends` out of a layer and return its paths."""
    parents = layer.data.pop("extends", [])
    parents = [parents] if isinstance(parents, str) else parents
    if not isinstance(parents, list) or not all(isinstance(item, str) for item in parents):
        where = layer.origins.get(("extends",))
        raise RecipeError(
            "extends must be a path or a list of paths", where.text if where else place_of(path)
        )
    return parents


def _parent_file(folder: Path, written: str, where: str) -> Path:
    """Return the file that a recipe extends.

    written: a path relative to the folder, or the name of a shipped recipe.
    """
    name, target = shorten(written, 100), folder / written
    shipped = shipped_recipes()
    if target.suffix == ENDING:
        try:
            if target.is_file():
                return target
        except OSError:  # a name that no file can have, or a folder that is closed
            pass
    elif written in shipped:
        return shipped[written]
    elif target.suffix or "/" in written:  # whether it exists is nobody's business
        raise RecipeError(
            f'the recipe extends "{name}", which is no recipe',
            where,
            f"a recipe is a file whose name ends in {ENDING}",
            f"bare names are shipped recipes: {', '.join(shipped)}",
        )
    raise RecipeError(
        f'the recipe extends "{name}", which does not exist',
        where,
        f"looked for {shorten(display_path(target))}",
        "paths are relative to the recipe that extends; bare names are shipped recipes",
    )
