"""Recipes: TOML to data, with `extends`, `--set`, and the place of every value."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from skinfw.errors import RecipeError
from skinfw.files.paths import display_path as display_path
from skinfw.recipe.lines import key_lines
from skinfw.recipe.shipped import shipped_recipe, shipped_recipes

Keys = tuple[str | int, ...]
DEFAULTS = Path(__file__).parent / "defaults.toml"
_NO_VALUES: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Origin:
    """Say where a value was written.

    text: `file:line` or the `--set` option.
    folder: what relative paths in the value are relative to.
    line: the line in its file; orders the problems of a recipe.
    layer: how deep in the `extends` chain: 1 is the recipe itself, 0 the defaults.
    trusted: whether the user wrote it, so that a Python file that it names is the user's, too.
    """

    text: str
    folder: Path
    line: int = 0
    layer: int = 0
    trusted: bool = True


@dataclass(frozen=True)
class Recipe:
    """Hold a recipe after `extends` and `--set`.

    name: the file's name without its ending; names the run folder.
    path: the file.
    data: nested tables, as TOML gives them.
    origins: the place of every key.
    replays: the record of the run that this recipe repeats, if it is one.
    """

    name: str
    path: Path
    data: dict[str, Any]
    origins: dict[Keys, Origin] = field(repr=False)
    replays: Mapping[str, Any] | None = field(default=None, repr=False)

    def origin(self, *keys: str | int) -> Origin:
        """Return the place of a key, or of the nearest table around it."""
        for end in range(len(keys), 0, -1):
            if origin := self.origins.get(keys[:end]):
                return origin
        return Origin(display_path(self.path), self.path.parent)


@dataclass
class _Layer:
    """Hold one file, or all `--set` options, before they are laid over each other."""

    data: dict[str, Any]
    origins: dict[Keys, Origin]
    sets: bool = False


def load_recipe(
    path: Path | Mapping[str, Any],
    sets: Sequence[str] = (),
    values: Mapping[str, Any] = _NO_VALUES,
    trust: bool | None = None,
) -> Recipe:
    """Read a recipe, what it extends, and what is set beside it.

    path: a TOML file, the name of a shipped recipe, a run folder, its run.json, or the tables
        themselves.
    sets: texts such as `train.epochs=3`; the value is TOML, or a bare word taken as text.
    values: tables and keys that are laid over it as by `--set`, such as {"train": {"epochs": 3}}.
    trust: whether Python files that it names may be imported unseen. None: those of a recipe and
        of --set may, and those of a run folder may not.
    Raises RecipeError with the line of the problem.
    """
    replays = None
    if isinstance(path, Mapping):
        own = [_tables_of(path, "the recipe", 1)]
        layers = [_read_file(DEFAULTS, 0), *own]
        path, name = Path("recipe"), "recipe"
    elif path.is_dir() or path.suffix == ".json":
        from skinfw.recipe.run_record import read_run  # its schema is slow to import

        replays = read_run(path)
        data: dict[str, Any] = dict(replays["recipe"])
        place = f"{display_path(path)} (recorded recipe)"
        origin = Origin(place, Path.cwd(), trusted=bool(trust))
        layers = [_Layer(data, dict.fromkeys(_paths(data), origin))]
        name = replays.get("name") or path.stem
    else:
        shipped = shipped_recipe(path)
        path = shipped or path
        own = _chain(path, (), set())
        layers = [_read_file(DEFAULTS, 0), *(map(_as_if_here, own) if shipped else own)]
        name = path.stem
    if sets:
        layers.append(_read_sets(sets))
    if values:
        layers.append(replace(_tables_of(values, "the arguments", 1_000), sets=True))
    if trust is False:
        layers = [_without_trust(layer) for layer in layers]
    merged = layers[0]
    for layer in layers[1:]:
        merged = _Layer(*_merge(merged, layer))
    return Recipe(name, path, merged.data, merged.origins, replays)


def _without_trust(layer: _Layer) -> _Layer:
    """Return a layer as one that somebody else wrote."""
    origins = {keys: replace(origin, trusted=False) for keys, origin in layer.origins.items()}
    return replace(layer, origins=origins)


def _tables_of(tables: Mapping[str, Any], place: str, depth: int) -> _Layer:
    """Return a layer of Python values; what TOML cannot say is told later, at its key."""
    data = _plain(tables)
    if "extends" in data:
        raise RecipeError(
            "tables in Python extend no recipe",
            f"{place}: extends",
            cure="give the recipe's name or path, and what differs as arguments",
        )
    origins = {
        keys: Origin(f"{place}: {'.'.join(map(str, keys))}", Path.cwd(), 0, depth)
        for keys in _paths(data)
    }
    return _Layer(data, origins)


def _plain(value: Any) -> Any:
    """Return tables as dictionaries, sequences as lists, and paths as texts, as TOML has them."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _as_if_here(layer: _Layer) -> _Layer:
    """Read a shipped recipe's paths as if it lay in `recipes/` of the current folder.

    Its data are the user's, wherever skinfw is installed.
    """
    here = Path.cwd() / "recipes"
    origins = {keys: replace(origin, folder=here) for keys, origin in layer.origins.items()}
    return replace(layer, origins=origins)


