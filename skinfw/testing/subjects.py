"""What else of a plugin is tried beside its components: its module, and its commands."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from skinfw.interfaces.hooks import Command
from skinfw.registry.discovery import Plugin


@dataclass(frozen=True)
class PluginSubject:
    """Hold a plugin whose module is tried.

    plugin: the plugin.
    """

    plugin: Plugin
    kind_name: str = "plugin"
    expected_failures: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The plugin's name."""
        return self.plugin.name

    @property
    def label(self) -> str:
        """The plugin for messages."""
        return f"plugin {self.plugin.label}"


@dataclass(frozen=True)
class CommandSubject:
    """Hold a command that is tried.

    plugin: who brings it.
    command: what it is called and where it is.
    """

    plugin: Plugin
    command: Command
    kind_name: str = "command"
    expected_failures: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The command's words."""
        return self.command.name

    @property
    def label(self) -> str:
        """The command for messages."""
        return f'command "{self.command.name}" (plugin {self.plugin.label})'

    def load(self) -> Any:
        """Import the command."""
        module, _, attribute = self.command.target.partition(":")
        return getattr(importlib.import_module(module), attribute)
