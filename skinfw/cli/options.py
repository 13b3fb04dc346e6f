"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

import click

from skinfw.cli.completion import complete_recipe

F = TypeVar("F", bound=Callable[..., Any])
Detail = Literal["quiet", "verbose"]


def set_option(
    metavar: str = "TABLE.KEY=VALUE",
    about: str = "Set a value, e.g. --set train.epochs=3; may be repeated.",
) -> Callable[[F], F]:
    """Return the decorator of a command that adds `--set`, whose texts come as `sets`.

    metavar, about: what --help says of it.
    """
    return click.option("--set", "sets", multiple=True, metavar=metavar, help=about)


def trust_option(command: F) -> F:
    """Add the option `--trust`, which comes as `trust`."""
    about = "Import Python files that a run folder names, which may do all that you may."
    return click.option("--trust", is_flag=True, help=about)(command)


def network_option(about: str) -> Callable[[F], F]:
    """Return the decorator of a command that adds `--network`, which comes as `network`.

    about: what --help says of it.
    """
    return click.option("--network", type=click.Choice(["best", "refit"]), help=about)


def recipe_options(command: F) -> F:
    """Add the argument RECIPE, which comes as `recipe`, and the option `--set`."""
    path = click.Path(path_type=Path)
    recipe = click.argument("recipe", type=path, shell_complete=complete_recipe)
    return recipe(set_option()(command))


def detail_options(command: F) -> F:
    """Add `--quiet` and `--verbose`, of which the last one comes as `detail`, None for neither."""
    quiet = click.option(
        "-q", "--quiet", "detail", flag_value="quiet", help="Print the last lines and errors only."
    )
    verbose = click.option(
        "-v",
        "--verbose",
        "detail",
        flag_value="verbose",
        help="Print every number and every file in the end.",
    )
    return quiet(verbose(command))
