"""`skinfw show`: a component and its parameters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skinfw.toolkit import KINDS, table_header, table_text

if TYPE_CHECKING:
    from skinfw.toolkit import CatalogEntry, Parameters

SHOWN_VARIANTS = 24


@click.command()
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.argument("name", required=False)
def show(kind: str, name: str | None) -> None:
    """Explain a component and its parameters."""
    from dataclasses import replace

    from skinfw.toolkit import Catalog, check_variant, import_target, variants

    catalog = Catalog()
    if name is None:
        click.secho(f"[{kind}]  {KINDS[kind].does}\n", bold=True)
        for entry in catalog.offers(kind):
            click.echo(f"  {entry.component.name:20} {entry.component.summary}")
        return
    where = f"skinfw show {kind} {name}"
    family, _, start = name.partition("/")
    families = {entry.component.name for entry in catalog.offers(kind) if entry.component.variants}
    if family.rpartition(":")[2] not in families:
        entry = catalog.find(kind, name, where, Path.cwd())
        _print_component(entry, import_target(entry, where)[1])
        return
    entry = catalog.find(kind, f"{family}/{start or 'VARIANT'}", where, Path.cwd())
    members = [member for member in variants(entry, where) if member.startswith(start)]
    if not members:
        check_variant(entry, where)
    if start not in members:
        entry = replace(entry, variant="VARIANT")
    _print_component(entry, import_target(entry, where)[1])
    _print_members(family, start, members)


def _print_members(family: str, start: str, members: list[str]) -> None:
    """List the variants that begin as asked, or some of very many."""
    few = (
        members
        if start or len(members) <= SHOWN_VARIANTS
        else members[:: len(members) // SHOWN_VARIANTS][:SHOWN_VARIANTS]
    )
    click.secho(f"\nvariants: {len(members)}", bold=True)
    click.echo("  " + "  ".join(f"{family}/{member}" for member in few))
    if len(few) < len(members):
        click.echo(f"  ... {family}/{members[0][:4]} lists those that begin so")


def _print_component(entry: CatalogEntry, signature: Parameters) -> None:
    from skinfw.toolkit import KEYS, describe, parameters

    component = entry.component
    name = component.name + (f"/{entry.variant}" if component.variants else "")
    if entry.file:
        name = f"./{entry.file.name}:{component.name}"
    click.secho(f"{component.kind} {name}", bold=True, nl=False)
    click.echo(f"   plugin {entry.plugin.label}, {component.target}")
    click.echo(f"  {signature.summary}")
    if signature.body:
        click.echo()
        for line in signature.body.splitlines():
            click.echo(f"  {line}".rstrip())
    schemas = [signature]
    if component.kind in KEYS:
        schemas.append(parameters(KEYS[component.kind]))
    example: dict[str, Any] = {"use": name}
    needed: list[str] = []
    for source in schemas:
        schema, defaults = source.schema(), source.defaults()
        for key, node in schema.get("properties", {}).items():
            written = "required"
            allowed = describe(node, schema.get("$defs"))
            if key not in defaults:
                needed.append(f"# {key} = ...   required: {allowed}\n")
            else:
                written = f"default {json.dumps(defaults[key])}"
                example.setdefault(key, defaults[key])
            click.secho(f"\n  {key}", fg="cyan", nl=False)
            click.echo(f"   {allowed}; {written}")
            if node.get("description"):
                click.echo(f"      {node['description']}")
    click.echo(f"\n{table_text(table_header(component.kind), example)}{''.join(needed)}", nl=False)
