"""Commands by name, of the core and of plugins: shown by their summaries, imported when called."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import wraps
from typing import Any

import click
from click.shell_completion import CompletionItem

from skinfw.errors import RecipeError, SkinfwError, printable, raising_line
from skinfw.interfaces.hooks import Command
from skinfw.registry.discovery import Plugin, discover
from skinfw.registry.known_packages import is_first, known_packages
from skinfw.registry.names import nearest

CORE_PLUGIN = Plugin("skinfw", "skinfw", "skinfw", "")
"""Who brings the commands of the core."""

TRACEBACK = "skinfw.traceback"
"""The key under which a context remembers that tracebacks are wanted."""

Offer = tuple[Command, Plugin]


class CommandTree(click.Group):
    """Offer the commands of the core and of all working plugins, some of them in groups."""

    def __init__(
        self,
        name: str,
        core: Sequence[Command],
        groups: Mapping[str, str],
        prefix: tuple[str, ...] = (),
        **options: Any,
    ) -> None:
        """Keep what to offer; plugins are asked when the first name is not the core's.

        core: the core's own commands.
        groups: what known groups are about.
        prefix: the words before the names of this group.
        """
        super().__init__(name, **options)
        self._core, self._groups, self._prefix = core, groups, prefix

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the next words that may follow."""
        return list(dict.fromkeys(words[0] for words, _ in self._offers()))

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return a command, imported, or a group; None where there is none of this name."""
        own = [command for command in self._core if command.name == " ".join((*self._prefix, name))]
        if own:
            return _import_command(own[0], CORE_PLUGIN)
        offers = [(words, offer) for words, offer in self._offers() if words[0] == name]
        if not offers:
            return None
        here = [offer for words, offer in offers if len(words) == 1]
        if len(here) > 1:
            here = [(command, plugin) for command, plugin in here
                    if is_first(plugin.distribution, plugin.name, "command", command.name)
                    ] or here  # fmt: skip
        if len(here) > 1:
            names = [plugin.name for _, plugin in here]
            raise RecipeError(
                f'{len(here)} plugins offer the command "{here[0][0].name}"',
                cure=f"block one of them: SKINFW_BLOCK={names[0]} or SKINFW_BLOCK={names[1]}",
            )
        if here and any(len(words) > 1 for words, _ in offers):
            raise RecipeError(
                f'"{here[0][0].name}" is a command of {here[0][1].name} and a group of others',
                cure=f"block it: SKINFW_BLOCK={here[0][1].name}",
            )
        if here:
            return _import_command(*here[0])
        prefix = (*self._prefix, name)
        about = self._groups.get(" ".join(prefix), "")
        return CommandTree(name, self._core, self._groups, prefix, help=about, short_help=about)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Say of an unknown command who brings it, or what it may have been meant to be."""
        if ctx.resilient_parsing:  # a shell completes: an error would only spoil its line
            with suppress(SkinfwError):
                return super().resolve_command(ctx, args)
            return None, None, args
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            whole = " ".join((*self._prefix, name))
            raise RecipeError(
                f'there is no command "{whole}"', "", *self._absence(ctx, name, whole)
            )
        return super().resolve_command(ctx, args)

    def _absence(self, ctx: click.Context, name: str, whole: str) -> tuple[str, str]:
        """Return why a command is not there, and the cure."""
        for entry in known_packages():
            commands = entry.provides.get("command", ())
            if any(f"{offer} ".startswith(f"{whole} ") for offer in commands):
                plugin = next((one for one in discover() if one.name == entry.plugin), None)
                if plugin is None:
                    return f"{entry.package} provides it", f"pip install '{entry.package}'"
                why = f"plugin {plugin.label} is {plugin.status}: {plugin.error}"
                return why, plugin.cure or "skinfw list-plugins says more"
        close = nearest(name, self.list_commands(ctx))
        return "", f'did you mean "{close[0]}"?' if close else "skinfw --help lists what there is"

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the summaries, and a line for each plugin that does not work."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(word, printable(text)) for word, text in self._summaries().items()]
            )
        broken = [] if self._prefix else [one for one in discover() if one.status != "working"]
        if broken:
            with formatter.section("Plugins that cannot be used"):
                formatter.write_dl(
                    [
                        (printable(one.name), printable(f"{one.status}: {one.error}"))
                        for one in broken
                    ]
                )

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the next words for a shell, which must not wait until commands are imported."""
        words = [
            CompletionItem(word, help=summary)
            for word, summary in self._summaries().items()
            if word.startswith(incomplete)
        ]
        return words + click.Command.shell_complete(self, ctx, incomplete)

    def _summaries(self) -> dict[str, str]:
        """Return what the next words are about."""
        rows: dict[str, str] = {}
        for words, (command, plugin) in self._offers():
            if len(words) == 1:
                brought = "" if plugin is CORE_PLUGIN else f" ({plugin.name})"
                rows[words[0]] = command.summary + brought
            else:
                whole = " ".join((*self._prefix, words[0]))
                rows.setdefault(words[0], self._groups.get(whole, f"Commands of {plugin.name}."))
        return rows

    def _offers(self) -> list[tuple[tuple[str, ...], Offer]]:
        """Return the commands below this group, without the group's own words."""
        every: list[Offer] = [(command, CORE_PLUGIN) for command in self._core]
        every += [(command, plugin) for plugin in discover() for command in plugin.commands]
        depth = len(self._prefix)
        split = [(tuple(command.name.split()), (command, plugin)) for command, plugin in every]
        return [
            (words[depth:], offer)
            for words, offer in split
            if words[:depth] == self._prefix and len(words) > depth
        ]


