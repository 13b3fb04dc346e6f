"""`skinfw list-plugins`: what is installed, what is not, and why something does not work."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from skinfw.toolkit import KINDS, is_first
from skinfw_catalog.columns import print_columns, print_text, whole

if TYPE_CHECKING:
    from skinfw.toolkit import Plugin

# A working plugin is plain; the others stand out.
_COLOURS = {"broken": "red", "incompatible": "yellow", "conflict": "yellow", "blocked": "cyan"}


@click.command("list-plugins")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
@click.option("--kind", type=click.Choice(list(KINDS)), help="Only components of one kind.")
@click.option("--available", is_flag=True, help="Also list known packages, installed or not.")
@click.option("--verbose", "-v", is_flag=True, help="A line per component.")
@click.option("--strict", is_flag=True, help="Exit with 1 unless every plugin works.")
def list_plugins(
    as_json: bool, kind: str | None, available: bool, verbose: bool, strict: bool
) -> None:
    """List the installed plugins and what they offer to recipes and to the command line."""
    from skinfw.toolkit import discover

    plugins = [_with_targets(plugin) for plugin in discover()]
    if as_json and available:
        from skinfw.toolkit import known_packages

        click.echo(json.dumps([asdict(entry) for entry in known_packages()], indent=2))
    elif as_json:
        click.echo(json.dumps([asdict(plugin) for plugin in _of_kind(plugins, kind)], indent=2))
    elif verbose or kind:
        _print_components(plugins, kind)
    else:
        _print_plugins(plugins)
    if available and not as_json:
        _print_available(plugins)
    if not as_json:
        for hint in _hints(plugins):
            print_text(hint, "yellow")
    if strict and any(plugin.status != "working" for plugin in plugins):
        raise click.exceptions.Exit(1)


def _with_targets(plugin: Plugin) -> Plugin:
    """Return the plugin, broken where it names a module that is not there; nothing is imported."""
    from dataclasses import replace
    from importlib.util import find_spec

    offers = [(one.name, one.target) for one in plugin.components]
    offers += [(one.name, one.target) for one in plugin.commands]
    for name, target in offers:
        module = target.partition(":")[0]
        try:
            there = find_spec(module) is not None
        except (ImportError, ValueError):
            there = False
        if not there:
            error = f'"{name}" has the target {target}, and there is no module {module}'
            return replace(plugin, status="broken", error=error, cure="its author mends the target")
    return plugin


def _of_kind(plugins: Sequence[Plugin], kind: str | None) -> list[Plugin]:
    from dataclasses import replace

    if kind is None:
        return list(plugins)
    chosen = [
        replace(plugin, components=tuple(c for c in plugin.components if c.kind == kind))
        for plugin in plugins
    ]
    return [plugin for plugin in chosen if plugin.components or plugin.status != "working"]


def _print_plugins(plugins: Sequence[Plugin]) -> None:
    rows = []
    for plugin in plugins:
        if plugin.status == "working":
            names = [component.name for component in plugin.components]
            commands = [whole(f"skinfw {command.name}") for command in plugin.commands]
            text = ", ".join(dict.fromkeys([*names, *commands]))
        else:
            text = plugin.error
        cost = f"{1000 * plugin.seconds:.0f} ms" + (" torch" if plugin.imported_torch else "")
        rows.append((plugin.name, plugin.status, plugin.distribution, plugin.version, cost, text))
    header = ("plugin", "status", "package", "version", "cost", "what it offers")
    print_columns(rows, header, [_COLOURS.get(plugin.status) for plugin in plugins])


def _print_components(plugins: Sequence[Plugin], kind: str | None) -> None:
    rows = [
        (
            component.kind,
            component.name + ("/*" if component.variants else ""),
            f"{plugin.name} {plugin.version}",
            component.summary,
        )
        for plugin in plugins
        for component in plugin.components
        if kind in (None, component.kind)
    ]
    if kind is None:
        rows += [
            ("command", command.name, f"{plugin.name} {plugin.version}", command.summary)
            for plugin in plugins
            for command in plugin.commands
        ]
    order = [*KINDS, "command"]
    rows.sort(key=lambda row: (order.index(row[0]), row[1]))
    print_columns(rows, ("kind", "component", "plugin", "what it does"))
    broken = [plugin for plugin in plugins if plugin.status != "working"]
    if broken:
        click.echo()
        _print_plugins(broken)


def _print_available(plugins: Sequence[Plugin]) -> None:
    from skinfw.toolkit import known_packages

    states = {plugin.name: plugin.status for plugin in plugins}
    rows = [
        (
            entry.package,
            states.get(entry.plugin, f"pip install '{entry.package}'"),
            f"{entry.plugin}: {entry.summary}",
        )
        for entry in known_packages()
    ]
    click.echo()
    colours = [_COLOURS.get(state) for _, state, _ in rows]
    print_columns(rows, ("package", "state", "what it brings"), colours)


def _hints(plugins: Sequence[Plugin]) -> list[str]:
    """Say what a user should do about what the table shows."""
    hints = [
        f"{plugin.name}: {plugin.cure}"
        for plugin in plugins
        if plugin.status != "working" and plugin.cure
    ]
    owners: dict[tuple[str, str], list[Plugin]] = {}
    for plugin in plugins:
        for kind, name in [
            *((component.kind, component.name) for component in plugin.components),
            *(("command", command.name) for command in plugin.commands),
        ]:
            owners.setdefault((kind, name), []).append(plugin)
    hints += [_shared_name(kind, name, own) for (kind, name), own in owners.items() if own[1:]]
    packages: dict[str, set[str]] = {}
    for plugin in plugins:
        packages.setdefault(plugin.module.split(".")[0], set()).add(plugin.distribution)
    for package, brought_by in packages.items():
        if len(brought_by) > 1:
            both = " and ".join(sorted(brought_by))
            hints.append(
                f"{both} both install the package {package}: uninstalling one breaks the other"
            )
    return hints + _stale(plugins)


def _shared_name(kind: str, name: str, owners: Sequence[Plugin]) -> str:
    """Say what a name means that several plugins offer."""
    both = " and ".join(plugin.name for plugin in owners)
    said = f'{both} offer the {kind} "{name}"'
    first = [one for one in owners if is_first(one.distribution, one.name, kind, name)]
    if kind == "command":
        return said + (f": that of {first[0].name} is called" if first else ": none is called")
    others = " or ".join(f'"{one.name}:{name}"' for one in owners if one not in first)
    if not first:
        return f"{said}: recipes write {others}"
    return f"{said}: the bare name is that of {first[0].name}, recipes write {others} for the other"


def _stale(plugins: Sequence[Plugin]) -> list[str]:
    """Notice an editable install whose pyproject.toml has changed since pip read it."""
    import tomllib
    from pathlib import Path

    import skinfw

    project = Path(skinfw.__file__).parent.parent / "pyproject.toml"
    if not project.is_file():
        return []
    written = tomllib.loads(project.read_text(encoding="utf-8")).get("project", {})
    declared = written.get("entry-points", {}).get("skinfw", {})
    if written.get("name") != "skinfw":
        return []
    bundled = {plugin.name for plugin in plugins if plugin.distribution == "skinfw"}
    known = {plugin.name for plugin in plugins}
    missing = sorted(set(declared) - known)
    gone = sorted(bundled - set(declared))
    if not missing and not gone:
        return []
    return [
        f"the installed metadata of skinfw is stale ({', '.join(missing + gone)} changed in "
        f"pyproject.toml): run pip install -e . again"
    ]
