"""The name of a new plugin: what it may be, and what has it already."""

from __future__ import annotations

import re

from skinfw import RecipeError
from skinfw.toolkit import CORE_COMMANDS, KINDS, known_packages, nearest

COMMAND = "command"
LONGEST = 32
"""Longer names would not fit into the lines of the package."""

_NAME = re.compile(r"[A-Za-z]([A-Za-z0-9]|[-_.](?=[A-Za-z0-9]))*")
_COMMAND_NAME = re.compile(r"[a-z]([a-z0-9]|-(?=[a-z0-9]))*")


def check_kind(kind: str) -> None:
    """Refuse a kind that does not exist.

    kind: one of the kinds of components, or "command".
    """
    kinds = (*KINDS, COMMAND)
    if kind not in kinds:
        close = nearest(kind, kinds)
        raise RecipeError(
            f'there is no kind "{kind}"',
            cure=f'did you mean "{close[0]}"?' if close else f"the kinds: {', '.join(kinds)}",
        )


def check_name(kind: str, name: str) -> None:
    """Refuse a name that no package can have, or that something of skinfw has.

    kind: of the component, or "command".
    name: of the component and of its plugin.
    """
    grammar = _COMMAND_NAME if kind == COMMAND else _NAME
    if not grammar.fullmatch(name) or len(name) > LONGEST:
        case = "lower-case letters" if kind == COMMAND else "letters"
        signs = '"-"' if kind == COMMAND else '"-", "_" or "."'
        raise RecipeError(
            f'"{name}" cannot name a plugin',
            why="the package, its modules and classes are named after it",
            cure=f"begin with a letter; take {case} and digits, {signs} between them, "
            f"{LONGEST} at most",
        )
    if owner := _owner(kind, name):
        raise RecipeError(
            f'the {kind} "{name}" exists already'
            if owner != _stem(name)
            else f'a plugin called "{owner}" exists already',
            why=f'the plugin "{owner}" of skinfw has this name',
            cure="choose another name; one name never means two things",
        )


def _stem(name: str) -> str:
    """Return a name as that of a module, which tells what two names share."""
    return re.sub(r"[-.]", "_", name.lower())


def _owner(kind: str, name: str) -> str:
    """Return the known plugin that has a name as its own or offers it; empty for none."""
    if kind == COMMAND and name in CORE_COMMANDS:
        return "core"
    for entry in known_packages():
        offers = entry.provides.get(kind, ())
        words = [offer.split()[0] for offer in offers] if kind == COMMAND else offers
        if _stem(entry.plugin) == _stem(name) or name in words:
            return entry.plugin
    return ""
