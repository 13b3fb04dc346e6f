"""From a kind and a name to the component that a recipe means, or to what to do about it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from skinfw.errors import RecipeError, shorten
from skinfw.interfaces.hooks import Command, Component
from skinfw.registry.discovery import Plugin, discover
from skinfw.registry.known_packages import KnownPackage, is_first, known_packages
from skinfw.registry.names import LocalName, Name, nearest, parse
from skinfw.registry.trust import check_trust


@dataclass(frozen=True)
class CatalogEntry:
    """Hold a component with the plugin that brings it.

    component: what the name means.
    plugin: who brings it.
    variant: the family member, or empty.
    file: the local file, for `./file.py:attribute`.
    """

    component: Component
    plugin: Plugin
    variant: str = ""
    file: Path | None = None

    @property
    def label(self) -> str:
        """The component for messages: `sampler "every-other" (plugin acme 0.1.0)`."""
        name = self.component.name + (f"/{self.variant}" if self.variant else "")
        return f'{self.component.kind} "{name}" (plugin {self.plugin.label})'


class UnknownName(RecipeError):
    """Say that no plugin offers what a recipe names, as far as anybody knows."""


class Catalog:
    """Look components up by kind and name; never chooses silently between two."""

    def __init__(self, plugins: Iterable[Plugin] | None = None) -> None:
        """Take the installed plugins, or those given."""
        self.plugins = tuple(discover() if plugins is None else plugins)

    def offers(self, kind: str) -> Iterator[CatalogEntry]:
        """Return what working plugins offer of one kind."""
        for plugin in self.plugins:
            for component in plugin.components:
                if component.kind == kind:
                    yield CatalogEntry(component, plugin)

    def commands(self, table: str) -> Iterator[Command]:
        """Return the commands whose files have a table that recipes have not."""
        for plugin in self.plugins:
            yield from (command for command in plugin.commands if table in command.tables)

    def use_names(self, kind: str) -> list[str]:
        """Return the names that a recipe may write, qualified where a bare one means another."""
        offers = list(self.offers(kind))
        names = [entry.component.name for entry in offers]
        return [
            entry.component.name
            if names.count(entry.component.name) == 1 or _is_first(entry)
            else f"{entry.plugin.name}:{entry.component.name}"
            for entry in offers
        ]

    def find(
        self, kind: str, use: str, where: str, folder: Path, trusted: bool = True
    ) -> CatalogEntry:
        """Return what a recipe means by a name.

        kind: the table that names it.
        use: the name.
        where: the place in the recipe, for the message.
        folder: what `./file.py` is relative to.
        trusted: whether such a file is the user's own; any other must be trusted.
        Raises RecipeError with the cure.
        """
        use, name = shorten(use), parse(use)
        if isinstance(name, LocalName):
            return _local(kind, name, where, folder, trusted)
        if name is None:
            raise RecipeError(
                f'"{use}" is no component name',
                where,
                cure='write "name", "plugin:name", "family/variant" or "./file.py:attribute"',
            )
        matches = [
            entry
            for entry in self.offers(kind)
            if entry.component.name == name.component
            and name.plugin in ("", entry.plugin.name)
            and bool(name.variant) == bool(entry.component.variants)
        ]
        first = [entry for entry in matches if _is_first(entry)]
        if not first and not name.plugin and matches and self._listing(kind, name):
            raise self._unknown_name(kind, use, name, where, matches)
        matches = first or matches
        if len(matches) > 1:
            spellings = " or ".join(f'"{entry.plugin.name}:{use}"' for entry in matches)
            raise RecipeError(
                f'{len(matches)} plugins offer a {kind} called "{use}"',
                where,
                cure=f"write {spellings}",
            )
        if not matches:
            raise self._unknown_name(kind, use, name, where)
        entry = matches[0]
        return CatalogEntry(entry.component, entry.plugin, name.variant)

    def _listing(self, kind: str, name: Name) -> KnownPackage | None:
        """Return the package that is known to provide a component."""
        provide = (
            entry
            for entry in known_packages()
            if name.component in entry.provides.get(kind, ()) and name.plugin in ("", entry.plugin)
        )
        return next(provide, None)

    def _unknown_name(
        self,
        kind: str,
        use: str,
        name: Name,
        where: str,
        others: Sequence[CatalogEntry] = (),
    ) -> RecipeError:
        """Say why nothing has this name: plugin unusable, not installed, or a slip.

        others: what has the name and is not what the name means.
        """
        what = f'no {kind} is called "{use}"'
        if others:
            rest = use.removeprefix(name.component)
            spellings = " or ".join(
                f'"{entry.plugin.name}:{entry.component.name}{rest}"' for entry in others
            )
            what = f'the {kind} "{use}" cannot be used; {spellings} is another one'
        family = [f for f in self.offers(kind) if f.component.name == name.component]
        if family and family[0].component.variants and not name.variant:
            return RecipeError(
                f'the {kind} "{use}" is a family and needs a variant',
                where,
                cure=f'write "{use}/VARIANT"; skinfw show {kind} {use} lists them',
            )
        if family and name.variant and not family[0].component.variants:
            cure = f'write "{name.component}"'
            return RecipeError(f'the {kind} "{name.component}" has no variants', where, cure=cure)
        listing = self._listing(kind, name)
        plugin_name = name.plugin or (listing.plugin if listing else "")
        for plugin in self.plugins:
            if plugin.name == plugin_name and plugin.status != "working":
                why = f"plugin {plugin.label} is {plugin.status}: {plugin.error}"
                return RecipeError(what, where, why, plugin.cure or "skinfw list-plugins says more")
        if listing and all(plugin.name != listing.plugin for plugin in self.plugins):
            why = f"{listing.package} provides it and is not installed"
            return RecipeError(what, where, why, f"pip install '{listing.package}'")
        if name.plugin and all(plugin.name != name.plugin for plugin in self.plugins):
            close = nearest(name.plugin, [plugin.name for plugin in self.plugins])
            hint = f'did you mean the plugin "{close[0]}"?' if close else "skinfw list-plugins"
            return RecipeError(what, where, f'no plugin is called "{name.plugin}"', hint)
        unusable = [one for one in self.plugins if one.status not in ("working", "blocked")]
        why = "; ".join(f"plugin {one.label} is {one.status}: {one.error}" for one in unusable)
        return UnknownName(what, where, why, self._suggest(kind, name))

    def _suggest(self, kind: str, name: Name) -> str:
        """Name the component that a slip may have meant, or where else the name exists."""
        offers = list(self.offers(kind))
        close = nearest(name.component, [entry.component.name for entry in offers])
        if close:
            owner = next(f.plugin.name for f in offers if f.component.name == close[0])
            variant = f"/{name.variant}" if name.variant else ""
            return f'did you mean "{close[0]}{variant}" (plugin {owner})?'
        for plugin in self.plugins:
            for component in plugin.components:
                if component.name == name.component:
                    return f'"{name.component}" is a {component.kind}: use it in [{component.kind}]'
        return f"skinfw list-plugins --kind {kind} lists what there is"


def _is_first(entry: CatalogEntry) -> bool:
    """Tell whether a bare name means this one, whoever else offers it."""
    component, plugin = entry.component, entry.plugin
    return is_first(plugin.distribution, plugin.name, component.kind, component.name)


def _local(kind: str, name: LocalName, where: str, folder: Path, trusted: bool) -> CatalogEntry:
    """Describe a component in a file beside the recipe."""
    file, why = folder / name.file, ""
    try:
        file = file.resolve()
        content = file.read_bytes() if file.is_file() else None
    except (OSError, RuntimeError) as error:  # a name that no file can have, a circle of links
        content, why = None, getattr(error, "strerror", None) or str(error)
    if content is None:
        shown = shorten(name.file)
        raise RecipeError(
            f"{shown} cannot be read" if why else f'there is no file "{shown}"',
            where,
            why or f"looked for {shorten(str(file))}",
            "the path is relative to the recipe (of --set: to the current folder)",
        )
    if not trusted:
        check_trust(file, where)
    digest = hashlib.sha256(content).hexdigest()
    component = Component(
        kind, name.attribute, f"{file.stem}:{name.attribute}", f"from {file.name}"
    )
    plugin = Plugin(f"./{file.name}", str(file), str(file), f"sha256 {digest[:12]}")
    return CatalogEntry(component, plugin, file=file)
