"""The critical-difference diagram of a data set: a line for each recipe, bars for groups."""

from __future__ import annotations

from io import BytesIO

from skinfw_league.ranking import SetRanking, label

_INK, _LINE, _BAR = "#1f4e79", "#9a9a9a", "#b5651d"
_MOST = 60
"""Recipes that are drawn; a taller picture helps nobody."""


def draw_ranking(ranking: SetRanking, number: str) -> bytes:
    """Return a PNG of the recipes in their order, with intervals and groups.

    number: what they are ranked by.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    entries = ranking.entries[:_MOST]
    last = len(entries) - 1
    groups = [(first, min(end, last)) for first, end in ranking.groups if first < last]
    figure = Figure((8.6, 1.0 + 0.25 * len(entries)), layout="constrained", dpi=130)
    wide = 0.16 * max(len(groups), 1)
    axes, bars = figure.subplots(1, 2, sharey=True, width_ratios=[6, wide + 0.1])
    for place, one in enumerate(entries):
        axes.plot(one.number.interval, [place, place], color=_LINE, linewidth=1.6)
        axes.plot([one.number.mean], [place], "o", color=_INK, markersize=5)
    for column, (first, end) in enumerate(groups):
        bars.plot([column, column], [first, end], color=_BAR, linewidth=3, solid_capstyle="round")
    bars.set_xlim(-0.7, max(len(groups), 1) - 0.3)
    bars.set_axis_off()
    names = [f"{place}  {label(one.names)}" for place, one in enumerate(entries, 1)]
    axes.set_yticks(range(len(entries)), names, fontsize=8)
    axes.set_ylim(last + 0.6, -0.6)
    axes.set_xlabel(number.replace("_", " "))
    axes.grid(axis="x", color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    sink = BytesIO()
    with rc_context({"text.parse_math": False}):
        for text in axes.get_yticklabels():
            text.set_parse_math(False)
        figure.savefig(sink, format="png")
    return sink.getvalue()
