"""The JSON Schema of a recipe, composed from what is installed, for completion in editors.

Kept to what Taplo reads: draft-4 keywords, one-value `enum` instead of `const`.
"""

from __future__ import annotations

from typing import Any

from skinfw import SkinfwError
from skinfw.toolkit import (
    KEYS,
    KINDS,
    SETTINGS,
    Catalog,
    CatalogEntry,
    Kind,
    TopLevel,
    import_target,
    parameters,
    variants,
)


def recipe_schema(catalog: Catalog) -> dict[str, Any]:
    """Return the schema of a recipe.

    catalog: what is installed; components that cannot be imported are left out.
    """
    properties: dict[str, Any] = {
        "extends": {
            "description": "Recipes that this one starts from, relative to it.",
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
        },
        **draft4(parameters(TopLevel).schema())["properties"],
    }
    for name, settings in SETTINGS.items():
        properties[name] = draft4(parameters(settings).schema())
    for kind in KINDS.values():
        table = {"anyOf": [*_tables(catalog, kind), _local_table()], "description": kind.does}
        properties[kind.name] = {"type": "array", "items": table} if kind.many else table
    return {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "title": "skinfw recipe",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


def _tables(catalog: Catalog, kind: Kind) -> list[dict[str, Any]]:
    """Return one schema per component of a kind."""
    tables = []
    bare = catalog.use_names(kind.name)
    for entry, shortest in zip(catalog.offers(kind.name), bare, strict=True):
        try:
            names = _names(entry, shortest)
            _, signature = import_target(entry, "")
        except SkinfwError:
            continue  # list-plugins is the place that tells what is broken
        table = draft4(signature.schema())
        if kind.name in KEYS:
            host = draft4(parameters(KEYS[kind.name]).schema())
            table["properties"] = {**table.get("properties", {}), **host["properties"]}
        table["properties"] = {"use": {"enum": names}, **table.get("properties", {})}
        table["required"] = ["use", *table.get("required", [])]
        table["description"] = entry.component.summary
        tables.append(table)
    return tables


def _names(entry: CatalogEntry, shortest: str) -> list[str]:
    """Return all spellings of a component, family members included."""
    qualified = f"{entry.plugin.name}:{entry.component.name}"
    spellings = list(dict.fromkeys([shortest, qualified]))
    if not entry.component.variants:
        return spellings
    return [f"{name}/{variant}" for name in spellings for variant in variants(entry, "")]


def _local_table() -> dict[str, Any]:
    """Return the schema of a component in a local file, whose keys nobody knows beforehand."""
    use = {"type": "string", "pattern": r"\.py:[A-Za-z_]\w*$"}
    return {
        "type": "object",
        "description": "A component in a file beside the recipe: ./file.py:Attribute",
        "properties": {"use": use},
        "required": ["use"],
    }


def draft4(schema: Any, definitions: dict[str, Any] | None = None) -> Any:
    """Rewrite a pydantic schema in the keywords of draft 4, references written out.

    definitions: what references point to; taken from the schema itself at the top.
    """
    if isinstance(schema, list):
        return [draft4(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    definitions = definitions or schema.get("$defs", {})
    if "$ref" in schema:
        target = definitions[schema["$ref"].rsplit("/", 1)[-1]]
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    result: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "const":
            result["enum"] = [value]
        elif key in ("exclusiveMinimum", "exclusiveMaximum"):
            result[key.replace("exclusiveM", "m")] = value
            result[key] = True
        elif key == "prefixItems":
            result["items"] = draft4(value, definitions)
        elif key == "$defs" or (key == "title" and isinstance(value, str)):
            continue  # written out above; pydantic's titles only repeat the keys
        elif key == "properties":
            result[key] = {name: draft4(item, definitions) for name, item in value.items()}
        else:
            result[key] = draft4(value, definitions)
    return result
