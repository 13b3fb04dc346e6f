"""Layers of a recipe: a file, tables or all `--set` options, and how one lies over another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skinfw.errors import RecipeError
from skinfw.recipe.limits import DEEPEST, LimitError, check_limits
from skinfw.recipe.places import Keys, Origin, display_keys


@dataclass
class Layer:
    """Hold one file, or all `--set` options, before they are laid over each other.

    data: nested tables, as TOML gives them.
    origins: the place of every key.
    sets: whether it names single values, as `--set` does, and not whole tables.
    """

    data: dict[str, Any]
    origins: dict[Keys, Origin]
    sets: bool = False


def tables_layer(tables: Mapping[Any, Any], place: str, depth: int, names: bool = True) -> Layer:
    """Return a layer of tables that are no TOML text; what TOML cannot say is told at its key.

    tables: from Python or JSON.
    place: where they come from.
    depth: orders the problems.
    names: whether the place of a value also names its keys.
    Raises RecipeError where a recipe may not hold so much.
    """

    def origin(keys: Keys) -> Origin:
        return Origin(
            f"{place}: {display_keys(keys)}" if names and keys else place, Path.cwd(), 0, depth
        )

    try:
        check_limits(tables)
    except LimitError as error:
        raise RecipeError(error.what, origin(error.keys).text, cure=error.cure) from error
    data = _plain(tables)
    return Layer(data, {keys: origin(keys) for keys in paths(data)})


def check_layer(layer: Layer, where: str) -> None:
    """Refuse a layer that holds more than a recipe may, at the line of the value.

    layer: from a file, or of all options.
    where: the place of what has no line of its own.
    """
    try:
        check_limits(layer.data)
    except LimitError as error:
        steps = range(len(error.keys), 0, -1)
        place = next(
            (layer.origins[error.keys[:n]] for n in steps if error.keys[:n] in layer.origins), None
        )
        raise RecipeError(error.what, place.text if place else where, cure=error.cure) from error


def _plain(value: Any) -> Any:
    """Return tables as dictionaries, sequences as lists, and paths as texts, as TOML has them."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def paths(value: Any) -> Iterable[Keys]:
    """Return the path of everything inside a nested value."""
    if isinstance(value, dict):
        items: Iterable[tuple[str | int, Any]] = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        return
    for key, item in items:
        yield (key,)
        for rest in paths(item):
            yield (key, *rest)


def merge(base: Layer, over: Layer) -> Layer:
    """Lay one layer over another.

    The recipe's tables merge key by key; a key's value replaces the old one whole, even where it
    is a table itself. Only `--set`, which names single values, reaches further down.
    """
    base = _listed(base, over)
    over, appended = _append(base, over)
    deepest = DEEPEST if over.sets else 2
    replaced: set[Keys] = set()

    def lay(under: Any, upper: Any, keys: Keys) -> Any:
        tables = isinstance(under, dict) and isinstance(upper, dict)
        if tables and len(keys) < deepest and not _changes_use(under, upper):
            result = dict(under)
            for key, value in upper.items():
                path = (*keys, key)
                result[key] = lay(under[key], value, path) if key in under else value
            return result
        if isinstance(under, list) and over.sets and isinstance(upper, dict):
            _check_indexes(upper, keys, len(under), over)
            result_list = list(under)
            for key, value in upper.items():
                result_list[int(key)] = lay(under[int(key)], value, (*keys, int(key)))
            return result_list
        if keys and keys not in appended:
            replaced.add(keys)
        return upper

    data: dict[str, Any] = lay(base.data, over.data, ())
    origins = {
        keys: origin
        for keys, origin in base.origins.items()
        if not any(keys[:end] in replaced for end in range(1, len(keys) + 1))
    }
    for keys, origin in over.origins.items():
        origins[_number_list_keys(keys, data)] = origin
    return Layer(data, origins)


def _listed(base: Layer, over: Layer) -> Layer:
    """Make a single table the first of a list, where the layer above adds others to it."""
    data, origins = dict(base.data), base.origins
    for name, tables in over.data.items():
        single = isinstance(data.get(name), dict) and isinstance(tables, list)
        if single and _added(tables, name, over) is not None:
            data[name] = [data[name]]
            origins = {
                (name, 0, *keys[1:]) if keys[0] == name and len(keys) > 1 else keys: origin
                for keys, origin in origins.items()
            }
    return Layer(data, origins, base.sets)


def _append(base: Layer, over: Layer) -> tuple[Layer, set[Keys]]:
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
    return Layer(data, origins, over.sets), appended


def _added(tables: list[Any], name: str, layer: Layer) -> list[Any] | None:
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


def _check_indexes(upper: Mapping[str, Any], keys: Keys, length: int, over: Layer) -> None:
    """Refuse a table that addresses items which a list lacks, as `--set augment.9.degrees=20`."""
    for key in upper:
        if not (_is_index(key) and int(key) < length):
            written = (*map(str, keys), key)
            raise RecipeError(
                f"{display_keys(written)} does not exist",
                over.origins[written].text,
                f"{display_keys(keys)} has {length} items, counted from 0",
                "name one of them, or set the whole list",
            )


def _is_index(key: str | int) -> bool:
    """Tell whether a key is a position in a list."""
    return str(key).isascii() and str(key).isdigit()


def _number_list_keys(keys: Keys, data: Any) -> Keys:
    """Write list positions as numbers, the way the data is indexed."""
    result: list[str | int] = []
    for key in keys:
        number = isinstance(data, list) and _is_index(key)
        result.append(int(key) if number else key)
        try:
            data = data[result[-1]]
        except (KeyError, IndexError, TypeError):
            data = None
    return tuple(result)
