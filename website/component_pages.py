"""A page for each kind with its components, and one for the settings, from their signatures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from skinfw import SkinfwError, components
from skinfw.testing import CHECKS
from skinfw.toolkit import (
    KEYS,
    KINDS,
    SETTINGS,
    CatalogEntry,
    Kind,
    Parameters,
    TopLevel,
    describe,
    import_target,
    parameters,
    table_header,
    variants,
)

SHOWN_VARIANTS = 8


def component_pages() -> Iterator[tuple[str, str]]:
    """Yield name and text of each page."""
    yield "settings", _settings()
    for kind in KINDS.values():
        yield kind.name, _kind(kind)


def _settings() -> str:
    parts = [
        "# Settings",
        "Tables of a recipe that belong to the host. [Recipes](../recipes.md) tells how they work.",
    ]
    for name, keys in {"": TopLevel, **SETTINGS}.items():
        parts.append(f"## [{name}]" if name else "## Above all tables")
        parts += _parameters(parameters(keys))
    return "\n\n".join(parts)


def _kind(kind: Kind) -> str:
    offers = [entry for entry in components(kind.name) if entry.plugin.distribution == "skinfw"]
    parts = [
        f"# {kind.name}",
        f"`{kind.does}`",
        f"{_naming(kind)} [What is asked of it](../kinds.md#{kind.name}), if you write one.",
    ]
    for entry in offers:
        parts += _component(entry)
    if kind.name in KEYS:
        parts += ["## Keys of all", *_parameters(parameters(KEYS[kind.name]), summary=False)]
    checks = [check for check in CHECKS if kind.name in check.kinds]
    parts += [
        "## What each promises",
        f"`skinfw check-plugin` and `skinfw.testing.conformance` try this with each {kind.name}. "
        "Without *base* the host cannot run it; *full* is what users rely on.",
        "\n".join(
            ["| Check | Level | Promise |", "|---|---|---|"]
            + [f"| {check.name} | {check.level} | {check.asks} |" for check in checks]
        ),
    ]
    return "\n\n".join(parts)


def _naming(kind: Kind) -> str:
    """Say where a component of a kind is named."""
    header = table_header(kind.name)
    if kind.in_recipe:
        return f"In a recipe: `{header}`."
    return f"Not in a recipe: `--{kind.name} NAME`, or that of a file with `{header}`."


def _component(entry: CatalogEntry) -> Iterator[str]:
    component = entry.component
    yield f"## {component.name}{'/…' if component.variants else ''}"
    yield f"{component.summary} *(plugin {entry.plugin.name})*"
    if component.extra:
        yield f"Needs `pip install 'skinfw[{component.extra}]'`."
    if component.variants:
        yield _family(entry)
    if component.by_variant:
        yield f"Each has the parameters of its own: `skinfw show {component.kind} NAME`."
        return
    shown = replace(entry, variant="VARIANT") if component.variants else entry
    yield from _parameters(import_target(shown, "the reference")[1])


def _family(entry: CatalogEntry) -> str:
    """Name some of the members."""
    name = entry.component.name
    try:
        members = variants(entry, "the reference")
    except SkinfwError as error:  # what it needs is not installed here
        return f"`skinfw show {entry.component.kind} {name}` lists its members ({error.what})."
    step = max(1, len(members) // SHOWN_VARIANTS)
    few = ", ".join(f"`{name}/{member}`" for member in members[::step][:SHOWN_VARIANTS])
    return f"{len(members):,} members, such as {few}."


def _parameters(own: Parameters, summary: bool = True) -> Iterator[str]:
    """Yield what a signature says.

    summary: whether to begin with its sentence and what follows it.
    """
    if summary:
        yield own.summary
        if own.body:
            yield own.body
    schema, defaults = own.schema(), own.defaults()
    for name, node in schema.get("properties", {}).items():
        allowed = describe(node, schema.get("$defs"))
        default = f"default `{json.dumps(defaults[name])}`" if name in defaults else "required"
        yield f"`{name}`: {allowed}; {default}\n:   {node.get('description', '')}"
