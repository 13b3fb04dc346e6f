"""What a shell may offer where a recipe is to be named."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem

_RECIPES = ("*.toml", "*/*.toml")
_RUNS = ("*/run.json", "*/*/run.json")


def complete_recipe(_: click.Context, __: click.Parameter, written: str) -> list[CompletionItem]:
    """Return shipped recipes by name, and the recipe files and run folders that lie near.

    written: the beginning of the argument.
    Where nothing begins so, the shell offers the files that it knows.
    """
    from skinfw.recipe.shipped import shipped_recipes

    folder = written[: written.rfind("/") + 1]
    near = [file for pattern in _RECIPES for file in Path(folder).glob(pattern)]
    near += [file.parent for pattern in _RUNS for file in Path(folder).glob(pattern)]
    names = [*shipped_recipes(), *sorted(map(str, near))]
    items = [CompletionItem(name) for name in names if name.startswith(written)]
    return items or [CompletionItem(written, type="file")]
