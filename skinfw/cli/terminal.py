"""Print texts that may come from anywhere: files, tables, components, recipes."""

from __future__ import annotations

from typing import Any

import click

from skinfw.errors import printable

LINES = "\n\t"
"""The controls that commands print themselves."""


def echo(text: str = "", err: bool = False, nl: bool = True, **style: Any) -> None:
    """Print a text; no control character in it reaches the terminal.

    text: of one line or several.
    err: whether it goes to stderr.
    nl: whether the line ends after it.
    style: as `click.style` takes it, such as bold=True.
    """
    shown = printable(text, LINES)
    click.echo(click.style(shown, **style) if style else shown, err=err, nl=nl)
