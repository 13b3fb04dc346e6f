"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def set_option(
    metavar: str = "TABLE.KEY=VALUE",
    about: str = "Set a value, e.g. --set train.epochs=3; may be repeated.",
) -> Callable[[F], F]:
    """Return the decorator of a command that adds `--set`, whose texts come as `sets`.

    metavar, about: what --help says of it.
    """
    return click.option("--set", "sets", multiple=True, metavar=metavar, help=about)


def recipe_options(command: F) -> F:
    """Add the argument RECIPE, which comes as `recipe`, and the option `--set`."""
    recipe = click.argument("recipe", type=click.Path(path_type=Path))
    return recipe(set_option()(command))
