"""The JSON Schema of a recipe, composed from what is installed, for editors.

Each table says twice what it may hold. What an editor offers stands in an `anyOf` whose first
option is `true`: Taplo completes from all its options, and it refuses nothing. What is checked
stands behind `if`, where Taplo looks for no completions: there, `use` decides which component's
keys a table may have, so that one mistake gets one message.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence

from skinfw.toolkit import DEFAULTS, RECIPE_KINDS, SETTINGS, Catalog, TopLevel, parameters
from skinfw_catalog.schema_commands import command_tables, recipes_alone
from skinfw_catalog.schema_draft7 import draft7
from skinfw_catalog.schema_hints import hints
from skinfw_catalog.schema_kind import KindSchema
from skinfw_catalog.schema_messages import Schema, refer, refuse, refuse_table, refuse_whole

_UNKNOWN = "unknown-table"
_PARENT = r"\.toml$|^[^./]+$"
"""A file of a recipe, or the name of one that skinfw brings."""


def recipe_schema(catalog: Catalog) -> Schema:
    """Return the schema of a recipe.

    catalog: what is installed; components that cannot be imported are left out.
    """
    kinds = [KindSchema.read(catalog, kind) for kind in RECIPE_KINDS.values()]
    settings = {
        name: draft7(parameters(table).schema())["properties"] for name, table in SETTINGS.items()
    }
    properties = {
        "extends": {
            "description": "Recipes that this one starts from, relative to it.",
            "type": ["string", "array"],
            "pattern": _PARENT,
            "items": {"type": "string", "pattern": _PARENT},
        },
        **draft7(parameters(TopLevel).schema())["properties"],
        **{name: _settings(name, SETTINGS[name], keys) for name, keys in settings.items()},
        **{kind.kind.name: _kind(kind) for kind in kinds},
    }
    text = f"a recipe has no such table; there is {', '.join(properties)}"
    # A table of recipes stays theirs, whatever a plugin says.
    tables = command_tables(catalog).items()
    foreign = {name: own for name, own in tables if name not in properties}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "skinfw recipe",
        "type": "object",
        "properties": {**properties, **{name: offer for name, (offer, _) in foreign.items()}},
        "if": recipes_alone(foreign),
        "then": {
            "properties": dict.fromkeys(properties, True),
            "additionalProperties": refuse_whole(
                refer(_UNKNOWN), ["use", *(key for keys in settings.values() for key in keys)]
            ),
            **_by_parents([kind for kind in kinds if not kind.kind.many]),
        },
        "else": {"properties": {name: check for name, (_, check) in foreign.items()}},
        "definitions": {
            _UNKNOWN: refuse(text),
            **{name: part for kind in kinds for name, part in kind.definitions().items()},
        },
    }


def _settings(name: str, table: type, keys: dict[str, Schema]) -> Schema:
    """Return the schema of a table that belongs to the host."""
    text = f"{name} has no such key; there is {', '.join(keys)}"
    offer = {"type": "object", "properties": hints(name, keys)}
    check = {"properties": keys, "additionalProperties": refuse(text)}
    return _place(name, parameters(table).summary, offer, check)


def _kind(schema: KindSchema) -> Schema:
    """Return the schema of what stands under the name of a kind."""
    name, does = schema.kind.name, schema.kind.does
    if schema.kind.many:
        return _place(name, does, *_list(schema))
    offer: Schema = {"type": "object", "properties": schema.completion()}
    table = _place(name, does, offer, schema.check())
    if not schema.kind.merger:
        return table
    offers, checks = _list(schema)
    return {
        **table,
        "anyOf": [*table["anyOf"], {"description": does, **offers}],
        "else": {"if": {"type": "array"}, "then": checks, "else": table["else"]},
    }


def _list(schema: KindSchema) -> tuple[Schema, Schema]:
    """Return what is offered and what is checked of a list of tables."""
    listed = bool(schema.kind.merger)
    offer = {"type": "object", "properties": schema.completion(listed)}
    text = f"write add = true in each table of [[{schema.kind.name}]], or in none"
    check = {
        "items": schema.check(listed),
        "if": {"contains": {"required": ["add"]}},
        "then": {
            "items": {"if": {"required": ["add"]}, "else": refuse_table(refuse(text), ["use"])}
        },
    }
    return {"type": "array", "items": offer}, check


def _place(name: str, does: str, offer: Schema, check: Schema) -> Schema:
    """Return a schema that offers one thing and checks another.

    offer: for completion; its type is also checked.
    check: for what is of this type.
    """
    header = f"[[{name}]]" if offer["type"] == "array" else f"[{name}]"
    return {
        "anyOf": [True, {"description": does, **offer}],
        "if": {"type": offer["type"]},
        "then": check,
        "else": refuse_whole(refuse(f"{name} is written as {header}"), ["use"]),
    }


def _by_parents(kinds: Sequence[KindSchema]) -> Schema:
    """Return what depends on whether a recipe extends another, for kinds with a single table."""
    defaults = tomllib.loads(DEFAULTS.read_text(encoding="utf-8"))
    alone = {
        kind.kind.name: kind.alone(defaults.get(kind.kind.name, {}).get("use")) for kind in kinds
    }
    return {
        "if": {"required": ["extends"]},
        "then": {"properties": {kind.kind.name: kind.child() for kind in kinds}},
        "else": {"properties": alone},
    }
