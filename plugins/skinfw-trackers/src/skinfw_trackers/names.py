"""Recipes and studies as trackers want them: flat names with texts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any


def require(module: str) -> None:
    """Raise ModuleNotFoundError where a library is absent, without importing it."""
    if find_spec(module) is None:
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)


def flat_parameters(recipe: Mapping[str, Any]) -> dict[str, str]:
    """Return the keys of a recipe with dots, each with its value as text.

    A list of tables has a number for each: `augment.0.use`.
    """
    flat: dict[str, str] = {}

    def add(name: str, value: Any) -> None:
        if isinstance(value, Mapping):
            for key, item in value.items():
                add(f"{name}.{key}" if name else str(key), item)
        elif isinstance(value, list) and value and all(isinstance(own, Mapping) for own in value):
            for number, item in enumerate(value):
                add(f"{name}.{number}", item)
        else:
            flat[name] = value if isinstance(value, str) else json.dumps(value)

    add("", recipe)
    return flat


def tags(lineage: Mapping[str, Any]) -> dict[str, str]:
    """Return what says where a run comes from, as texts; the fold or seed under its own word."""
    own = {key: str(value) for key, value in lineage.items() if value is not None}
    if "word" in own and "value" in own:
        own[own.pop("word")] = own.pop("value")
    return own
