"""What is installed, from Python."""

from __future__ import annotations

from typing import Any

from skinfw.api.html import table
from skinfw.errors import RecipeError
from skinfw.interfaces.kinds import KINDS
from skinfw.registry.catalog import Catalog, CatalogEntry
from skinfw.registry.discovery import Plugin, discover
from skinfw.registry.names import did_you_mean


class Components(list[CatalogEntry]):
    """Hold components; a notebook shows them as a table."""

    def _repr_html_(self) -> str:
        rows = [
            (own.component.kind, own.component.name, own.component.summary, own.plugin.label)
            for own in self
        ]
        return table(("kind", "name", "summary", "plugin"), rows, words=4)


class Plugins(list[Plugin]):
    """Hold plugins; a notebook shows them as a table."""

    def _repr_html_(self) -> str:
        rows: list[tuple[Any, ...]] = [
            (own.name, own.version, own.status, own.error or f"{len(own.components)} components")
            for own in self
        ]
        return table(("plugin", "version", "status", "offers"), rows, words=4)


def components(kind: str | None = None) -> Components:
    """Return what recipes can name.

    kind: of which kind; all unless given.
    """
    if kind is not None and kind not in KINDS:
        raise RecipeError(
            f'there is no kind "{kind}"{did_you_mean(kind, KINDS)}',
            cure=f"kinds are {', '.join(KINDS)}",
        )
    catalog = Catalog()
    return Components(own for name in KINDS if kind in (None, name) for own in catalog.offers(name))


def list_plugins() -> Plugins:
    """Return the installed plugins, also those that cannot be used, with the reason."""
    return Plugins(discover())
