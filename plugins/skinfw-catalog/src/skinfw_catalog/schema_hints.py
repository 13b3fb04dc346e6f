"""What an editor shows of a key, once for all components that have it with a meaning of their own.

Taplo lists a key again for each schema that it finds, so these hold only what it shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from skinfw_catalog.schema_messages import Schema

_LABELS = 4


def hint(meanings: Mapping[str, Schema]) -> Schema:
    """Return one schema to complete a key by.

    meanings: the key's schema in each component that has it.
    """
    schemas = list(meanings.values())
    options = [option for schema in schemas for option in schema.get("anyOf", [schema])]
    choices = distinct(value for option in options for value in option.get("enum", ()))
    defaults = distinct(schema.get("default") for schema in schemas)
    items = [item for option in options for item in _items(option)]
    result: Schema = {"description": _describe(meanings), **_types(options)}
    if items:
        result["items"] = _types(items)
    if choices:
        result["enum"] = choices
    if len(defaults) == 1 and defaults[0] is not None:
        result["default"] = defaults[0]
    return result


def hints(owner: str, keys: Mapping[str, Schema]) -> dict[str, Schema]:
    """Return a schema for each key of a single owner to complete it by."""
    return {key: hint({owner: schema}) for key, schema in keys.items()}


def distinct(values: Iterable[Any]) -> list[Any]:
    """Return values without those that came before; they need not be hashable."""
    result: list[Any] = []
    for value in values:
        if not any(value == one and type(value) is type(one) for one in result):
            result.append(value)
    return result


def _types(options: Sequence[Schema]) -> Schema:
    """Return the types of all options."""
    types = distinct(option["type"] for option in options if "type" in option)
    return {"type": types[0] if len(types) == 1 else types} if types else {}


def _items(option: Schema) -> list[Schema]:
    """Return the schemas of a list's items."""
    items = option.get("items", [])
    return items if isinstance(items, list) else [items]


def _describe(meanings: Mapping[str, Schema]) -> str:
    """Return what the key means, component by component where they differ."""
    owners: dict[str, list[str]] = {}
    for label, schema in meanings.items():
        owners.setdefault(schema.get("description", ""), []).append(label)
    if len(owners) == 1:
        return next(iter(owners))
    return "\n\n".join(f"{_list(labels)}: {text}" for text, labels in owners.items() if text)


def _list(labels: Sequence[str]) -> str:
    """Return the first labels, and how many there are besides."""
    rest = len(labels) - _LABELS
    return ", ".join(labels[:_LABELS]) + (f" and {rest} more" if rest > 0 else "")
