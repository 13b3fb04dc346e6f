"""`--set table.key=value`: options that change a recipe, all of them together one layer."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skinfw.errors import RecipeError, shorten
from skinfw.recipe.layers import Layer, check_layer, paths
from skinfw.recipe.limits import LONGEST_NAME, LONGEST_TEXT, LimitError, check_size, check_text
from skinfw.recipe.lines import key_lines
from skinfw.recipe.places import Origin

_OF_DATA = ("dataset", "split", "seed", "engine")
"""What a command that brings a trained network reads of a recipe."""

_LAYER = 1_000
"""The problems of `--set` come behind those of all files."""


def set_table(text: str) -> str:
    """Return which table or key of a recipe a `--set` option changes.

    text: such as `train.epochs=3`.
    """
    return text.partition("=")[0].partition(".")[0].strip()


def refuse_unread_sets(sets: Sequence[str], what: str, besides: str = "") -> None:
    """Raise RecipeError for a `--set` option that a command would not read of its data's recipe.

    sets: texts such as `dataset.root="..."`.
    what: would not read it, such as "an evaluation".
    besides: what else the command reads, after a comma.
    """
    for text in sets:
        if set_table(text) not in _OF_DATA:
            raise RecipeError(
                f"{what} would not read it",
                f"--set {text}",
                f"of the recipe it reads {', '.join(_OF_DATA)}{besides}",
                "leave it out, or train again",
            )


def read_sets(sets: Sequence[str], option: str = "--set", within: tuple[str, ...] = ()) -> Layer:
    """Lay all `--set` options together into one layer.

    sets: texts such as `train.epochs=3`; the value is TOML, or a bare word taken as text.
    option: what the user wrote, where it is another one.
    within: the table that all keys stand in.
    Raises RecipeError with the option.
    """
    layer = Layer({}, {}, sets=True)
    where = option
    for text in sets:
        where = f"{option} {shorten(text)}"
        try:
            keys, value = _read(text, where, option)
            keys = (*within, *keys)
        except LimitError as error:
            raise RecipeError(error.what, where, cure=error.cure) from error
        put(layer, keys, value, Origin(where, Path.cwd(), 0, _LAYER))
    check_layer(layer, where)
    return layer


def _read(text: str, where: str, option: str) -> tuple[tuple[str, ...], Any]:
    """Return the keys and the value of one option."""
    name, equals, written = text.partition("=")
    check_text(name, "the key", LONGEST_NAME * 10)
    keys = tuple(part.strip() for part in name.split("."))
    check_size(keys, 0, 0)
    if keys[0] == "extends":
        raise RecipeError(
            "--set cannot change what a recipe extends",
            where,
            cure="write a recipe of three lines that extends another",
        )
    if not equals or not all(keys):
        needs, example = "table.key=value", "--set train.epochs=3"
        if option != "--set":
            needs, example = "key=value", f"{option} workers=2"
        raise RecipeError(f"{option} needs {needs}", where, cure=f"e.g. {example}")
    check_text(written, "the value", LONGEST_TEXT)
    return keys, _value(written)


def _value(written: str) -> Any:
    """Return what is TOML as its value, the rest as a text: shells need no second quotes."""
    document = f"value = {written}"
    key_lines(document)
    try:
        data = tomllib.loads(document)
    except tomllib.TOMLDecodeError:
        return written
    return data["value"] if len(data) == 1 else written


def put(layer: Layer, keys: tuple[str, ...], value: Any, origin: Origin) -> None:
    """Put a value into the tables of a layer, with its place.

    Raises RecipeError where one of the keys is a value already.
    """
    table = layer.data
    for key in keys[:-1]:
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            name = ".".join(keys)
            raise RecipeError(f"{name} cannot be set", origin.text, "another one made it a value")
    table[keys[-1]] = value
    layer.origins.update({keys[:end]: origin for end in range(1, len(keys) + 1)})
    layer.origins.update({(*keys, *rest): origin for rest in paths(value)})