def _import_command(command: Command, plugin: Plugin) -> click.Command:
    """Import a command, and name its plugin in whatever it raises."""
    label = f'the command "{command.name}" (plugin {plugin.label})'
    report = f"--traceback shows where; report it to {plugin.distribution}"
    module, _, attribute = command.target.partition(":")
    try:
        implementation = getattr(importlib.import_module(module), attribute)
    except (Exception, SystemExit) as error:
        if plugin is CORE_PLUGIN:
            raise
        why = f"importing {command.target} raised {type(error).__name__}: {error}"
        raise RecipeError(f"{label} cannot be used", raising_line(error), why, report) from error
    if not isinstance(implementation, click.Command):
        why = f"{command.target} is a {type(implementation).__name__}, not a click command"
        raise RecipeError(f"{label} cannot be used", "", why, report)
    return _adopt(implementation, label if plugin is not CORE_PLUGIN else "", report)


def _adopt(command: click.Command, label: str, report: str) -> click.Command:
    """Give a command the option --traceback and, if it is a plugin's, a guard; once."""
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            _adopt(inner, label, report)
    elif all(option.name != "traceback" for option in command.params):
        command.params.append(_traceback_option())
        if label and command.callback:
            command.callback = _guard(command.callback, label, report)
    return command


def _guard(function: Callable[..., Any], label: str, report: str) -> Callable[..., Any]:
    """Return a callback whose errors name the plugin."""

    @wraps(function)
    def call(*values: Any, **named: Any) -> Any:
        try:
            return function(*values, **named)
        except (SkinfwError, OSError, click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            what = f"{label} failed: {type(error).__name__}: {error}"
            raise SkinfwError(what, raising_line(error), "", report) from error

    return call


def _traceback_option() -> click.Option:
    def remember(ctx: click.Context, _: click.Parameter, value: bool) -> None:
        ctx.meta[TRACEBACK] = value or ctx.meta.get(TRACEBACK, False)

    return click.Option(
        ["--traceback"],
        is_flag=True,
        expose_value=False,
        callback=remember,
        help="Show the Python traceback of an error.",
    )
