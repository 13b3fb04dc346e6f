"""Packages that are known to bring plugins, installed or not: registry.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class KnownPackage:
    """Hold one entry of registry.toml: a package that may or may not be installed.

    package: what to install.
    plugin: the plugin's name.
    provides: component names by kind, and the names of commands under "command".
    summary: one sentence.
    """

    package: str
    plugin: str
    provides: Mapping[str, tuple[str, ...]]
    summary: str


def is_first(package: str, plugin: str, kind: str = "", name: str = "") -> bool:
    """Tell whether registry.toml gives a plugin, and what it offers, to a package.

    package: that is installed.
    plugin: the name that it claims.
    kind, name: of a component, or "command" and its words; empty for the plugin itself.
    What others were written against keeps its meaning, whoever takes the same name later.
    """
    return any(
        (entry.package.partition("[")[0], entry.plugin) == (package, plugin)
        and (not kind or name in entry.provides.get(kind, ()))
        for entry in known_packages()
    )


@cache
def known_packages() -> tuple[KnownPackage, ...]:
    """Return the curated index of known packages; it never installs anything."""
    folder = Path(__file__).parent
    # In a wheel the index lies in this folder, in a checkout at the top.
    file = next(
        path
        for path in (folder / "registry.toml", folder.parents[1] / "registry.toml")
        if path.is_file()
    )
    data: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    return tuple(
        KnownPackage(
            entry["package"],
            entry["plugin"],
            {kind: tuple(names) for kind, names in entry["provides"].items()},
            entry["summary"],
        )
        for entry in data["plugin"]
    )
