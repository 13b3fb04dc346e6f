"""Columns and sentences that fit the terminal; no name ever breaks in two."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence

from skinfw.toolkit import echo

NARROWEST = 40
"""The room that the last column needs; it goes under the others where they leave less."""
_NO_BREAK = "\N{NO-BREAK SPACE}"


def print_columns(
    rows: Sequence[Sequence[str]], header: Sequence[str] = (), colours: Sequence[str | None] = ()
) -> None:
    """Print columns; the last one takes what the terminal leaves.

    rows: of as many texts as there are columns.
    header: what the columns are.
    colours: one a row, None for a plain one.
    """
    lines = [header, *rows] if header else rows
    widths = [max(map(len, column)) for column in list(zip(*lines, strict=True))[:-1]]
    left = sum(widths) + 2 * len(widths)
    under = _terminal() - left < NARROWEST
    if header:
        echo(_row(header[:-1] if under else header, widths), bold=True)
    for row, colour in zip(rows, colours or [None] * len(rows), strict=True):
        if under:
            print_text(_row(row[:-1], widths), colour)
            if row[-1]:
                print_text("    " + row[-1], colour, indent=4)
        else:
            print_text(_row(row, widths), colour, indent=left)


def print_text(text: str, colour: str | None = None, indent: int = 2) -> None:
    """Print a text that breaks between words alone, not even at a hyphen.

    colour: None for a plain one.
    indent: spaces before all lines but the first.
    """
    lines = textwrap.wrap(
        text,
        _terminal(),
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    echo("\n".join(lines).replace(_NO_BREAK, " "), fg=colour)


def whole(name: str) -> str:
    """Return a name of several words that no line breaks."""
    return name.replace(" ", _NO_BREAK)


def _terminal() -> int:
    return shutil.get_terminal_size((120, 24)).columns


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Return cells padded to the widths of their columns; the last column has none."""
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=False)]
    return "  ".join([*padded, *cells[len(widths) :]]).rstrip()