BEST_WEIGHTS = "best.safetensors"
"""The file of a run folder with the weights of the best epoch."""


def _chain(path: Path, seen: tuple[Path, ...], done: set[Path]) -> list[_Layer]:
    """Read a file after everything that it extends, parents first, each file once."""
    real = path.resolve()
    if real in seen:
        circle = " -> ".join(display_path(step) for step in (*seen, real))
        raise RecipeError(
            "the recipe extends itself",
            display_path(path),
            circle,
            "remove one `extends` of the circle",
        )
    layer = _read_file(path, len(seen) + 1)
    parents = layer.data.pop("extends", [])
    parents = [parents] if isinstance(parents, str) else parents
    where = layer.origins.get(("extends",))
    if not isinstance(parents, list) or not all(isinstance(item, str) for item in parents):
        raise RecipeError(
            "extends must be a path or a list of paths", where.text if where else display_path(path)
        )
    layers = []
    for parent in parents:
        target = path.parent / parent
        if not target.is_file() and parent in (shipped := shipped_recipes()):
            target = shipped[parent]
        if not target.is_file():
            raise RecipeError(
                f'the recipe extends "{parent}", which does not exist',
                where.text if where else display_path(path),
                f"looked for {display_path(target)}",
                "paths are relative to the recipe that extends; bare names are shipped recipes",
            )
        if target.resolve() not in done:
            layers += _chain(target, (*seen, real), done)
    done.add(real)
    return [*layers, layer]


