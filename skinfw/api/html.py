"""What a notebook shows of runs, answers and lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any


def table(
    head: Sequence[str], rows: Iterable[Sequence[Any]], caption: str = "", words: int = 1
) -> str:
    """Return an HTML table whose numbers stand at the right.

    words: how many columns at the left are words.
    """
    top = "".join(f"<th>{escape(str(cell))}</th>" for cell in head)
    body = "".join(
        "<tr>" + "".join(_cell(cell, place >= words) for place, cell in enumerate(row)) + "</tr>"
        for row in rows
    )
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: Any, number: bool) -> str:
    side = "right" if number else "left"
    return f'<td style="text-align: {side}">{escape(str(value))}</td>'


def interval(value: float, ends: tuple[float, float] | None) -> str:
    """Return a number with its interval."""
    if ends is None or ends[0] != ends[0]:
        return f"{value:.3f}"
    return f"{value:.3f} ({ends[0]:.3f} to {ends[1]:.3f})"
