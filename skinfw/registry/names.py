"""Names in recipes: `plugin:component/variant` or `./file.py:attribute`, and near misses."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

_NAME = re.compile(
    r"(?:(?P<plugin>[\w.-]+):)?(?P<component>[A-Za-z0-9][\w.-]*(?:@[1-9]\d*)?)(?:/(?P<variant>\S+))?"
)
_LOCAL = re.compile(r"(?P<file>.+\.py):(?P<attribute>[A-Za-z_]\w*)")


@dataclass(frozen=True)
class Name:
    """Hold the parts of a component's name; the kind is never among them.

    plugin: the plugin that must provide it, or empty.
    component: the component.
    variant: the member of a family, or empty.
    """

    plugin: str
    component: str
    variant: str


@dataclass(frozen=True)
class LocalName:
    """Hold the parts of a name that points into a file beside the recipe."""

    file: str
    attribute: str


def parse(text: str) -> Name | LocalName | None:
    """Take a name apart; None where it is none.

    text: the value of `use`.
    """
    if match := _LOCAL.fullmatch(text):
        return LocalName(match["file"], match["attribute"])
    if match := _NAME.fullmatch(text):
        return Name(match["plugin"] or "", match["component"], match["variant"] or "")
    return None


def nearest(text: str, known: Iterable[str], count: int = 1) -> list[str]:
    """Return the known names that a misspelt one may have meant, the likeliest first."""
    lower = {name.lower(): name for name in known}
    cutoff = 0.5 if len(text) <= 3 else 0.6  # one slip in two letters leaves half of them
    return [lower[match] for match in difflib.get_close_matches(text.lower(), lower, count, cutoff)]


def did_you_mean(text: str, known: Iterable[str]) -> str:
    """Return `; did you mean "x"?`, or nothing where no known name is near."""
    close = nearest(text, known)
    return f'; did you mean "{close[0]}"?' if close else ""
