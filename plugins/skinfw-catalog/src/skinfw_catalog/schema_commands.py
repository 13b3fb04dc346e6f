"""Tables that are for a command of their own, such as `[sweep]`, in the schema of recipes.

A file with such a table is that command's, which checks all of it: what of it must be a recipe, the
command alone knows. The schema offers and checks the keys of the table, and refuses no other.
"""

from __future__ import annotations

from skinfw import Component, SkinfwError
from skinfw.toolkit import Catalog, CatalogEntry, import_signature
from skinfw_catalog.schema_draft7 import draft7
from skinfw_catalog.schema_hints import hints
from skinfw_catalog.schema_messages import Schema, refuse, refuse_whole


def command_tables(catalog: Catalog) -> dict[str, tuple[Schema, Schema]]:
    """Return what is offered and what is checked of each table of a command, by its name.

    catalog: what is installed.
    """
    tables = {}
    for plugin in catalog.plugins:
        for command in plugin.commands:
            for name, target in command.tables.items():
                component = Component("command", command.name, target, command.summary)
                keys = _keys(CatalogEntry(component, plugin))
                offer = {"description": command.summary, "type": "object",
                         "properties": hints(name, keys)}  # fmt: skip
                tables[name] = {"anyOf": [True, offer]}, _check(name, keys)
    return tables


def recipes_alone(tables: dict[str, tuple[Schema, Schema]]) -> Schema:
    """Return what holds for a recipe, and for no file of a command."""
    return {"allOf": [True, *({"not": {"required": [name]}} for name in tables)]}


def _keys(entry: CatalogEntry) -> dict[str, Schema]:
    """Return a schema for each key of a table; none where they cannot be imported."""
    try:
        _, signature = import_signature(entry, "")
    except SkinfwError:  # the command itself tells of it
        return {}
    keys: dict[str, Schema] = draft7(signature.schema()).get("properties", {})
    return keys


def _check(name: str, keys: dict[str, Schema]) -> Schema:
    refusal = refuse_whole(refuse(f"{name} is written as [{name}]"), [])
    return {"if": {"type": "object"}, "then": {"properties": keys}, "else": refusal}
