"""The reliability diagram: right as often as sure, before and after temperature scaling."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from skinfw import atomic_write
from skinfw_reliability.curves import Bin

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GREY, COLOUR = "#666666", "#1f4e79"


def draw(
    panels: Sequence[tuple[str, Sequence[Bin]]], title: str, marks: Sequence[str], file: Path
) -> None:
    """Draw a panel beside the other, each with the numbers of images below it.

    panels: titles and their curves.
    marks: what a reader must know, below all.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    figure = Figure((4.6 * len(panels), 5.6), layout="constrained", dpi=130)
    grid = figure.subplots(2, len(panels), squeeze=False, height_ratios=(4, 1), sharex="col")
    for column, (name, curve) in enumerate(panels):
        _curve(grid[0, column], name, curve)
        below = grid[1, column]
        below.bar(
            [part.confidence for part in curve], [part.images for part in curve], 0.03, color=GREY
        )
        below.set(xlabel="mean confidence of the bin", ylabel="images", xlim=(0, 1))
        below.spines[["top", "right"]].set_visible(False)
    figure.suptitle(title, fontsize=10, x=0.01, ha="left")
    if marks:
        figure.supxlabel("\n".join(marks), fontsize=7.5, color=GREY)
    # A title may hold dollars, which begin no formula.
    with atomic_write(file) as partial, rc_context({"text.parse_math": False}):
        for text in figure.findobj(Text):
            text.set_parse_math(False)
        figure.savefig(partial, format="png")


def _curve(axes: Axes, name: str, curve: Sequence[Bin]) -> None:
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    axes.annotate("overconfident below", (0.97, 0.03), ha="right", fontsize=8, color=GREY)
    x, y = [part.confidence for part in curve], [part.accuracy for part in curve]
    # Of a share of zero or one, Wilson's interval ends a rounding error beside it.
    down = [max(0.0, part.accuracy - part.low) for part in curve]
    up = [max(0.0, part.high - part.accuracy) for part in curve]
    axes.errorbar(
        x, y, [down, up], color=COLOUR, marker="o", markersize=4, linewidth=1.4, elinewidth=0.8
    )
    axes.set_title(name, fontsize=9.5, loc="left")
    axes.set(ylabel="share that is right", xlim=(0, 1), ylim=(0, 1.02))
    axes.spines[["top", "right"]].set_visible(False)
