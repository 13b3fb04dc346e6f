"""Places in recipes: where a value was written, as errors say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

Keys = tuple[str | int, ...]


@dataclass(frozen=True)
class Origin:
    """Say where a value was written.

    text: `file:line` or the `--set` option.
    folder: what relative paths in the value are relative to.
    line: the line in its file; orders the problems of a recipe.
    layer: how deep in the `extends` chain: 1 is the recipe itself, 0 the defaults.
    trusted: whether the user wrote it, so that a Python file that it names is the user's, too.
    """

    text: str
    folder: Path
    line: int = 0
    layer: int = 0
    trusted: bool = True


def nearest_origin(origins: Mapping[Keys, Origin], keys: Keys) -> Origin | None:
    """Return the place of a key, or of the nearest table around it; None where there is neither.

    origins: the places that are known.
    keys: the path of the key.
    """
    for end in range(len(keys), 0, -1):
        if origin := origins.get(keys[:end]):
            return origin
    return None


def display_keys(keys: Keys) -> str:
    """Return keys as a recipe writes them, `train.epochs`; empty for none."""
    return ".".join(map(str, keys))
