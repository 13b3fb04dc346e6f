"""`skinfw show`: a component and its parameters."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from skinfw.toolkit import KINDS, echo, known_packages, nearest, table_header, table_text
from skinfw_catalog.columns import print_columns, print_text

if TYPE_CHECKING:
    from skinfw.toolkit import Catalog, CatalogEntry, Parameters

SHOWN_VARIANTS = 24


def _complete(ctx: click.Context, parameter: click.Parameter, written: str) -> list[CompletionItem]:
    """Return kinds and components for a shell; after a kind, the components of that kind."""
    from skinfw.toolkit import Catalog

    catalog, items = Catalog(), dict[str, str]()
    kinds = [ctx.params["first"]]
    if parameter.name == "first":
        kinds = list(KINDS)
        items = {kind.name: kind.does for kind in KINDS.values()}
    offers = [entry.component for kind in kinds for entry in catalog.offers(kind)]
    items |= {one.name: one.summary for one in offers}
    return [CompletionItem(n, help=does) for n, does in items.items() if n.startswith(written)]


@click.command()
@click.argument("first", metavar="[KIND]", required=False, shell_complete=_complete)
@click.argument("second", metavar="[NAME]", required=False, shell_complete=_complete)
def show(first: str | None, second: str | None) -> None:
    """Explain a component and its parameters.

    NAME is enough where only one kind has a component of this name. A KIND alone lists its
    components, and without anything the kinds are listed.
    """
    from skinfw.toolkit import Catalog

    catalog = Catalog()
    if first is None:
        print_columns([(kind.name, kind.does) for kind in KINDS.values()])
    elif second is not None:
        _show(catalog, _known_kind(first), second)
    elif first in KINDS:
        echo(f"[{first}]  {KINDS[first].does}\n", bold=True)
        offers = [entry.component for entry in catalog.offers(first)]
        print_columns([(f"  {one.name}", one.summary) for one in offers])
    else:
        _show(catalog, _kind_of(catalog, first), first)


def _known_kind(kind: str) -> str:
    """Return a kind that there is."""
    from skinfw import RecipeError

    if kind in KINDS:
        return kind
    close = nearest(kind, KINDS)
    cure = f'did you mean "{close[0]}"?' if close else f"there is {', '.join(KINDS)}"
    raise RecipeError(f'there is no kind "{kind}"', cure=cure)


def _kind_of(catalog: Catalog, use: str) -> str:
    """Return the one kind that has a component, or say which ones have it."""
    from skinfw import RecipeError

    if use.partition(":")[0].endswith(".py"):
        cure = f"skinfw show KIND {use}"
        raise RecipeError(f'the kind of "{use}" has to be said', cure=cure)
    family = use.rpartition(":")[2].partition("/")[0]
    names = {kind: [entry.component.name for entry in catalog.offers(kind)] for kind in KINDS}
    kinds = [kind for kind in KINDS if family in names[kind]] or _known_kinds(family)
    if len(kinds) > 1 and "/" in use:
        kinds = [kind for kind in kinds if _has_member(catalog, kind, use)] or kinds
    if len(kinds) == 1:
        return kinds[0]
    if kinds:
        ways = " or ".join(f"skinfw show {kind} {use}" for kind in kinds)
        raise RecipeError(f'"{family}" is the name of {len(kinds)} components', cure=ways)
    close = nearest(family, [*KINDS, *chain(*names.values())])
    raise RecipeError(
        f'no kind and no component is called "{use}"',
        cure=f'did you mean "{close[0]}"?' if close else "skinfw list-plugins lists what there is",
    )


def _known_kinds(name: str) -> list[str]:
    """Return the kinds in which known packages have a component, where none is at hand."""
    every = [entry.provides for entry in known_packages()]
    return [kind for kind in KINDS if any(name in provides.get(kind, ()) for provides in every)]


def _has_member(catalog: Catalog, kind: str, use: str) -> bool:
    """Tell whether the family of this kind, of several, has members that begin as asked."""
    from skinfw import SkinfwError

    try:
        return bool(_members(catalog, kind, use)[1])
    except SkinfwError:  # a family that cannot be asked is not what was meant
        return False


def _members(catalog: Catalog, kind: str, use: str) -> tuple[CatalogEntry, list[str]]:
    """Return a family, and its members that begin as asked."""
    from skinfw.toolkit import variants

    family, _, start = use.partition("/")
    where = f"skinfw show {kind} {use}"
    entry = catalog.find(kind, f"{family}/{start or 'VARIANT'}", where, Path.cwd())
    return entry, [member for member in variants(entry, where) if member.startswith(start)]


def _show(catalog: Catalog, kind: str, name: str) -> None:
    """Print a component, or what there is of a family."""
    from dataclasses import replace

    from skinfw.toolkit import check_variant, import_target

    where = f"skinfw show {kind} {name}"
    family, _, start = name.partition("/")
    families = {entry.component.name for entry in catalog.offers(kind) if entry.component.variants}
    if family.rpartition(":")[2] not in families:
        entry = catalog.find(kind, name, where, Path.cwd())
        _print_component(entry, import_target(entry, where)[1])
        return
    entry, members = _members(catalog, kind, name)
    if not members:
        check_variant(entry, where)
    if start not in members:
        entry = replace(entry, variant="VARIANT")
    if entry.component.by_variant and start not in members:  # no two have the same parameters
        _print_head(entry)
        print_text(f"  {entry.component.summary}")
    else:
        _print_component(entry, import_target(entry, where)[1])
    _print_members(family, start, members)


def _print_members(family: str, start: str, members: list[str]) -> None:
    """List the variants that begin as asked, or some of very many."""
    few = (
        members
        if start or len(members) <= SHOWN_VARIANTS
        else members[:: len(members) // SHOWN_VARIANTS][:SHOWN_VARIANTS]
    )
    echo(f"\nvariants: {len(members)}", bold=True)
    echo("  " + "  ".join(f"{family}/{member}" for member in few))
    if len(few) < len(members):
        echo(f"  ... {family}/{members[0][:4]} lists those that begin so")


def _print_head(entry: CatalogEntry) -> str:
    """Say what is shown and who brings it; returns the name for a recipe."""
    component = entry.component
    name = component.name + (f"/{entry.variant}" if component.variants else "")
    if entry.file:
        name = f"./{entry.file.name}:{component.name}"
    echo(f"{component.kind} {name}", bold=True, nl=False)
    echo(f"   plugin {entry.plugin.label}, {component.target}")
    return name


def _print_key(source: Parameters, key: str) -> None:
    """Say what a key may be, what it is unless given, and what it means."""
    from skinfw.toolkit import describe

    schema, defaults = source.schema(), source.defaults()
    node = schema["properties"][key]
    written = f"default {json.dumps(defaults[key])}" if key in defaults else "required"
    echo(f"\n  {key}", fg="cyan", nl=False)
    echo(f"   {describe(node, schema.get('$defs'))}; {written}")
    if node.get("description"):
        print_text(f"      {node['description']}", indent=6)


def _print_component(entry: CatalogEntry, signature: Parameters) -> None:
    from skinfw.toolkit import KEYS, LISTED_KEYS, describe, parameters

    component, name = entry.component, _print_head(entry)
    print_text(f"  {signature.summary}")
    if signature.body:
        echo()
        for line in signature.body.splitlines():
            echo(f"  {line}".rstrip())
    schemas = [signature]
    if component.kind in KEYS:
        schemas.append(parameters(KEYS[component.kind]))
    example: dict[str, Any] = {"use": name}
    needed: list[str] = []
    for source in schemas:
        schema, defaults = source.schema(), source.defaults()
        for key, node in schema.get("properties", {}).items():
            allowed = describe(node, schema.get("$defs"))
            if key not in defaults:
                needed.append(f"# {key} = ...   required: {allowed}\n")
            else:
                example.setdefault(key, defaults[key])
            _print_key(source, key)
    listed = LISTED_KEYS.get(component.kind)
    if listed:
        further = [key for key in parameters(listed).defaults() if key not in example]
        echo(f"\n  where a recipe lists several, [[{component.kind}]]:")
        for key in further:
            _print_key(parameters(listed), key)
    echo(f"\n{table_text(table_header(component.kind), example)}{''.join(needed)}", nl=False)