def _read_file(path: Path, layer: int) -> _Layer:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        folder = path.parent
        siblings = sorted(item.name for item in folder.glob("*.toml")) if folder.is_dir() else []
        raise RecipeError(
            f"there is no recipe {display_path(path)}",
            cure=f"recipes there: {', '.join(siblings)}" if siblings else "check the path",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(
            f"the recipe {display_path(path)} cannot be read",
            why=str(error),
            cure="a recipe is a TOML file in UTF-8",
        ) from error
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = getattr(error, "lineno", None) or _line_in(str(error), text)
        written = text.splitlines()[line - 1].strip() if line <= text.count("\n") + 1 else ""
        raise RecipeError(
            "the recipe is not valid TOML",
            f"{display_path(path)}:{line}   {written}".rstrip(),
            str(error),
            "texts need quotes, tables are [name], lists of tables are [[name]]",
        ) from error
    origins = {
        keys: Origin(f"{display_path(path)}:{line}", path.parent, line, layer)
        for keys, line in key_lines(text).items()
    }
    return _Layer(data, origins)


def _line_in(message: str, text: str) -> int:
    """Return the line that tomllib names in its message, or the last."""
    _, _, rest = message.partition("(at line ")
    digits = rest.partition(",")[0]
    return int(digits) if digits.isdigit() else max(1, len(text.splitlines()))


def set_table(text: str) -> str:
    """Return which table or key of a recipe a `--set` option changes.

    text: such as `train.epochs=3`.
    """
    return text.partition("=")[0].partition(".")[0].strip()


def _read_sets(sets: Sequence[str]) -> _Layer:
    """Lay all `--set` options together into one layer."""
    data: dict[str, Any] = {}
    origins: dict[Keys, Origin] = {}
    for text in sets:
        name, equals, written = text.partition("=")
        keys = tuple(part.strip() for part in name.split("."))
        where = f"--set {text}"
        if keys[0] == "extends":
            raise RecipeError(
                "--set cannot change what a recipe extends",
                where,
                cure="write a recipe of three lines that extends another",
            )
        if not equals or not all(keys):
            raise RecipeError(
                f"--set needs table.key=value, not {text!r}", cure="e.g. --set train.epochs=3"
            )
        try:
            value = tomllib.loads(f"value = {written}")["value"]
        except tomllib.TOMLDecodeError:
            value = written  # a bare word or a path, so that shells need no second quotes
        table = data
        for key in keys[:-1]:
            table = table.setdefault(key, {})
            if not isinstance(table, dict):
                raise RecipeError(
                    f"{name} cannot be set", where, "an earlier --set made it a value"
                )
        table[keys[-1]] = value
        origin = Origin(where, Path.cwd(), 0, 1_000)
        origins.update({keys[:end]: origin for end in range(1, len(keys) + 1)})
        origins.update({(*keys, *rest): origin for rest in _paths(value)})
    return _Layer(data, origins, sets=True)


def _merge(base: _Layer, over: _Layer) -> tuple[dict[str, Any], dict[Keys, Origin]]:
    """Lay one layer over another.

    The recipe's tables merge key by key; a key's value replaces the old one whole, even where it
    is a table itself. Only `--set`, which names single values, reaches further down.
    """
    over, appended = _append(base, over)
    origins = dict(base.origins)
    deepest = 100 if over.sets else 2

    def forget(keys: Keys) -> None:
        for known in [known for known in origins if known[: len(keys)] == keys]:
            del origins[known]

    def lay(under: Any, upper: Any, keys: Keys) -> Any:
        tables = isinstance(under, dict) and isinstance(upper, dict)
        if tables and len(keys) < deepest and not _changes_use(under, upper):
            result = dict(under)
            for key, value in upper.items():
                path = (*keys, key)
                result[key] = lay(under[key], value, path) if key in under else value
            return result
        if isinstance(under, list) and over.sets and isinstance(upper, dict):
            if not _indexes(upper, len(under)):
                name = ".".join(map(str, (*keys, *upper)))
                raise RecipeError(
                    f"{name} does not exist",
                    f"--set {name}...",
                    f"{'.'.join(map(str, keys))} has {len(under)} items, counted from 0",
                    "name one of them, or set the whole list",
                )
            result_list = list(under)
            for key, value in upper.items():
                result_list[int(key)] = lay(under[int(key)], value, (*keys, int(key)))
            return result_list
        if keys and keys not in appended:
            forget(keys)
        return upper

    data: dict[str, Any] = lay(base.data, over.data, ())
    for keys, origin in over.origins.items():
        origins[_number_list_keys(keys, data)] = origin
    return data, origins


def _append(base: _Layer, over: _Layer) -> tuple[_Layer, set[Keys]]:
    """Put lists whose tables say `add = true` behind those of the layer below.

    Returns the layer with the whole lists, and their keys.
    """
    data, appended = dict(over.data), set[Keys]()
    shifts: dict[str, int] = {}
    for name, tables in over.data.items():
        adds = _added(tables, name, over) if isinstance(tables, list) else None
        if adds is not None:
            below = base.data.get(name, [])
            shifts[name] = len(below) if isinstance(below, list) else 0
            data[name] = [*below, *adds] if isinstance(below, list) else adds
            appended.add((name,))
    origins = {
        (keys[0], keys[1] + shifts[str(keys[0])], *keys[2:])
        if len(keys) > 1 and keys[0] in shifts and isinstance(keys[1], int)
        else keys: origin
        for keys, origin in over.origins.items()
    }
    return _Layer(data, origins, over.sets), appended


def _added(tables: list[Any], name: str, layer: _Layer) -> list[Any] | None:
    """Return the tables of a list that is added, without the word; None for one that replaces."""
    marks = [table.get("add") if isinstance(table, dict) else None for table in tables]
    if not any(mark is not None for mark in marks):
        return None
    where = layer.origins.get((name,))
    if not all(mark is True for mark in marks):
        raise RecipeError(
            f"some tables of [[{name}]] are added and some are not",
            where.text if where else "",
            "a list replaces the one below it, or is added to it as a whole",
            "write add = true in each of its tables, or in none",
        )
    return [{key: value for key, value in table.items() if key != "add"} for table in tables]


def _changes_use(under: Mapping[str, Any], upper: Mapping[str, Any]) -> bool:
    """Tell whether a table names another component, so that the old keys no longer apply."""
    return "use" in upper and upper["use"] != under.get("use", upper["use"])


def _indexes(value: Mapping[str, Any], length: int) -> bool:
    """Tell whether a table addresses items of a list, as `--set augment.0.degrees=20` does."""
    return all(key.isdigit() and int(key) < length for key in value)


def _number_list_keys(keys: Keys, data: Any) -> Keys:
    """Write list positions as numbers, the way the data is indexed."""
    result: list[str | int] = []
    for key in keys:
        number = isinstance(data, list) and str(key).isdigit()
        result.append(int(key) if number else key)
        try:
            data = data[result[-1]]
        except (KeyError, IndexError, TypeError):
            data = None
    return tuple(result)


def _paths(value: Any) -> Iterable[Keys]:
    """Return the path of everything inside a nested value."""
    if isinstance(value, dict):
        items: Iterable[tuple[str | int, Any]] = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        return
    for key, item in items:
        yield (key,)
        for rest in _paths(item):
            yield (key, *rest)
